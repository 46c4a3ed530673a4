"""A layer with a plasticity rule as an event network, to which samples are presented in any event engine.

A sample of T steps takes T + 1 steps of the network: in the first one the state is cleared and the input of step 0 is sent,
since a spike acts on the membrane in the following step. The spikes equal those of the layer's own `step` unless a sum is
within rounding of the threshold (event engines compute in double precision).
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.event_engine import EventEngine
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_network import (
    EventNetwork,
    EventPopulation,
    EventProjection,
    SpikeStream,
    SpikeTrain,
    variables_of,
)
from neurorec.models.forms import EventForm
from neurorec.models.layer import Layer
from neurorec.tasks.batch import Batch

INPUTS, NEURONS, PLASTIC, LATERAL = "inputs", "neurons", "input synapses", "lateral synapses"
EXCITING, END = "exciting synapses", "end of sample"
NO_RULE = EventEquations()
NOTHING = SpikeStream(1, lambda: iter(()))


class InSteps(Protocol):
    """B samples of `steps` steps, a `Batch` or one that is encoded in parts of `part_size` samples when it is read."""

    @property
    def steps(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def part_size(self) -> int: ...
    def parts(self) -> Iterator[Batch]: ...


@dataclass(frozen=True)
class Presentation:
    """Result of presenting B samples: spikes, and the layer's weights and variables afterwards."""

    shape: tuple[int, int, int]  #: T, B, H
    events: tuple[np.ndarray, np.ndarray, np.ndarray]  #: step, sample and neuron of every spike
    input_spikes: int
    weights: Tensor  #: [H, I] input weights after the last sample
    kept: Mapping[str, Tensor]  #: [H] the neurons' variables that persist from sample to sample, such as theta
    wall_s: float
    excitation: Tensor | None = None  #: [H, H] plastic recurrent weights after the last sample

    @cached_property
    def spikes(self) -> Tensor:
        """[T, B, H], 0 or 1."""
        spikes = torch.zeros(self.shape)
        spikes[self.events] = 1
        return spikes

    @property
    def counts(self) -> Tensor:
        """[B, H] spikes."""
        return self.spikes.sum(0, dtype=torch.int64)


def event_form(layer: Layer) -> EventForm:
    """The layer's event equations.

    Raises
    ------
    CannotRun
        If it declares none.
    """
    form = layer.event_form() if layer.learned_start is None else "its initial state is learned, one value per unit"
    if isinstance(form, str):
        raise CannotRun(f"event engines cannot run {layer.title}: {form}")
    return form


def present(
    engine: EventEngine, layer: Layer, x: Tensor | InSteps, rule: EventEquations = NO_RULE
) -> Presentation:  # fmt: skip
    """Present input spikes x [T, B, I] to `layer`, sample by sample; with a rule, weights change during presentation.

    The layer itself is not modified. Parts of samples are encoded when the run reaches them, which changes no spike.

    Raises
    ------
    CannotRun
        If the layer has no event equations, or the engine cannot run them with the rule's.
    InputError
        If x contains anything but 0 and 1.
    """
    start_s, form = time.perf_counter(), event_form(layer)
    data = Batch(x, None, torch.ones(len(x))) if isinstance(x, Tensor) else x
    T, B, (H, lines) = data.steps, data.size, form.input_weights.shape
    if not T * B * lines:
        kept = {name: values.detach().clone() for name, values in form.kept.items()}
        excitation = None if form.excitation is None else form.excitation.detach().clone()
        none = np.zeros(0, np.int64)
        return Presentation(
            (T, B, H), (none, none, none), 0, form.input_weights.detach().clone(), kept, 0.0, excitation
        )
    network = layer_network(form, rule, stream(data, T + form.excitation_delay), T, B)
    seen = engine.run_network(network, B * network.sample_steps, record=[NEURONS])
    steps, neurons = seen.spikes[NEURONS]
    events = steps % network.sample_steps - 1, steps // network.sample_steps, neurons
    weights, excitation = seen.weights[PLASTIC], None
    if rule.weight_sum is not None:  # as before every later sample
        weights = _normalised(weights, rule.weight_sum, rule.weight_max)
    if form.excitation is not None:
        between = network.projections[EXCITING]
        full = np.zeros((len(form.input_weights),) * 2)
        full[between.pre, between.post] = seen.weights[EXCITING]
        full = full if between.weight_sum is None else _normalised(full, between.weight_sum, rule.weight_max)
        excitation = torch.tensor(full.T.copy())
    kept = {name: torch.tensor(seen.state[NEURONS][name]) for name in (*form.kept, *rule.kept)}
    return Presentation(
        (T, B, H), events, seen.counts[INPUTS], torch.tensor(weights.T.copy()), kept, time.perf_counter() - start_s,
        excitation,
    )  # fmt: skip


def stream(data: InSteps, sample_steps: int) -> SpikeStream:
    """The input spikes of samples that follow each other every `sample_steps` steps."""

    def parts() -> Iterator[SpikeTrain]:
        shown = 0
        for part in data.parts():
            sample, step, line = _check_spikes(part.x).transpose(1, 0, 2).nonzero()
            yield SpikeTrain((shown + sample) * sample_steps + step, line)
            shown += part.size

    return SpikeStream(data.part_size * sample_steps, parts)


