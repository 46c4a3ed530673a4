"""Results of a communication study, as flat plain data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neurorec.experiments.findings import Findings

Split = Literal["data", "units"]


@dataclass(frozen=True)
class RuleRow:
    """Messages between parts of one network that a rule requires, besides spikes or values."""

    title: str
    errors: bool
    signals: str  #: "none", "outputs" or "one"
    online: bool  #: samples are processed one by one and cannot share a batch


@dataclass(frozen=True)
class NetRow:
    """One trained network and its epoch, over all seeds."""

    net: str  #: pair and half
    title: str  #: for display: "LIF on row_digits"
    trained_by: str
    inputs: int
    hidden: int
    outputs: int
    steps: int
    samples: int
    trained_numbers: int
    activity: list[float]  #: spikes per unit and step, by seed; empty if units send values
    accuracy: list[float]  #: test accuracy by seed


@dataclass(frozen=True)
class BytesRow:
    """Bytes of one epoch, of all workers: exact, by seed."""

    net: str
    split: Split
    rule: str  #: "any" if the rule makes no difference
    merge: str  #: "every update" or "once per epoch"; "" if units are shared
    workers: int
    total_bytes: list[int]
    spikes: list[int]
    forward_values: list[int]
    errors: list[int]
    signals: list[int]
    merged: list[int]
    waits: int


@dataclass(frozen=True)
class PriceRow:
    """Energy and time of one `BytesRow` over one link: value, and band over prices and seeds."""

    net: str
    split: Split
    rule: str
    merge: str
    workers: int
    link: str
    why_not: str
    energy_pJ: float | None = None
    energy_low_pJ: float | None = None
    energy_high_pJ: float | None = None
    energy_at_least: bool = False
    time_s: float | None = None
    time_low_s: float | None = None
    time_high_s: float | None = None
    time_at_least: bool = False


@dataclass(frozen=True)
class ComputeRow:
    """Energy of computing the same epoch on a chip, forward passes and learning; independent of the number of workers."""

    net: str
    rule: str
    chip: str
    why_not: str
    energy_pJ: float | None = None
    energy_low_pJ: float | None = None
    energy_high_pJ: float | None = None
    at_least: bool = False
    unpriced: str = ""


@dataclass(frozen=True)
class CrossRow:
    """Where the first quantity overtakes the second along an axis; `at` None: nowhere between `first` and `last`."""

    kind: str  #: "joules", "seconds", "splits", "rules"
    net: str
    rule: str
    first_thing: str
    second_thing: str
    link: str
    axis: str
    at: float | None
    earliest: float | None
    latest: float | None
    first: float
    last: float
    at_least: str = ""  #: quantities that are only lower estimates: "first", "second", "both"


@dataclass(frozen=True)
class SizeRow:
    """Bytes of an epoch of a network like `net` with `hidden` units, shared between two workers; the band spans the seeds'
    activities."""

    net: str
    split: Split
    rule: str
    merge: str
    hidden: int
    total_bytes: float
    low_bytes: float
    high_bytes: float


@dataclass(frozen=True)
class RingRow:
    """One all-reduce between real processes. `ring` is "own" or "gloo"; bytes are summed over the processes."""

    ring: str
    workers: int
    numbers: int
    formula_bytes: int
    payload_bytes: int
    messages: int
    tcp_bytes: int | None
    right: bool


@dataclass(frozen=True)
class CommunicationResults:
    study: str
    question: str
    about: str
    quick: bool
    seeds: list[int]
    batch_size: int
    report_links: list[str]  #: for which the page plots shared samples
    unit_links: list[str]  #: for which it plots shared units
    rules: dict[str, RuleRow]  #: every rule counted, in the order of the card
    nets: list[NetRow]
    bytes: list[BytesRow]
    prices: list[PriceRow]
    computing: list[ComputeRow]
    crossovers: list[CrossRow]
    sizes: list[SizeRow]
    rings: list[RingRow]
    ring_failed: str  #: why the ring could not be checked, or ""
    links: dict[str, str]  #: name -> about
    sources: list[str]
    notes: list[str]
    wall_s: float
    folder: Path
    findings: Findings | None = None

    @property
    def failures(self) -> list[str]:
        return [self.ring_failed] if self.ring_failed else []
