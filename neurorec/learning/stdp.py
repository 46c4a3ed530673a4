"""Spike-timing-dependent plasticity of the input weights, without a target; the layer runs in an event engine."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Gain, PositiveGain, TimeMs
from neurorec.engines.engine import Engine
from neurorec.engines.event_engine import EventEngine, choose_event_engine
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_layer import event_form, layer_network, present
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, hidden_layer, network_why_not, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

PRE_OPERATIONS, POST_OPERATIONS, TRACE_OPERATIONS = 4, 5, 2
PAIR = "models/competitive_lif_vs_competitive_learning.toml"
THETA = "theta"  #: name of the threshold offset in layers with adaptive thresholds


class STDPCard(TrainingCard):
    potentiation: PositiveGain  #: weight gained at a neuron's spike, per unit of the input trace
    depression: Gain  #: weight lost at an input spike, per unit of the neuron's trace
    tau_pre_ms: TimeMs  #: decay of the input trace: how long before a spike an input counts as its cause
    tau_post_ms: TimeMs  #: decay of the neuron's trace
    trace_target: Gain  #: input trace at which a neuron's spike leaves the weight unchanged; below, it decreases
    weight_max: PositiveGain
    threshold_rise: Gain  #: increase of theta at the neuron's own spike, in units of v
    tau_threshold_ms: TimeMs  #: decay of theta


@dataclass
class STDPState:
    """No state besides the network's own weights and theta."""

    engine: EventEngine


