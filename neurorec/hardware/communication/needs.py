"""What each learning rule makes the parts of one network tell each other, beside the forward spikes or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurorec.basics.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Needs:
    """One rule, as it is published.

    errors : a real number for every unit and step goes back from every part that heard the unit.
    signals : real numbers that every part hears in every step: one for each output, or one alone.
    online : weights change while the sample runs, so samples come one by one and cannot share a batch.
    """

    title: str
    errors: bool
    signals: Literal["none", "outputs", "one"]
    online: bool
    why: str
    sources: tuple[str, ...]


NEEDS = {
    "bptt": Needs(
        "BPTT", errors=True, signals="none", online=False, sources=("werbos1990", "neftci2019"),
        why="dL/dz_j(t) sums W_kj delta_k over the units k that hear unit j: each other part sends its share of the sum",
    ),
    "e-prop": Needs(
        "e-prop", errors=False, signals="outputs", online=False, sources=("bellec2020",),
        why="every unit j needs L_j(t) = sum over outputs k of B_jk (y_k - y*_k): the O output errors are broadcast, B is "
        "symmetric, random or learned but local; eligibility traces stay where they are",
    ),
    "stdp": Needs(
        "STDP", errors=False, signals="none", online=True, sources=("diehl2015",),
        why="a synapse sees the spikes at its two ends; they cross the cut anyway",
    ),
    "reward-stdp": Needs(
        "reward-modulated STDP", errors=False, signals="one", online=True, sources=("izhikevich2007",),
        why="as STDP, and one number, the reward, is broadcast in every step",
    ),
}  # fmt: skip


def needs_of(rule: str) -> Needs:
    """What the rule needs. Raises `InputError` for one whose communication is not known."""
    if rule not in NEEDS:
        raise InputError(
            f'what rule "{rule}" communicates is not known{did_you_mean(rule, NEEDS)}; known: {", ".join(NEEDS)}'
        )
    return NEEDS[rule]
