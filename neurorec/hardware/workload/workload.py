"""A workload, made from an observed trained network, a description, or a NIR graph with a recording.

Populations update their units in every step; projections deliver the input of their synapses. Spikes are exact
integers over all samples. `counting.py` counts a workload, `mapping/` places it, `pricing/` prices it, and what-if
sweeps modify it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from neurorec.basics.counts import ForwardPass, Ran, TrainingCounts
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.wiring import Wiring
from neurorec.learning.rule import Rule
from neurorec.models.wires import INPUT


@dataclass(frozen=True, eq=False)
class PopulationWork:
    """`size` identical units; numbers are per step and sample, apart from the synapses."""

    name: str
    size: int
    spikes: np.ndarray | None  #: [size] sent, over all samples; None if the units send values
    updates: int = 0  #: of neurons
    elementwise: int = 0
    nonlinearities: int = 0
    state: int = 0  #: words of state, all read and written in every step
    biases: int = 0  #: words stored besides the weights of the synapses
    start: int = 0  #: learned numbers of the initial state, read once per sample
    macs: int = 0  #: multiply-accumulates outside the synapses
    counted_by: str = "declared"
    is_readout: bool = False  #: its units never spike
    values_travel: bool = False  #: whether another population receives its values
    needs: frozenset[str] = frozenset()  #: capabilities that a chip must offer
    steps: np.ndarray | None = None  #: [T] spikes, where known
    active: np.ndarray | None = None  #: [size] updates in which each unit spiked; None: it spikes once at most
    ran: Ran | None = None  #: None: in all steps, started once per sample


@dataclass(frozen=True, eq=False)
class ProjectionWork:
    """`lines` lines that reach `synapses` synapses of the population `target`."""

    sources: tuple[str, ...]  #: populations, or "input"
    target: str
    lines: int
    synapses: int
    spikes: np.ndarray | None  #: [lines] that arrive, over all samples; None if the lines carry values
    fan_out: np.ndarray | None = None  #: [lines]; None: every line has the mean fan-out
    unheard: np.ndarray | None = None  #: [lines] spikes of the last step, which would arrive one step later
    stored: int = 0  #: words of weights and biases; a shared kernel is stored once
    elementwise: int = 0  #: further operations per step and sample
    nonlinearities: int = 0
    summed: bool = False  #: values that are only summed, without weights
    joins: bool = False  #: whether it delivers what the children of a node of a tree sent, added up
    steps: np.ndarray | None = None  #: [T] synaptic events, where known
    node: str = ""  #: of a NIR graph, if any

    @property
    def reaching(self) -> np.ndarray | None:
        """[lines] whether a line has a synapse; None: all have."""
        return None if self.fan_out is None else self.fan_out > 0

    def events(self) -> Fraction | int:
        """Synapses reached by the spikes."""
        if self.spikes is None or not self.lines:
            return 0
        if self.fan_out is not None:
            return int(self.spikes @ self.fan_out)
        return Fraction(int(self.spikes.sum()) * self.synapses, self.lines)


@dataclass(frozen=True)
class TrainingRun:
    """Extent of a training. A weight update is what the rule reports as such (`Rule.count_training`)."""

    rule: str | type[Rule]  #: a registered name, or the user's own class
    samples_seen: int
    weight_updates: int
    more: Mapping[str, int] = field(default_factory=dict)  #: what else the rule `reports`


@dataclass(frozen=True, eq=False)
class Training:
    """A training, and how it is counted from forward passes."""

    run: TrainingRun
    needs: frozenset[str]
    count: Callable[[ForwardPass, TrainingRun], TrainingCounts]
    numbers: int  #: numbers that workers must merge: everything trained or kept from sample to sample
    spikes_cause_updates: bool = False  #: whether fewer spikes mean fewer weight changes


@dataclass(frozen=True, eq=False)
class Spiked:
    """Which line spiked in which step of one sample: one entry per spike. Lines: the input's, then all units."""

    step: np.ndarray
    line: np.ndarray


@dataclass(frozen=True, eq=False)
class Workload:
    """`samples` inferences of `steps` steps each."""

    samples: int
    steps: int
    input_size: int
    input_spikes: np.ndarray | None  #: [I] over all samples; None if the input lines carry values
    populations: tuple[PopulationWork, ...]
    projections: tuple[ProjectionWork, ...]
    wiring: Wiring
    dt_ms: float | None = None  #: duration of a step; None: no physical time
    skipped_steps: int = 0  #: steps after the end of shorter samples, summed over samples
    running: np.ndarray | None = None  #: [T] samples that still ran
    expected: bool = False  #: spikes are expected values, exactly proportional to the number of samples
    spiked: Spiked | None = None
    training: Training | None = None
    setting: Setting = field(default_factory=Setting)

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def started(self) -> int:
        """Samples that ran their first step."""
        return self.samples if self.running is None else int(self.running[:1].sum())

    def ran(self, population: str) -> Ran:
        return self.of[population].ran or Ran(self.sample_steps, self.started)

    @cached_property
    def of(self) -> Mapping[str, PopulationWork]:
        """Populations by name."""
        return {p.name: p for p in self.populations}

    def size_of(self, source: str) -> int:
        return self.input_size if source == INPUT else self.of[source].size

    @cached_property
    def _by_target(self) -> dict[str, list[ProjectionWork]]:
        found: dict[str, list[ProjectionWork]] = {p.name: [] for p in self.populations}
        for one in self.projections:
            found[one.target].append(one)
        return found

    def into(self, target: str) -> tuple[ProjectionWork, ...]:
        return tuple(self._by_target[target])

    @property
    def all_spikes(self) -> list[np.ndarray]:
        """Spikes of the input lines and of each population that sends spikes."""
        return [spikes for spikes in (self.input_spikes, *(p.spikes for p in self.populations)) if spikes is not None]

    @property
    def most_spikes_per_step(self) -> float:
        """The largest number of spikes per sample and step of any line."""
        return max((int(spikes.max(initial=0)) for spikes in self.all_spikes), default=0) / max(1, self.sample_steps)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on how it was counted."""
        return tuple(
            f'layer "{p.name}": {p.macs:,} multiply-accumulates per step, measured by a {p.counted_by}, not declared'
            for p in self.populations
            if p.counted_by != "declared"
        )

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Operations that are not counted, so that every total is a lower estimate."""
        return tuple(
            f'operations of layer "{p.name}" other than matrix products'
            for p in self.populations
            if p.counted_by != "declared"
        )

    def with_setting(self, **changes: Any) -> Workload:
        return replace(self, setting=replace(self.setting, **changes))