@rules.register("stdp")
class STDP(Rule):
    """Pair-based STDP with all-to-all traces, adaptive thresholds and weights normalised between samples.

    One `step` presents a whole split, one sample after another in the order of the batch (`batches` shuffles it), and
    is one epoch. Weight changes are counted as synapse updates: H per input spike, I per spike of a neuron.
    """

    Card = STDPCard
    title = "STDP"
    sources = ("diehl2015", "brian2")
    equations = (
        "at a neuron's spike: w += potentiation (x - trace_target);   at an input spike: w -= depression y;\n"
        "0 <= w <= weight_max;   between samples each neuron's weights are normalised to the sum weight_sum;\n"
        "dx/dt = -x/tau_pre, x += 1 at an input spike;   dy/dt = -y/tau_post, y += 1 at a neuron's spike;\n"
        "dtheta/dt = -theta/tau_threshold, theta += threshold_rise at a neuron's spike"
    )
    signal = "none"
    sees = ("pre", "post")
    needs = capabilities("spike traces")
    spikes_cause_updates = True
    relative_time = 2.0
    messages = Messages(
        errors=False, signals="none", online=True, sources=("diehl2015",),
        why="a synapse needs the spikes at its two ends, which are sent anyway",
    )  # fmt: skip
    whole_split = True
    read_by_labels = True
    card: STDPCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, layers=1)
        if reason is not None:
            return reason
        cell = hidden_layer(model)
        if cell.output_signal == "values":
            return (
                "its units send values, but STDP pairs spikes; use the cell competitive_lif, as in "
                f"{PAIR}, or train this layer with bptt"
            )
        form = cell.event_form()
        if isinstance(form, str):
            return f"{form}; use the cell competitive_lif, as in {PAIR}, or train this layer with bptt"
        if THETA not in form.kept or form.weight_sum is None or not form.lateral_inhibition:
            return (
                "without lateral inhibition and adaptive thresholds all its neurons would learn the same; use the cell "
                f"competitive_lif, as in {PAIR}, or train this layer with bptt"
            )
        if model.input_signal == "values":
            return (
                "its input lines carry values, but STDP pairs spikes; use an encoder that spikes, such as regular_rate "
                "or poisson"
            )
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement(
                "relaxed",
                "nothing is propagated backward: a synapse uses the spikes at its two ends, and saturates at bounds",
            ),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "weights are used only in their own synapse"),
            Judgement(
                "partly",
                "learning happens while the layer runs, with no second phase; but state is cleared and each neuron's "
                "weights are normalised between samples, which needs a sample-boundary signal",
            ),
            Judgement("relaxed", "neurons send spikes; traces and thresholds are local"),
            Judgement(
                "partly",
                "the layer learns without targets; for scoring, its neurons are labelled or the readout is fitted afterwards",
            ),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Traces are kept per neuron: x of every input line, y and theta of every neuron. A spike of its neuron updates a trace
        (an exponential of the elapsed time, a product, a sum). w -= depression y with its clip takes 4 operations per
        synapse of an input spike, w += potentiation (x - target) with its clip 5 per synapse of a neuron's spike; each
        reads the trace at the other end of the synapse. Between samples every neuron's weights are read, summed, divided
        into the wanted sum, read again and scaled. `weight_updates`: single weights changed."""
        ((name, cell),) = model.hidden.items()
        lines, units = cell.input_size, cell.size
        spikes_in = min(weight_updates // units, forward.input_spikes_over(samples_seen))
        spikes = (weight_updates - spikes_in * units) // lines
        traces, synapses = spikes_in + 2 * spikes, lines * units * samples_seen
        update = Counts(
            elementwise=PRE_OPERATIONS * spikes_in * units
            + POST_OPERATIONS * spikes * lines
            + TRACE_OPERATIONS * traces
            + 2 * synapses
            + units * samples_seen,
            nonlinearities=traces,
            weight_reads=weight_updates + 2 * synapses,
            weight_writes=weight_updates + synapses,
            trace_reads=weight_updates + traces,
            trace_writes=traces,
            trace_updates=traces,
            plasticity_updates=weight_updates,
            weights_scaled=synapses,
        )
        stores = (Store(name, "trace", lines + 2 * units),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({name: update}), stores)

    def event_equations(self, weight_sum: float | None) -> EventEquations:
        """The rule in the form that event engines take."""
        card = self.card
        return EventEquations(
            input_state="dx/dt = -x / tau_pre : 1",
            neuron_state="dy/dt = -y / tau_post : 1\ndtheta/dt = -theta / tau_threshold : 1",
            at_input_spike="x += 1",
            at_neuron_spike="y += 1\ntheta += threshold_rise",
            on_pre="w = clip(w - depression * y_post, 0, weight_max)",
            on_post="w = clip(w + potentiation * (x_pre - trace_target), 0, weight_max)",
            times_ms={
                "tau_pre": card.tau_pre_ms,
                "tau_post": card.tau_post_ms,
                "tau_threshold": card.tau_threshold_ms,
            },
            numbers={
                "potentiation": card.potentiation,
                "depression": card.depression,
                "trace_target": card.trace_target,
                "threshold_rise": card.threshold_rise,
            },
            weight_max=card.weight_max,
            weight_sum=weight_sum,
        )

    def __init__(self, card: TrainingCard, event_engine: str = "auto") -> None:
        super().__init__(card, event_engine)
        self.runs_in = ""

    def engine_name(self, engine: Engine) -> str:
        """The event engine that `init` chose; the network's own engine only scores it."""
        return self.runs_in or f"event engine {self.event_engine}"

    def event_engine_for(self, model: Network) -> EventEngine:
        layer = hidden_layer(model)
        form, nothing = event_form(layer), np.zeros((0, 0, layer.input_size))
        rule = self.event_equations(form.weight_sum)
        return choose_event_engine(self.event_engine, layer_network(form, nothing, rule), layer.title)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> STDPState:
        chosen = self.event_engine_for(model)
        self.runs_in = chosen.title
        return STDPState(chosen)

    @torch.no_grad()
    def step(self, model: Network, state: STDPState, batch: Batch) -> tuple[STDPState, Info]:
        """One epoch: every sample of `batch` once.

        Raises
        ------
        RunFailed
            If no neuron spiked, so that nothing was learned.
        """
        cell = hidden_layer(model)
        form = event_form(cell)
        seen = present(state.engine, cell, batch.x, self.event_equations(form.weight_sum))
        neuron_spikes, input_spikes = int(seen.counts.sum()), int(batch.x.sum())
        if neuron_spikes == 0:
            threshold = form.numbers.get("v_threshold", math.nan)
            raise RunFailed(
                f"no neuron spiked on {batch.size} samples, so STDP changed nothing; raise weight_sum (now "
                f"{form.weight_sum:g}) or lower v_threshold (now {threshold:g}) in the pair card"
            )
        form.input_weights.copy_(seen.weights)
        form.kept[THETA].copy_(seen.kept[THETA])
        return state, Info(loss=None, updates=input_spikes * cell.size + neuron_spikes * cell.input_size)
