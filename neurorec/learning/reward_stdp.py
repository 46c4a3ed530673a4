"""Reward-modulated STDP: pairs of spikes leave traces at synapses, and a reward turns these into weight changes."""

from dataclasses import dataclass, field
from math import exp
from typing import Any, Self

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, LayerCounts, TrainingCounts
from neurorec.basics.numbers import Gain, PositiveGain, Share, TimeMs
from neurorec.engines.engine import Engine
from neurorec.learning.descent import Descent, DescentCard
from neurorec.learning.pairing_counts import at_updates, layer_counts, pairing_stores, readout_counts
from neurorec.learning.rewards import as_episodes, rewards_of
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.learning.synapses import Synapses
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class RewardSTDPCard(DescentCard):
    """`learning_rate`, its decay and `clip_norm` belong to the readout."""

    stdp_rate: Gain  #: change of a hidden weight per pair of simultaneous spikes and unit of reward above its mean
    depression: Gain  #: by a pair whose postsynaptic spike comes first, relative to the potentiation if it comes last
    tau_plus_ms: TimeMs
    tau_minus_ms: TimeMs
    tau_eligibility_ms: TimeMs
    w_max: PositiveGain  #: size up to which hidden weights grow; those that start larger can only shrink
    baseline_rate: Share  #: rate of the running mean of rewards

    @model_validator(mode="after")
    def _rates_are_not_regularised(self) -> Self:
        if self.rate_weight:
            raise ValueError(
                "rate_weight must be 0: the rate regulariser needs derivatives, which STDP does not compute"
            )
        return self


@dataclass
class RewardSTDPState:
    descent: Descent
    engine: Engine
    objective: Objective
    generator: torch.Generator  #: draws the answers
    usual: Tensor = field(default_factory=lambda: torch.zeros(()))  #: running mean of rewards


