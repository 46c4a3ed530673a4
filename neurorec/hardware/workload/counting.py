"""Exact operation counts of a workload: operations of units and synapses per event, times events.

Every count is an integer, summed over all samples (divide by `samples` for one inference). With z_k the spikes on line k
and f_k the synapses it reaches, lines of spikes cost sum_k z_k f_k accumulates; lines of values cost T B sum_k f_k
multiply-accumulates (the first step also multiplies the zero state). Spikes of the last step are not received by delayed
wires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Ran, Store
from neurorec.hardware.chips.precision import FLOAT32
from neurorec.hardware.workload.workload import PopulationWork, ProjectionWork, Workload


@dataclass(frozen=True)
class PopulationSteps:
    """Integers [T], summed over all samples."""

    events: np.ndarray  #: synaptic events
    macs: np.ndarray
    spikes: np.ndarray


@dataclass(frozen=True)
class Operations:
    """Counts of a whole run over `samples` samples of `steps` steps."""

    samples: int
    steps: int
    input_spikes: int
    input_values: int  #: words that arrive, if the input lines carry values
    layers: LayerCounts
    stores: tuple[Store, ...]  #: what a memory must hold for one sample
    sizes: Mapping[str, int]  #: units of each layer
    dt_ms: float | None
    skipped_steps: int = 0
    running: np.ndarray | None = field(default=None, compare=False)  #: [T] number of samples still running
    per_step: Mapping[str, PopulationSteps] | None = field(default=None, compare=False)  #: by layer, where known
    arrived: Mapping[str, tuple[Counts, ...]] = field(default_factory=dict, compare=False)  #: by layer and projection
    ran: Mapping[str, Ran] = field(
        default_factory=dict, compare=False
    )  #: by layer, where not in all steps of each sample

    @property
    def total(self) -> Counts:
        return self.layers.total

    @property
    def units(self) -> int:
        return sum(self.sizes.values())

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def started(self) -> int:
        """Samples that ran their first step."""
        return self.samples if self.running is None else int(self.running[:1].sum())

    @property
    def mean_steps(self) -> float:
        """Mean steps per sample."""
        return self.sample_steps / max(1, self.samples)

    @property
    def stored_words(self) -> int:
        """Weights, biases and state."""
        return sum(store.words for store in self.stores if store.kind in ("weight", "state"))

    @property
    def stored_bytes(self) -> int:
        """Weights in the layout of the reference engine."""
        return self.stored_words * FLOAT32.bits("weight") // 8

    def forward(self) -> ForwardPass:
        """What a rule needs to count its training."""
        return ForwardPass(
            self.layers, self.samples, self.steps, self.sample_steps, self.started, self.input_spikes, self.arrived,
            self.ran,
        )  # fmt: skip


def count_work(work: Workload) -> Operations:
    """Exact totals of everything that the workload requires.

    A readout counts in every step, as computed in the forward pass, even if the answer does not count in that step.
    """
    runs, spikes, ran = work.sample_steps, work.input_spikes, {p.name: work.ran(p.name) for p in work.populations}
    return Operations(
        samples=work.samples,
        steps=work.steps,
        input_spikes=0 if spikes is None else int(spikes.sum()),
        input_values=runs * work.input_size if spikes is None else 0,
        layers=LayerCounts({
            p.name: count_units(ran[p.name].steps, p) + Counts(weight_reads=ran[p.name].starts * p.start)
            + count_synapses(ran[p.name].steps, work.into(p.name), ran[p.name].sums) for p in work.populations
        }),
        stores=tuple(store for p in work.populations for store in _stores(work, p)),
        sizes={p.name: p.size for p in work.populations},
        dt_ms=work.dt_ms,
        skipped_steps=work.skipped_steps,
        running=work.running,
        per_step=_per_step(work),
        arrived={
            p.name: tuple(count_synapses(ran[p.name].steps, [one], ran[p.name].sums) for one in work.into(p.name))
            for p in work.populations
        },
        ran={p.name: p.ran for p in work.populations if p.ran is not None},
    )  # fmt: skip


def count_units(runs: int, p: PopulationWork) -> Counts:
    """Operations of a population's units in `runs` steps, apart from their synapses."""
    spikes = 0 if p.spikes is None else int(p.spikes.sum())
    active = p.spikes if p.active is None else p.active
    values = runs * p.size if p.spikes is None else 0
    return Counts(
        macs=runs * p.macs,
        dense_macs=runs * p.macs,
        neuron_updates=runs * p.updates,
        active_neuron_updates=0 if active is None else int(np.minimum(active, runs).sum()),
        spikes=spikes,
        values_sent=values,
        elementwise=runs * p.elementwise,
        nonlinearities=runs * p.nonlinearities,
        weight_reads=runs * p.macs,
        state_reads=runs * p.state,
        state_writes=runs * p.state,
        activation_writes=values,
        address_writes=spikes,
    )


def count_synapses(runs: int, projections: Iterable[ProjectionWork], sums: int = 0) -> Counts:
    """Inputs that arrive in `runs` steps, and the synapses that they reach; `sums`: see `Ran`."""
    projections = tuple(projections)
    by_values = [one for one in projections if one.spikes is None]
    events = round(sum(one.events() for one in projections))
    macs = runs * sum(one.synapses for one in by_values if not one.summed)
    heard = [
        one.spikes if one.reaching is None else one.spikes[one.reaching]
        for one in projections
        if one.spikes is not None
    ]
    values = sum(one.lines if one.reaching is None else int(one.reaching.sum()) for one in by_values)
    summed = sum(one.synapses for one in by_values if one.summed)
    return Counts(
        synaptic_events=events,
        macs=macs,
        dense_macs=runs * sum(one.synapses for one in projections if not one.summed),
        elementwise=runs * (summed + sum(one.elementwise for one in projections))
        + sums * sum(one.lines for one in by_values if one.joins),
        nonlinearities=runs * sum(one.nonlinearities for one in projections),
        weight_reads=events + macs,
        activation_reads=runs * values,
        address_reads=sum(int(spikes.sum()) for spikes in heard),
    )


def _stores(work: Workload, p: PopulationWork) -> tuple[Store, ...]:
    """Existing synapses, biases, the state of one sample, and one step of its input and output lines."""
    into = work.into(p.name)
    heard = {source for one in into for source in one.sources} - {p.name}
    lines = p.size + sum(work.size_of(source) for source in heard)
    return (
        Store(p.name, "weight", p.biases + p.start + sum(one.stored for one in into)),
        Store(p.name, "state", p.state),
        Store(p.name, "activation", lines),
        Store(p.name, "address", lines),
    )


def _per_step(work: Workload) -> dict[str, PopulationSteps] | None:
    if work.running is None or any(work.ran(p.name).steps != work.sample_steps for p in work.populations):
        return None
    none, found = np.zeros(work.steps, np.int64), {}
    for p in work.populations:
        into = work.into(p.name)
        events = [one.steps for one in into if one.spikes is not None]
        spikes = none if p.spikes is None else p.steps
        known = [steps for steps in events if steps is not None]
        if len(known) < len(events) or spikes is None:
            return None
        macs = p.macs + sum(one.synapses for one in into if one.spikes is None and not one.summed)
        found[p.name] = PopulationSteps(sum(known, none), work.running * macs, spikes)
    return found
