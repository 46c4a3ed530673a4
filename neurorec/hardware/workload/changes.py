"""The same workload with fewer spikes, or in other steps. Information per step is dropped.

Observed spikes are rounded per line. Expected ones stay exact: the number of samples is chosen so that they are integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.hardware.workload.workload import PopulationWork, Workload

MOST_SPIKES = 2**53  #: of all lines together; beyond, sums of spikes would not be exact
MOST_EVENTS = 2**62  #: synapses that they reach; beyond, 64 bits would overflow
SIMPLE = 10**4  #: largest denominator of a fraction that a long decimal number is taken for
Change = Callable[[np.ndarray], np.ndarray]


def exact(number: float) -> Fraction:
    """The exact value of the decimal number as written, or the simple fraction that it is closest to: 0.3333333333333333 is a
    third."""
    written = Fraction(repr(number))
    simple = written.limit_denominator(SIMPLE)
    return simple if float(simple) == number else written


def check_countable(spikes: Fraction | int, samples: int, events: Fraction | int = 0) -> None:
    """Raises `InputError` if so many samples of so many spikes and synaptic events each cannot be counted exactly."""
    if spikes * samples > MOST_SPIKES or events * samples > MOST_EVENTS:
        raise InputError(
            f"{_about(spikes)} spikes per inference, in {_about(samples)} inferences (so that every line has a whole "
            f"number), are more than can be counted exactly ({MOST_SPIKES:.2g}); write rates with fewer digits, or use fewer "
            "steps or units"
        )


def _about(number: Fraction | int) -> str:
    return f"{float(number):.3g}" if number < 10**300 else "over 1e300"


def thinned(work: Workload, sparsity: float) -> Workload:
    """The spikes of every line times 1 - sparsity."""
    share = 1 - exact(sparsity)
    work = _whole(work, share)
    changed = _with_spikes(work, lambda spikes: _times(spikes, share), lambda unheard: _times(unheard, share))
    training = work.training
    if training is not None and training.spikes_cause_updates:
        run = replace(training.run, weight_updates=round(training.run.weight_updates * float(share)))
        training = replace(training, run=run)
    return replace(changed, training=training)


def restepped(work: Workload, steps: int, dt_ms: float) -> Workload:
    """The same spikes in `steps` steps of `dt_ms`. Those of the last step, which are not received one step later, scale with
    its length."""
    share = Fraction(work.steps, steps)
    work = _whole(work, share)
    changed = _with_spikes(work, lambda spikes: spikes, lambda unheard: _times(unheard, share))
    changed = replace(changed, populations=_ran(changed, 1 / share))
    return replace(changed, steps=steps, dt_ms=dt_ms, skipped_steps=round(work.skipped_steps / share))


def repeated(work: Workload, times: int) -> Workload:
    """`times` as many samples of the same kind. Raises `InputError` if their spikes could not be counted exactly."""
    check_countable(Fraction(sum(int(spikes.sum()) for spikes in work.all_spikes), work.samples), work.samples * times)
    changed = _with_spikes(work, lambda spikes: spikes * times, lambda unheard: unheard * times)
    changed = replace(changed, populations=_ran(changed, times))
    return replace(changed, samples=work.samples * times, skipped_steps=work.skipped_steps * times)


def _ran(work: Workload, times: Fraction | int) -> tuple[PopulationWork, ...]:
    """The populations, with `times` as many steps."""
    return tuple(p if p.ran is None else replace(p, ran=p.ran.times(times)) for p in work.populations)


def _whole(work: Workload, share: Fraction) -> Workload:
    return repeated(work, share.denominator) if work.expected and share.denominator > 1 else work


def _times(spikes: np.ndarray, share: Fraction) -> np.ndarray:
    check_countable(int(spikes.max(initial=0)), share.numerator)
    return np.rint(spikes * share.numerator / share.denominator).astype(np.int64)


def _with_spikes(work: Workload, sent: Change, last: Change) -> Workload:
    """`sent` changes the spikes of every line, `last` those of the last step, which are not received."""
    populations = tuple(
        p
        if p.spikes is None
        else replace(p, spikes=sent(p.spikes), steps=None, active=None if p.active is None else sent(p.active))
        for p in work.populations
    )
    projections = []
    for one in work.projections:
        if one.spikes is None:
            projections.append(one)
        elif one.unheard is None:
            projections.append(replace(one, spikes=sent(one.spikes), steps=None))
        else:
            unheard = last(one.unheard)
            arriving = np.maximum(sent(one.spikes + one.unheard) - unheard, 0)
            projections.append(replace(one, spikes=arriving, unheard=unheard, steps=None))
    return replace(
        work,
        populations=populations,
        projections=tuple(projections),
        input_spikes=None if work.input_spikes is None else sent(work.input_spikes),
        running=None,
        spiked=None,
    )
