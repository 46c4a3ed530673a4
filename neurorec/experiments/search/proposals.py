"""The next constants to try, proposed by Optuna. Only this file names it."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neurorec.basics.seeds import numpy_generator
from neurorec.experiments.search.space import Span

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 3  #: significant ones of a proposed number
RANDOM_SHARE = 1 / 3  #: of the trials, before "tpe" learns from them

Told = Sequence[tuple[Mapping[str, Any], float | None]]


def propose(
    spans: Mapping[str, Span], told: Told, *, trials: int, sampler: str, seed: int, purpose: str, higher_is_better: bool
) -> dict[str, Any]:
    """The constants of the trial after those in `told` (constants, and score or None if it failed).

    It depends on nothing else: a search that was stopped continues as if it had not been.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    random = numpy_generator(seed, f"{purpose} trial {len(told)}")
    drawn = int(random.integers(2**31))
    first = max(1, round(trials * RANDOM_SHARE))
    member = (
        optuna.samplers.TPESampler(seed=drawn, n_startup_trials=first)
        if sampler == "tpe"
        else optuna.samplers.RandomSampler(seed=drawn)
    )
    study = optuna.create_study(sampler=member, direction="maximize" if higher_is_better else "minimize")
    ranges = {name: _distribution(span) for name, span in spans.items()}
    known = [score for _, score in told if score is not None]
    worst = min(known, default=None) if higher_is_better else max(known, default=None)
    for constants, score in told:
        value = worst if score is None else score  # a failed trial is as bad as the worst
        if value is not None:
            study.add_trial(optuna.create_trial(params=dict(constants), distributions=ranges, value=value))
    proposed = study.ask(ranges).params
    return {name: _rounded(proposed[name], span) for name, span in spans.items()}


def _distribution(span: Span) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if span.choices is not None:
        return CategoricalDistribution(span.choices)
    low, high = span.ends
    kind = IntDistribution if span.whole else FloatDistribution
    return kind(low, high, log=span.log is not None)


def _rounded(value: Any, span: Span) -> Any:
    """To a few digits, within the span: constants are for people to read."""
    if not isinstance(value, float) or span.choices is not None or value == 0:
        return value
    low, high = span.ends
    return float(min(max(round(value, DIGITS - 1 - math.floor(math.log10(abs(value)))), low), high))
