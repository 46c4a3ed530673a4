"""Event-driven contrastive divergence: STDP whose sign follows a global signal, positive with data and negative without
(Neftci et al. 2014)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.basics.numbers import Gain, LearningRate, PositiveGain, Share, TimeMs
from neurorec.engines.lif_machine import machine_network, schedule
from neurorec.engines.on_plastic import ENGINE, run_network
from neurorec.learning.contrastive_divergence import why_no_density
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.energy.lif_restricted_boltzmann import LIFRestrictedBoltzmann
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class EventDrivenContrastiveDivergenceCard(TrainingCard):
    learning_rate: LearningRate  #: change of a weight at a spike, per unit of the other neuron's trace
    bias_learning_rate: Gain  #: change of a bias at the neuron's own spike
    learning_rate_decay: Share  #: factor applied to both rates after every epoch
    settle_ms: TimeMs  #: without learning, at the start of each phase
    learn_ms: TimeMs  #: of each phase, with data and without
    weight_max: PositiveGain


@dataclass(frozen=True)
class Epochs:
    """Seed of the noise of each epoch, and the share of the learning rates that is left."""

    seed: int
    done: int = 0
    share: float = 1.0


@rules.register("event_driven_contrastive_divergence")
class EventDrivenContrastiveDivergence(Rule):
    """One `step` presents a whole split, one sample after another, and is one epoch. The synapses of the two directions
    change by the same amounts at the same spikes, so that equal weights stay equal without being exchanged."""

    Card = EventDrivenContrastiveDivergenceCard
    title = "event-driven contrastive divergence"
    sources = ("neftci2014",)
    equations = (
        "at a spike of either neuron: w += rate g s, with the other neuron's trace s;   at a spike: b += bias_rate g;\n"
        "ds/dt = -s / tau_syn, s = 1 at a spike;   g = 0 while the network settles, then 1 with the data and -1 without"
    )
    signal = "none"
    sees = ("pre", "post", "modulator")
    needs = capabilities("spike traces")
    spikes_cause_updates = True
    relative_time = 2.0
    messages = Messages(
        errors=False, signals="one", online=True, sources=("neftci2014",),
        why="a synapse needs the spikes at its two ends, which are sent anyway, and the global signal",
    )  # fmt: skip
    whole_split = True
    scored_each_epoch = True
    card: EventDrivenContrastiveDivergenceCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, LIFRestrictedBoltzmann):
            return None
        return "it needs the spikes of a restricted Boltzmann machine of LIF neurons, which this is not; use bptt for layers"

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        return why_no_density(cls, task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "both directions learn from the same spikes, so that their weights stay equal"),
            Judgement("partly", "a global signal separates phases with data and without, at no precise time"),
            Judgement("relaxed", "neurons send spikes; traces are local"),
            Judgement("relaxed", "patterns are learned without targets"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        raise CannotRun(
            f"rule {cls.title} does not record the steps and spikes of its phases, which its cost depends on"
        )

    def engine_name(self, engine: Any) -> str:
        return ENGINE

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> Epochs:
        return Epochs(int(torch.randint(2**31, (1,), generator=generator)))

    @torch.no_grad()
    def step(self, model: LIFRestrictedBoltzmann, state: Epochs, batch: Batch) -> tuple[Epochs, Info]:
        """One epoch. Every spike changes the weights of all its neuron's synapses, those in both directions, and its bias.

        Raises
        ------
        RunFailed
            If no hidden neuron spiked, so that nothing was learned.
        """
        card, V, H = self.card, model.visible, model.hidden
        planned = schedule(batch.x[-1].cpu().numpy(), card.settle_ms, card.learn_ms)
        rates = card.learning_rate * state.share, card.bias_learning_rate * state.share
        network = machine_network(model, planned, *rates, card.weight_max)
        seen = run_network(network, planned.steps, state.seed + state.done, ())
        if seen.counts["hidden"] == 0:
            raise RunFailed(f"no hidden neuron spiked on {batch.size} samples; raise the initial biases, or learn_ms")
        both = (seen.weights["up"] + seen.weights["down"].T) / 2  # they differ by rounding
        changed = (both, seen.state["visible"]["bias"], seen.state["hidden"]["bias"])
        for weight, value in zip((model.weight, model.visible_bias, model.hidden_bias), changed, strict=True):
            weight.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        spikes = seen.counts["visible"], seen.counts["hidden"]
        after = Epochs(state.seed, state.done + 1, state.share * card.learning_rate_decay)
        return after, Info(None, spikes[0] * (2 * H + 1) + spikes[1] * (2 * V + 1))
