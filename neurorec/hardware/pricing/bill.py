"""The result of pricing: a `Cost` with its parts. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.basics.counts import TrainingCounts
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.evidence import Scope
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.pricing.memory import BitsMoved
from neurorec.hardware.workload.counting import Operations


@dataclass(frozen=True)
class Outcome:
    """The scores of a finished run. `history`: validation score after each epoch, if the rule was scored per epoch."""

    accuracy: float | None  #: on test data; None if answers are not correct or wrong
    validation: float  #: of the final network
    epochs: int
    history: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Breakdown:
    """The parts of the energy of a per-term chip; a part without any priced term is None."""

    compute: Band | None
    memory: Band | None
    communication: Band | None
    static: Band | None


@dataclass(frozen=True)
class TrainingCost:
    """A whole training on the chip. `time_us` covers forward passes, backward passes and updates in sequence."""

    energy_pJ: Band | None
    why_not: str = ""
    dynamic_pJ: Band | None = None
    static_pJ: Band | None = None
    time_us: Band | None = None
    unpriced: tuple[str, ...] = ()
    without_band: tuple[str, ...] = ()  #: priced terms for which no source gives a band
    communication_bits: float | None = None
    operations: TrainingCounts | None = None
    traffic: tuple[BitsMoved, ...] = ()  #: of the whole training, by store and memory

    @property
    def at_least(self) -> bool:
        return bool(self.unpriced)


@dataclass(frozen=True)
class Cost:
    """One inference of one sample. If `can_run` is False, `why_not` gives the reason and there are no numbers.

    `energy_pJ` of an all-in chip is one figure: `breakdown` is None (and `dynamic_pJ` too, unless the board's idle power
    was metered), and it must not share a column with per-term figures. Messages: a spike is one packet (one word
    if the card states no packet), a value one word.
    """

    chip: str
    scope: Scope
    can_run: bool
    why_not: str = ""
    energy_pJ: Band | None = None
    breakdown: Breakdown | None = None
    dynamic_pJ: Band | None = None
    latency_us: Band | None = None
    bottleneck: str = ""  #: what determines the latency
    unpriced: tuple[str, ...] = ()
    without_band: tuple[str, ...] = ()  #: priced terms for which no source gives a band
    communication_bits: float | None = None
    static_basis: str = ""
    operations: Operations | None = None
    mapping: Mapping | None = None
    traffic: tuple[BitsMoved, ...] = ()  #: bits by store and memory, over all samples of `operations`
    precision: str = ""  #: the data type that was priced
    training: TrainingCost | None = None
    outcome: Outcome | None = None  #: of the run whose network this is
    batch: int = 1
    notes: tuple[str, ...] = ()  #: caveats for the figure
    published: tuple[str, ...] = ()  #: figures measured end to end on other networks, for comparison

    @property
    def at_least(self) -> bool:
        """Whether some term has no price, so that the true total is higher."""
        return bool(self.unpriced)
