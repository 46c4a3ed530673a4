"""Pairs of spikes at different rates (Sjöström et al. 2001): which rule explains that potentiation grows with the rate."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_protocol import weights_after
from neurorec.engines.on_plastic import OnPlastic
from neurorec.learning.stdp import STDP, STDPCard
from neurorec.learning.triplet_stdp import TripletSTDP, TripletSTDPCard

RATES_HZ = (0.1, 10.0, 20.0, 40.0, 50.0)
LAGS_MS = (10.0, -10.0)  #: from the line's spike to the neuron's
MEASURED = {10.0: (-0.04, 0.14, 0.29, 0.53, 0.56), -10.0: (-0.29, -0.41, -0.34, 0.56, 0.75)}  #: relative change, by lag
SPREAD = {10.0: (0.05, 0.10, 0.14, 0.11, 0.26), -10.0: (0.08, 0.11, 0.10, 0.32, 0.19)}  #: standard error of it
START, LARGEST = 1e3, 1e6  #: weights that no bound touches; changes are additive, and so relative to a weight of 1
PUBLISHED_MS = (16.8, 33.7)  #: tau+ and tau-
FREE_MS = tuple(np.geomspace(1.0, 1000.0, 121))  #: time constants tried for the best pair rule
NO_HOMEOSTASIS = {"threshold_rise": 0.0, "tau_threshold_ms": 1.0, "weight_max": LARGEST}
NOT_TRAINED = {"rule": "stdp", "task": "", "epochs": 1, "batch_size": 1}
#: fitted to these data by Pfister & Gerstner, all-to-all
MINIMAL = {"potentiation": 0.0, "triplet_potentiation": 6.5e-3, "depression": 7.1e-3, "triplet_depression": 0.0,
           "tau_slow_pre_ms": 1.0, "tau_slow_post_ms": 114.0}  # fmt: skip
FULL = {"potentiation": 5e-10, "triplet_potentiation": 6.2e-3, "depression": 7e-3, "triplet_depression": 2.3e-4,
        "tau_slow_pre_ms": 101.0, "tau_slow_post_ms": 125.0}  # fmt: skip


class SjostromSettings(Card):
    pairings: Annotated[int, Field(ge=2, le=1000)]
    dt_ms: Annotated[float, Field(gt=0, le=1)]  #: 10 ms and the intervals between pairs must be multiples of it


@analyses.register("sjostrom_protocol")
class SjostromProtocol(Analysis):
    """Weight changes after pairings, in the event engine, beside the measured ones; E is the mean of
    ((change - measured) / standard error)^2 over the ten conditions.

    The triplet rule has its published parameters. The amplitudes of the pair rule are fitted here by least squares: with the
    time constants of the triplet rule, which describe the measured window of single pairs, and with the best time constants
    up to 1 s, which do not.
    """

    about = "Triplet and pair STDP on spike pairs at 0.1 to 50 Hz"
    sources = ("sjostrom2001", "pfister2006")
    Settings = SjostromSettings
    example: ClassVar = {"pairings": 60, "dt_ms": 1.0}
    gives: ClassVar = {
        "E of the triplet rule": Value("mean squared deviation in standard errors, minimal triplet rule", "", False),
        "E of the full triplet rule": Value("the same with all four amplitudes", "", False),
        "E of the pair rule": Value("the same for the best pair rule with the triplet rule's time constants"),
        "E of the best pair rule": Value("the same for the best pair rule with any time constants up to 1 s"),
    }

    def run(self, settings: SjostromSettings, seed: int) -> Found:
        rules = {
            "triplet rule": _triplet(MINIMAL), "full triplet rule": _triplet(FULL),
            "pair rule": best_pair(settings, *([tau] for tau in PUBLISHED_MS)),
            "best pair rule": best_pair(settings, FREE_MS, FREE_MS),
        }  # fmt: skip
        changes = {name: measured_changes(rule, settings) for name, rule in rules.items()}
        values = {f"E of the {name}": float(error(found)) for name, found in changes.items()}
        shown = (f"{name}: E = {values[f'E of the {name}']:.2f}" for name in rules)
        figures = [
            Curves(
                f"{'Line' if lag > 0 else 'Neuron'} first, by {abs(lag):g} ms",
                f"Relative weight change after {settings.pairings} pairings; {'; '.join(shown)}." if lag > 0
                else "The same pairs in the other order: above 40 Hz, the synapse is strengthened in either order.",
                "rate of pairings in Hz", "relative change of weight",
                {"measured (Sjöström et al. 2001)": series(RATES_HZ, MEASURED[lag])}
                | {name: series(RATES_HZ, found[k]) for name, found in changes.items()},
                level=0.0,
            )
            for k, lag in enumerate(LAGS_MS)
        ]  # fmt: skip
        return Found(values, tuple(figures))


def _triplet(parameters: dict[str, float]) -> EventEquations:
    card = TripletSTDPCard.model_validate({
        **NOT_TRAINED, **NO_HOMEOSTASIS, **parameters, "tau_pre_ms": PUBLISHED_MS[0], "tau_post_ms": PUBLISHED_MS[1]
    })  # fmt: skip
    return TripletSTDP(card).event_equations(None)


def trains(settings: SjostromSettings) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Spike times of lines and neurons, for every lag and rate."""
    pre, post = [], []
    for lag in LAGS_MS:
        for rate in RATES_HZ:
            first = np.arange(settings.pairings) * (1000.0 / rate)
            pre.append(first + max(0.0, -lag))
            post.append(first + max(0.0, lag))
    return pre, post


