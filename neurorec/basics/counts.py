"""Exact integer counts of operations, messages, and words read from and written to each kind of store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Literal, NamedTuple

#: what a memory can hold; an address is a spike in transit
Kind = Literal["weight", "state", "activation", "address", "tape", "gradient", "moment", "trace"]
KINDS: dict[Kind, str] = {
    "weight": "weights", "state": "states", "activation": "activations", "address": "addresses of spikes", "tape": "tape",
    "gradient": "gradients", "moment": "moments", "trace": "traces",
}  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """Integer totals. An access moves one word; `Precision` gives the bits per word of each kind."""

    synaptic_events: int = 0  #: accumulates caused by spikes
    macs: int = 0  #: multiply-accumulates caused by values
    dense_macs: int = 0  #: multiply-accumulates on a chip that computes every synapse in every step
    neuron_updates: int = 0
    active_neuron_updates: int = 0  #: updates in which the neuron spiked, once or several times
    spikes: int = 0  #: sent by the layer's units
    values_sent: int = 0  #: real numbers sent by the layer's units
    elementwise: int = 0
    nonlinearities: int = 0
    weight_reads: int = 0
    weight_writes: int = 0
    state_reads: int = 0
    state_writes: int = 0
    activation_reads: int = 0  #: values that arrive at the layer's synapses
    activation_writes: int = 0  #: values that its units output
    address_reads: int = 0  #: spikes that arrive at the layer's synapses
    address_writes: int = 0  #: spikes that its units output
    tape_reads: int = 0  #: what backpropagation through time stored in every step
    tape_writes: int = 0
    gradient_reads: int = 0  #: sums of weight changes, one per trained number
    gradient_writes: int = 0
    moment_reads: int = 0  #: Adam's running means of gradient and squared gradient
    moment_writes: int = 0
    trace_reads: int = 0  #: the memory of a local rule, per neuron or synapse
    trace_writes: int = 0
    trace_updates: int = 0
    plasticity_updates: int = 0  #: single weights changed by a local rule
    weights_scaled: int = 0  #: single weights scaled to normalise a neuron's sum

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def scaled(self, numerator: int, denominator: int) -> Counts:
        """Every count times numerator / denominator, rounded to the nearest integer."""
        return Counts(
            *((2 * getattr(self, f.name) * numerator + denominator) // (2 * denominator) for f in fields(self))
        )

    def as_dense(self) -> Counts:
        """The same work on a chip that computes every synapse in every step."""
        weights = self.weight_reads - self.synaptic_events - self.macs + self.dense_macs
        return replace(self, synaptic_events=0, macs=self.dense_macs, weight_reads=weights)

    @property
    def idle_neuron_updates(self) -> int:
        return self.neuron_updates - self.active_neuron_updates

    def reads(self, kind: Kind) -> int:
        return getattr(self, f"{kind}_reads")

    def writes(self, kind: Kind) -> int:
        return getattr(self, f"{kind}_writes")

    @property
    def memory_accesses(self) -> int:
        """Words read and written, by kind."""
        return sum(self.reads(kind) + self.writes(kind) for kind in KINDS)


class LayerCounts(Mapping[str, Counts]):
    """Counts by layer name. All counts of a layer that is not listed are zero."""

    def __init__(self, layers: Mapping[str, Counts] | None = None, **named: Counts) -> None:
        self._counts = {**(layers or {}), **named}

    def __getitem__(self, layer: str) -> Counts:
        return self._counts[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LayerCounts):
            return NotImplemented
        return all(self.of(layer) == other.of(layer) for layer in {*self, *other})

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LayerCounts({self._counts!r})"

    def of(self, layer: str) -> Counts:
        return self._counts.get(layer, Counts())

    @property
    def total(self) -> Counts:
        return sum(self._counts.values(), Counts())

    def __add__(self, other: LayerCounts) -> LayerCounts:
        return LayerCounts({layer: self.of(layer) + other.of(layer) for layer in (self._counts | other._counts)})

    def scaled(self, numerator: int, denominator: int) -> LayerCounts:
        return LayerCounts({layer: counts.scaled(numerator, denominator) for layer, counts in self.items()})

    def as_dense(self) -> LayerCounts:
        return LayerCounts({layer: counts.as_dense() for layer, counts in self.items()})


class Ran(NamedTuple):
    """In how many steps a layer ran, summed over samples, where that differs from all steps with one start per sample."""

    steps: int
    starts: int  #: of these, how many began from the initial state
    joined: int = 0  #: steps of nodes with children, in which wires along a tree deliver something
    sums: int = 0  #: additions per line, where wires along a tree add up what several children sent

    def times(self, share: Fraction | int) -> Ran:
        return Ran(*(round(number * share) for number in self))


@dataclass(frozen=True)
class Store:
    """What one layer stores of one kind (its weights, its state, ...): `words` must be held at the same time."""

    layer: str
    kind: Kind
    words: int


@dataclass(frozen=True)
class ForwardPass:
    """What a rule needs to know about the observed forward passes to count its training."""

    layers: LayerCounts  #: over all observed samples
    samples: int
    steps: int
    sample_steps: int  #: steps that were run, summed over samples
    started: int  #: samples that ran their first step: all but those of length 0
    input_spikes: int  #: 0 where the input lines carry values
    arrived: Mapping[str, tuple[Counts, ...]] = field(default_factory=dict)
    """By layer, inputs and synapses of each of its wires in turn, then of its own recurrence; part of `layers`."""
    ran: Mapping[str, Ran] = field(
        default_factory=dict
    )  #: of layers that did not run in all steps, or started several times

    def of(self, layer: str) -> Ran:
        return self.ran.get(layer) or Ran(self.sample_steps, self.started)

    def over(self, samples: int, counts: LayerCounts) -> LayerCounts:
        """`counts` of the observed samples, scaled to `samples` samples."""
        return counts.scaled(samples, max(1, self.samples))

    def input_spikes_over(self, samples: int) -> int:
        seen = max(1, self.samples)
        return (2 * self.input_spikes * samples + seen) // (2 * seen)


Phase = Literal["forward", "backward", "update"]


@dataclass(frozen=True)
class TrainingCounts:
    """Counts of a whole training. `stores`: what must be held besides the network: tape, gradients, moments, traces."""

    rule: str  #: its title
    samples_seen: int
    phases: Mapping[Phase, LayerCounts]
    stores: tuple[Store, ...]
    updates: int = 0  #: steps of an optimiser, each changing `numbers` trained numbers
    numbers: int = 0

    @property
    def forward(self) -> Counts:
        return self.phases["forward"].total

    @property
    def forward_samples(self) -> int:
        """Samples run forward: all samples, or none if a rule sets units instead of running them."""
        return self.samples_seen if self.forward != Counts() else 0

    @property
    def backward(self) -> Counts:
        return self.phases["backward"].total

    @property
    def update(self) -> Counts:
        return self.phases["update"].total

    @property
    def total(self) -> Counts:
        return self.forward + self.backward + self.update