@rules.register("reward_stdp")
class RewardSTDP(Rule):
    """STDP marks synapses instead of changing them; one number, the same for all synapses, turns the marks into changes.

    Lines l and neurons j keep traces of their spikes. Each pair of spikes adds to the eligibility of the synapse between them:
    a positive amount if the line's spike arrives before the neuron's or in the same step, a negative one if it arrives later.
    Lines are the inputs of a layer, and its own spikes, which arrive one step later. The answer is drawn when the sample ends;
    its reward, minus the running mean of rewards, is broadcast. The readout has no spikes to pair: its input, averaged as for
    its answer, is multiplied by how surprising the choice of each output was, as in REINFORCE (Williams 1992), and Adam turns
    the changes into updates. The reward does not say which neurons helped: hidden weights learn from it only if samples
    that are answered well differ in their pairs of spikes from those that are not.
    """

    Card = RewardSTDPCard
    title = "reward-modulated STDP"
    sources = ("izhikevich2007", "fremaux2016", "williams1992", "kingma2015")
    equations = (
        "dw_jl = stdp_rate (r - r') e_jl at the end T of a sample, |w_jl| <= max(w_max, |w_jl| before);\n"
        "r' += baseline_rate (mean of r - r');\n"
        "e_jl = sum over spikes s of line l and t of neuron j of K(t - s) exp(-(T - max(s, t)) / tau_eligibility);\n"
        "K(d) = exp(-d / tau_plus) if d >= 0, else -depression exp(d / tau_minus);\n"
        "readout: dW_kj ~ (r - r') ([a = k] - p_k) <F(z_j)>, p = softmax(y), F and <> as in its answer"
    )
    signal = "reward"
    sees = ("pre", "post", "modulator")
    needs = capabilities("spike traces", "synapse traces")
    messages = Messages(
        errors=False, signals="one", online=False, sources=("izhikevich2007", "fremaux2016"),
        why="the reward minus its running mean, one number, is broadcast to all synapses at the end of a sample; traces stay "
        "where they are",
    )  # fmt: skip
    relative_time = 10.0
    recurrent_frozen_control = True
    scored_each_epoch = True
    card: RewardSTDPCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        for layer in model.hidden.values():
            if layer.output_signal != "spikes":
                return f"STDP pairs spikes, but units of {layer.title} send values; use three_factor_reward"
            if not any(parameter.requires_grad for parameter in layer.parameters()):
                return "its recurrent layer is fixed; train its readout with the rule ridge"
            if not (isinstance(layer, Cell) and layer.has_traces()):
                return f"{layer.title} does not declare which of its synapses spikes arrive at; train with bptt"
            if getattr(layer, "learns_time_constants", False):
                return (
                    f"{cls.title} trains synapses but not time constants; set learn_time_constants = false, or use bptt"
                )
        if model.input_signal != "spikes":
            return "STDP pairs spikes, but its input lines carry values; use an encoder that sends spikes"
        if not isinstance(model[model.output], Readout) or not all(wire.plain for wire in model.wires):
            return "it has delayed or transformed wires between layers, whose spikes arrive changed; use bptt"
        if not model[model.output].trained:
            return "its readout has no weights; use stdp"
        return None

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        reason = super().why_not_task(task)
        if reason is None and not task.objective.pooled:
            return (
                f"it takes one reward per sample, at its end, but task {task.name} rewards one action per frame; use "
                "three_factor_reward"
            )
        return reason

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward: one number reaches all synapses alike"),
            Judgement(
                "relaxed",
                "a change depends on the times of spikes and on the reward, not on how units respond to their input",
            ),
            Judgement("relaxed", "weights are used only in their own unit; there are no feedback weights"),
            Judgement(
                "partly",
                "there is one phase, in which traces arise; but the reward comes at the end of a sample, which needs a "
                "boundary signal",
            ),
            Judgement("partly", "neurons send spikes, but the reward is broadcast as a real value"),
            Judgement("relaxed", "a reward says how good an answer was, not which answer was correct"),
        )

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> RewardSTDPState:
        usual = model[model.output].bias.new_zeros(())
        return RewardSTDPState(Descent.of(model, self.card), engine, objective, generator, usual)

    @torch.no_grad()
    def step(self, model: Network, state: RewardSTDPState, batch: Batch) -> tuple[RewardSTDPState, Info]:
        """One batch of samples, each answered once; the changes are averaged over the batch."""
        sent, readout = state.engine.sent(model, batch), model[model.output]
        y, heard = state.objective.answers(sent[model.output], batch), _lines(model, model.output, sent)
        played = as_episodes(batch, y, state.generator)
        reward = rewards_of(played)[0]
        beyond = (reward - state.usual)[:, None]  # [B, 1]
        state.usual = state.usual + self.card.baseline_rate * (reward.mean() - state.usual)
        for name in model.hidden:
            self._change_layer(model, name, _lines(model, name, sent), sent[name], batch.lengths, beyond)
        weights = readout.step_weights(batch.mask)
        weights = weights if weights.dim() == 2 else weights[:, None].expand(-1, batch.size)
        heard = torch.cat([torch.einsum("tb,tbk->bk", weights, heard), weights.sum(0)[:, None]], 1)
        surprise = F.one_hot(played.answers[0], y.shape[1]) - y.softmax(1)
        own = torch.cat([readout.weight, readout.bias[:, None]], 1)
        change = self.changed(own, pre=heard, post=surprise, modulator=beyond)
        readout.weight.grad, readout.bias.grad = -change[:, :-1], -change[:, -1]
        state.descent.follow(self.card)
        return state, Info(float(beyond.square().mean()), 1)

    def _change_layer(
        self, model: Network, name: str, heard: Tensor, spikes: Tensor, lengths: Tensor | None, beyond: Tensor
    ) -> None:
        weights = model[name].traced_weights()
        if len(weights) > 1:
            heard = torch.cat([heard, torch.cat([torch.zeros_like(spikes[:1]), spikes[:-1]])], 2)
        eligibility = self.eligibility(heard, spikes, model[name].card.dt_ms, lengths)
        own = torch.cat(list(weights), 1)
        change = self.card.stdp_rate * self.changed(own, pre=eligibility, modulator=beyond)
        limit = own.abs().clamp_min(self.card.w_max)
        after = (own + change).clamp(-limit, limit)
        for weight, part in zip(weights, after.split([weight.shape[1] for weight in weights], 1), strict=True):
            weight.copy_(part)

    def eligibility(self, heard: Tensor, spikes: Tensor, dt_ms: float, lengths: Tensor | None = None) -> Tensor:
        """e [B, H, L] at the end of each sample, from the spikes of lines [T, B, L] and of neurons [T, B, H]."""
        card = self.card
        keep_line, keep_neuron, keep = (
            exp(-dt_ms / tau) for tau in (card.tau_plus_ms, card.tau_minus_ms, card.tau_eligibility_ms)
        )
        line, neuron = torch.zeros_like(heard[0]), torch.zeros_like(spikes[0])
        e = heard.new_zeros(*spikes.shape[1:], heard.shape[2])
        for t, (arrived, fired) in enumerate(zip(heard, spikes, strict=True)):
            line, neuron = keep_line * line + arrived, keep_neuron * neuron
            paired = self.paired(line, fired) - card.depression * self.paired(arrived, neuron)
            neuron = neuron + fired
            after = keep * e + paired
            e = after if lengths is None else torch.where((t < lengths)[:, None, None], after, e)
        return e

    @classmethod
    def paired(cls, pre: Tensor, post: Tensor) -> Tensor:
        """What pairs add to the eligibility of each synapse, [B, H, L]: its presynaptic times its postsynaptic term."""
        synapses = Synapses(cls, pre, pre=pre, post=post)
        return synapses.post[:, :, None] * synapses.pre[:, None]

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """The reward minus its running mean, times the eligibility, averaged over the batch; in the readout, the eligibility is
        the input of the synapse times how surprising the choice of its unit was."""
        pre = synapses.pre
        e = pre if pre.dim() == 3 else synapses.post[:, :, None] * pre[:, None]
        return torch.einsum("b,bhl->hl", synapses.modulator[:, 0], e) / len(e)

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """See `pairing_counts`. `weight_updates`: batches. Drawing the answers and their softmax are not counted."""
        backward = {name: layer_counts(model, name, forward) for name in model.hidden}
        backward[model.output] = readout_counts(model, forward)
        return cls.counted(
            forward, samples_seen, forward.over(samples_seen, LayerCounts(backward)), at_updates(model, weight_updates),
            pairing_stores(model), weight_updates, model.parameter_count,
        )  # fmt: skip


def _lines(model: Network, name: str, sent: Any) -> Tensor:
    """[T, B, L] the input that a layer receives over its wires."""
    return torch.cat([sent[wire.source] for wire in model.wires_into(name)], 2)