def measured_changes(rule: EventEquations, settings: SjostromSettings) -> np.ndarray:
    """[lags, rates] relative changes under the rule."""
    after = weights_after(OnPlastic(), rule, *trains(settings), START, settings.dt_ms)
    return (after - START).reshape(len(LAGS_MS), len(RATES_HZ))


def error(changes: np.ndarray) -> np.floating:
    measured, spread = (np.array([of[lag] for lag in LAGS_MS]) for of in (MEASURED, SPREAD))
    return np.mean(((changes - measured) / spread) ** 2)


def best_pair(settings: SjostromSettings, taus_pre: Sequence[float], taus_post: Sequence[float]) -> EventEquations:
    """The pair rule with the smallest error: changes are linear in both amplitudes, and each depends on one time constant."""
    pre, post = trains(settings)
    gains = {
        tau: np.array([_paired(late, early, tau) for late, early in zip(post, pre, strict=True)]) for tau in taus_pre
    }
    losses = {
        tau: np.array([_paired(late, early, tau) for late, early in zip(pre, post, strict=True)]) for tau in taus_post
    }
    measured, spread = (np.concatenate([of[lag] for lag in LAGS_MS]) for of in (MEASURED, SPREAD))
    tried = [(*_fit(gain / spread, loss / spread, measured / spread), tau_pre, tau_post)
             for tau_pre, gain in gains.items() for tau_post, loss in losses.items()]  # fmt: skip
    _, potentiation, depression, tau_pre, tau_post = min(tried)
    card = STDPCard.model_validate({
        **NOT_TRAINED, **NO_HOMEOSTASIS, "potentiation": potentiation, "depression": depression,
        "tau_pre_ms": float(tau_pre), "tau_post_ms": float(tau_post), "trace_target": 0.0,
    })  # fmt: skip
    return STDP(card).event_equations(None)


def _paired(late: np.ndarray, early: np.ndarray, tau_ms: float) -> float:
    """The sum of exp(-interval / tau) over all pairs with a spike of `early` before one of `late`."""
    intervals = late[:, None] - early[None]
    return float(np.exp(-intervals[intervals > 0] / tau_ms).sum())


def _fit(gain: np.ndarray, loss: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """The smallest error with two amplitudes that are not negative, and the amplitudes."""
    from scipy.optimize import nnls

    found, norm = nnls(np.stack([gain, -loss], 1), wanted)
    return float(norm), float(found[0]), float(found[1])
