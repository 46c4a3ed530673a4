"""Event-driven rules: equations for what the spikes at its two ends do to a synapse; an event engine runs the layer.

A new rule is a subclass with a card and `events`; everything else (counts, engines, error messages) follows from them.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Gain, PositiveGain, TimeMs
from neurorec.engines.engine import Engine
from neurorec.engines.event_engine import EventEngine, choose_event_engine
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_layer import event_form, layer_network, present
from neurorec.learning.event_counts import event_costs
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, hidden_layer, network_why_not
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.in_parts import InParts
from neurorec.tasks.objective import Objective

PAIR = "models/competitive_lif_vs_competitive_learning.toml"
THETA = "theta"  #: name of the threshold offset in layers with adaptive thresholds


class EventRuleCard(TrainingCard):
    """Keys of every event-driven rule. Keys that end in _ms are time constants of its equations, under the name without _ms;
    other numbers have their own name."""

    weight_max: PositiveGain
    threshold_rise: Gain  #: increase of theta at the neuron's own spike, in units of v
    tau_threshold_ms: TimeMs  #: decay of theta


@dataclass
class EventState:
    """No state besides the network's own weights and theta."""

    engine: EventEngine


class EventRule(Rule):
    """Local plasticity of the input synapses, and of those with which the neurons excite each other, with adaptive
    thresholds and weights normalised between samples.

    One `step` presents a whole split, one sample after another in the order of the batch (`batches` shuffles it), and
    is one epoch. Weight changes are counted as synapse updates: H per input spike, I per spike of a neuron.
    """

    Card: ClassVar[type[EventRuleCard]] = EventRuleCard
    events: ClassVar[
        EventEquations
    ]  #: without numbers, which come from the card, and without theta, which `complete` adds
    signal = "none"
    sees = ("pre", "post")
    needs = capabilities("spike traces")
    spikes_cause_updates = True
    relative_time = 2.0
    messages = Messages(
        errors=False, signals="none", online=True, sources=("diehl2015",),
        why="a synapse needs the spikes of its source, which are sent anyway, and the state of its own neuron",
    )  # fmt: skip
    whole_split = True
    in_parts = True
    read_by_labels = True
    card: EventRuleCard

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "equations" not in vars(cls) and hasattr(cls, "events"):
            cls.equations = written(cls.complete())

    def __init__(self, card: TrainingCard, event_engine: str = "auto") -> None:
        super().__init__(card, event_engine)
        self.runs_in = ""

    @classmethod
    def complete(cls) -> EventEquations:
        """`events` and the adaptive threshold, with placeholders for the numbers of the card."""
        times, numbers = cls._constants()
        return replace(
            cls.events,
            neuron_state=f"{cls.events.neuron_state}\ndtheta/dt = -theta / tau_threshold : 1",
            at_neuron_spike=f"{cls.events.at_neuron_spike}\ntheta += threshold_rise",
            times_ms={name.removesuffix("_ms"): math.nan for name in (*times, "one_ms_ms")},
            numbers=dict.fromkeys((*numbers, "weight_max", "dt_ms"), math.nan),
        )

    @classmethod
    def _constants(cls) -> tuple[list[str], list[str]]:
        """Keys of the card that are time constants, and those that are other numbers, of the equations."""
        own = [key for key in cls.Card.model_fields if key not in TrainingCard.model_fields and key != "weight_max"]
        return [key for key in own if key.endswith("_ms")], [key for key in own if not key.endswith("_ms")]

    def event_equations(self, weight_sum: float | None) -> EventEquations:
        """The rule in the form that event engines take, with the card's numbers."""
        times, numbers = self._constants()
        return replace(
            self.complete(),
            times_ms={name.removesuffix("_ms"): getattr(self.card, name) for name in times},
            numbers={name: getattr(self.card, name) for name in numbers},
            weight_max=self.card.weight_max,
            weight_sum=weight_sum,
        )

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, layers=1)
        if reason is not None:
            return reason
        cell = hidden_layer(model)
        instead = f"use the cell competitive_lif, as in {PAIR}, or train this layer with bptt"
        if cell.output_signal == "values":
            return f"its units send values, but STDP pairs spikes; {instead}"
        form = cell.event_form()
        if isinstance(form, str):
            return f"{form}; {instead}"
        if THETA not in form.kept or form.weight_sum is None or not form.lateral_inhibition:
            return f"without lateral inhibition and adaptive thresholds all its neurons would learn the same; {instead}"
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
                "nothing is propagated backward: a synapse uses only quantities at its two ends, and saturates at bounds",
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
        """Every operation of the equations (`event_counts.py`). An input spike updates the traces of its line and the H
        synapses it reaches, a spike of a neuron its own traces and its I synapses; among neurons that excite each other, each
        spike is both, for H - 1 synapses in each direction. Between samples every neuron's weights
        are read, summed, divided into the wanted sum, read again and scaled. `weight_updates`: synapses that spikes
        touched."""
        ((name, cell),) = model.hidden.items()
        lines, units, other, costs = cell.input_size, cell.size, others(cell), event_costs(cls.complete())
        spikes_in = min(weight_updates // units, forward.input_spikes_over(samples_seen))
        spikes, rest = divmod(
            weight_updates - spikes_in * units, lines + 2 * other
        )  # input spikes are estimated from a sample
        steps = forward.sample_steps * samples_seen // max(1, forward.samples)
        kept, senders = (
            (lines + other) * units,
            units if other else 0,
        )  # synapses; neurons that keep traces as sources too
        synapses = kept * samples_seen
        normalising = Counts(
            elementwise=2 * synapses + (units + senders) * samples_seen, weight_reads=2 * synapses, weight_writes=synapses,
            weights_scaled=synapses,
        )  # fmt: skip
        update = (
            normalising
            + costs.line_spike.scaled(spikes_in + (spikes if senders else 0), 1)
            + costs.neuron_spike.scaled(spikes, 1)
            + costs.on_pre.scaled(spikes_in * units + spikes * other, 1)
            + costs.on_post.scaled(spikes * (lines + other), 1)
            + replace(costs.on_post, elementwise=0, nonlinearities=0).scaled(rest, 1)
            + costs.line_step.scaled(steps * (lines + senders), 1)
            + costs.neuron_step.scaled(steps * units, 1)
        )
        words = costs.per_line * (lines + senders) + costs.per_neuron * units + costs.per_synapse * kept
        stores = (Store(name, "trace", words),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({name: update}), stores)

    def engine_name(self, engine: Engine) -> str:
        """The event engine that `init` chose; the network's own engine only scores it."""
        return self.runs_in or f"event engine {self.event_engine}"

    def event_engine_for(self, model: Network) -> EventEngine:
        layer = hidden_layer(model)
        form = event_form(layer)
        network = layer_network(form, self.event_equations(form.weight_sum))
        return choose_event_engine(self.event_engine, network, layer.title)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> EventState:
        chosen = self.event_engine_for(model)
        self.runs_in = chosen.title
        return EventState(chosen)

    @torch.no_grad()
    def step(self, model: Network, state: EventState, batch: Batch | InParts) -> tuple[EventState, Info]:
        """One epoch: every sample of `batch` once.

        Raises
        ------
        RunFailed
            If no neuron spiked, so that nothing was learned.
        """
        cell = hidden_layer(model)
        form = event_form(cell)
        seen = present(state.engine, cell, batch, self.event_equations(form.weight_sum))
        neuron_spikes, input_spikes = len(seen.events[0]), seen.input_spikes
        if neuron_spikes == 0:
            threshold = form.numbers.get("v_threshold", math.nan)
            raise RunFailed(
                f"no neuron spiked on {batch.size} samples, so STDP changed nothing; raise weight_sum (now "
                f"{form.weight_sum:g}) or lower v_threshold (now {threshold:g}) in the pair card"
            )
        form.input_weights.copy_(seen.weights)
        form.kept[THETA].copy_(seen.kept[THETA])
        if form.excitation is not None and seen.excitation is not None:
            form.excitation.copy_(seen.excitation)
        touched = cell.input_size + 2 * others(cell)
        return state, Info(loss=None, updates=input_spikes * cell.size + neuron_spikes * touched)


def others(cell: Any) -> int:
    """Neurons to which, and from which, a neuron has plastic synapses."""
    form = cell.event_form()
    return 0 if isinstance(form, str) or form.excitation is None else cell.size - 1


def written(rule: EventEquations) -> str:
    """The equations of a rule as text for readers."""

    def lines(*texts: str) -> str:
        return ";   ".join(line.removesuffix(": 1").strip() for text in texts for line in text.splitlines() if line)

    parts = (
        ("at an input spike: ", lines(rule.on_pre), lines(rule.at_input_spike)),
        ("at a neuron's spike: ", lines(rule.at_neuron_spike, rule.on_post), lines(rule.after_neuron_spike)),
        ("at a reward: ", lines(rule.on_reward), ""),
        ("", lines(rule.input_state, rule.neuron_state, rule.synapse_state), ""),
    )
    shown = (f"{when}{';   then '.join(filter(None, (first, then)))}" for when, first, then in parts if first or then)
    return ";\n".join(shown)
