"""What is to be done, whoever says so: a trained net that was observed, a description, or a NIR graph with a recording.

Populations update their units in every step; projections bring them what arrives at their synapses. Spikes are exact
integers over all samples. `counting.py` makes counts of a workload, `mapping/` places it, `pricing/` prices it, and what-if
sweeps change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.wiring import Wiring
from neurorec.learning.rule import Rule
from neurorec.models.wires import INPUT


@dataclass(frozen=True, eq=False)
class PopulationWork:
    """`size` units alike; numbers are those of one step of one sample, beside the synapses."""

    name: str
    size: int
    spikes: np.ndarray | None  #: [size] sent, over all samples; None where the units send values
    updates: int = 0  #: of neurons
    elementwise: int = 0
    nonlinearities: int = 0
    state: int = 0  #: words kept, all read and written in every step
    biases: int = 0  #: words kept beside the weights of the synapses
    macs: int = 0  #: multiply-accumulates that belong to no synapse
    counted_by: str = "declared"
    is_readout: bool = False  #: its units never spike
    values_travel: bool = False  #: some other population hears its values
    needs: frozenset[str] = frozenset()  #: what a chip must be capable of
    steps: np.ndarray | None = None  #: [T] spikes, where known


@dataclass(frozen=True, eq=False)
class ProjectionWork:
    """`lines` lines that reach `synapses` synapses of the population `target`, counted once where a spike meets them."""

    sources: tuple[str, ...]  #: whom it hears: populations, or "input"
    target: str
    lines: int
    synapses: int
    spikes: np.ndarray | None  #: [lines] that arrive, over all samples; None where the lines carry values
    fan_out: np.ndarray | None = None  #: [lines]; None: every line reaches as many, in the mean
    unheard: np.ndarray | None = None  #: [lines] spikes of last steps, which would arrive one step later
    stored: int = 0  #: words of weights and biases: a shared kernel is held once
    elementwise: int = 0  #: operations in one step of one sample, on the way
    nonlinearities: int = 0
    summed: bool = False  #: values that are only added up: no weights
    steps: np.ndarray | None = None  #: [T] synaptic events, where known
    node: str = ""  #: of a NIR graph

    @property
    def reaching(self) -> np.ndarray | None:
        """[lines] which of them end at a synapse; None: all."""
        return None if self.fan_out is None else self.fan_out > 0

    def events(self) -> Fraction | int:
        """Synapses that the spikes meet."""
        if self.spikes is None or not self.lines:
            return 0
        if self.fan_out is not None:
            return int(self.spikes @ self.fan_out)
        return Fraction(int(self.spikes.sum()) * self.synapses, self.lines)


@dataclass(frozen=True)
class TrainingRun:
    """What a training did. One weight update is whatever the rule reports as such (`Rule.count_training`)."""

    rule: str | type[Rule]  #: a registered name, or a class of the user's own
    samples_seen: int
    weight_updates: int


@dataclass(frozen=True, eq=False)
class Training:
    """A training that was done, and how it is counted from the forward passes."""

    run: TrainingRun
    needs: frozenset[str]
    count: Callable[[ForwardPass, TrainingRun], TrainingCounts]
    numbers: int  #: that workers which share it must merge: all that is trained or kept from sample to sample
    spikes_cause_updates: bool = False  #: fewer spikes change fewer weights


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
    input_spikes: np.ndarray | None  #: [I] over all samples; None where the input lines carry values
    populations: tuple[PopulationWork, ...]
    projections: tuple[ProjectionWork, ...]
    wiring: Wiring
    dt_ms: float | None = None  #: what a step stands for; None: no time
    skipped_steps: int = 0  #: that samples shorter than others did not run, summed over samples
    running: np.ndarray | None = None  #: [T] samples that still ran
    expected: bool = False  #: spikes are expectations, so that twice the samples have exactly twice of them
    spiked: Spiked | None = None
    training: Training | None = None
    setting: Setting = field(default_factory=Setting)

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def of(self) -> Mapping[str, PopulationWork]:
        """Populations by name."""
        return {p.name: p for p in self.populations}

    def size_of(self, source: str) -> int:
        return self.input_size if source == INPUT else self.of[source].size

    def into(self, target: str) -> tuple[ProjectionWork, ...]:
        return tuple(one for one in self.projections if one.target == target)

    @property
    def all_spikes(self) -> list[np.ndarray]:
        """Of the input lines and of each population that sends spikes."""
        return [spikes for spikes in (self.input_spikes, *(p.spikes for p in self.populations)) if spikes is not None]

    @property
    def most_spikes_per_step(self) -> float:
        """Of any line: spikes per sample and step."""
        return max((int(spikes.max(initial=0)) for spikes in self.all_spikes), default=0) / max(1, self.sample_steps)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of how it was counted."""
        return tuple(
            f'layer "{p.name}": {p.macs:,} multiply-accumulates per step as a {p.counted_by} found them, nothing declared'
            for p in self.populations
            if p.counted_by != "declared"
        )

    @property
    def uncounted(self) -> tuple[str, ...]:
        """What no count holds, so that every total is a lower one."""
        return tuple(
            f'what layer "{p.name}" does beside matrix products' for p in self.populations if p.counted_by != "declared"
        )

    def with_setting(self, **changes: Any) -> Workload:
        return replace(self, setting=replace(self.setting, **changes))