def _normalised(weights: np.ndarray, weight_sum: float, weight_max: float) -> np.ndarray:
    """[source, target] weights with this sum per target."""
    sums = weights.sum(0)
    scaled = weights * (weight_sum / np.where(sums > 0, sums, np.inf))  # all-zero weights stay zero
    return np.minimum(scaled, weight_max)


def _check_spikes(x: Tensor) -> np.ndarray:
    values = x.detach().cpu().numpy()
    odd = values[~np.isin(values, (0, 1))]
    if odd.size:
        raise InputError(
            f"event engines: input lines carry spikes, 0 or 1 per step (got {odd[0]:g}); encode values first, for example "
            "with the encoder regular_rate"
        )
    return values


def all_times_ms(rule: EventEquations) -> dict[str, float]:
    """Time constants that the rule's equations may use: its own, and 1 ms."""
    return {**rule.times_ms, "one_ms": 1.0}


def all_numbers(rule: EventEquations, dt_ms: float) -> dict[str, float]:
    """Numbers that the rule's equations may use: its own, the largest weight, and the step in ms."""
    return {**rule.numbers, "weight_max": rule.weight_max, "dt_ms": dt_ms}


def layer_network(
    form: EventForm, rule: EventEquations = NO_RULE, spikes_in: SpikeStream = NOTHING, T: int = 0, B: int = 0
) -> EventNetwork:
    """The layer, input lines with the spikes of B samples of T steps, and the rule on the synapses between them and on
    exciting synapses.

    If spikes are delayed by D steps, each sample ends with D - 1 steps in which no neuron spikes.
    """
    model, S = form.model, T + form.excitation_delay
    constant = [f"{name} : 1" for name in form.kept if name not in variables_of(rule.neuron_state)]
    kept = {name: values.detach().cpu().double().numpy() for name, values in form.kept.items()}
    lasting = {*form.kept, *rule.kept}
    inputs = EventPopulation(
        form.input_weights.shape[1], spikes_in, rule.input_state, after=rule.at_input_spike,
        at_sample={name: 0.0 for name in variables_of(rule.input_state) if name not in lasting},
    )  # fmt: skip
    exciting, waits = form.excitation is not None, form.excitation_delay > 1
    fires = f"({model.fires}) and resting < 0.5" if waits else model.fires
    sending = [rule.input_state] if exciting else []  # a neuron keeps the traces of a line too
    waiting = ["resting : 1"] if waits else []
    equations = "\n".join([model.equations, *constant, rule.neuron_state, *sending, *waiting])
    after = "\n".join([rule.after_neuron_spike, rule.at_input_spike]) if exciting else rule.after_neuron_spike
    neurons = EventPopulation(
        len(form.input_weights), fires, equations, reset=f"{model.reset}\n{rule.at_neuron_spike}",
        after=after, method=model.method, start={**form.at_rest, **kept},
        at_sample={name: form.at_rest.get(name, 0.0) for name in variables_of(equations) if name not in lasting},
    )  # fmt: skip
    weights, recurrent = (w.detach().cpu().double().numpy().T for w in (form.input_weights, form.recurrent_weights))
    projections = {LATERAL: EventProjection(NEURONS, NEURONS, recurrent, on_pre=model.jump)} if recurrent.any() else {}
    projections[PLASTIC] = EventProjection(
        INPUTS, NEURONS, weights, on_pre=f"{model.jump}\n{rule.on_pre}", on_post=rule.on_post,
        on_reward=rule.on_reward, state=rule.synapse_state, weight_sum=rule.weight_sum, weight_max=rule.weight_max,
    )  # fmt: skip
    populations = {INPUTS: inputs, NEURONS: neurons}
    if form.excitation is not None:
        projections[EXCITING] = _exciting(form, form.excitation, rule)
    if waits:
        last = np.arange(B) * S + T
        populations[END] = EventPopulation(1, SpikeTrain(last, np.zeros(B, np.int64)))
        projections[END] = EventProjection(END, NEURONS, np.ones((1, neurons.size)), on_pre="resting_post = 1")
    return EventNetwork(
        form.dt_ms, populations, projections, times_ms={**form.times_ms, **all_times_ms(rule)},
        numbers={**form.numbers, **all_numbers(rule, form.dt_ms)}, sample_steps=S,
    )  # fmt: skip


def _exciting(form: EventForm, excitation: Tensor, rule: EventEquations) -> EventProjection:
    """The plastic recurrent synapses, one per pair of different neurons."""
    weights = excitation.detach().cpu().double().numpy().T
    pre, post = np.nonzero(~np.eye(len(weights), dtype=bool))
    return EventProjection(
        NEURONS, NEURONS, weights[pre, post], pre, post, on_pre=f"{form.model.jump}\n{rule.on_pre}",
        on_post=rule.on_post, on_reward=rule.on_reward, state=rule.synapse_state,
        delay_ms=(form.excitation_delay - 1) * form.dt_ms,
        weight_sum=None if rule.weight_sum is None else form.excitation_sum, weight_max=rule.weight_max,
    )  # fmt: skip
