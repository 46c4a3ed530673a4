"""Three-factor learning from reward: an eligibility trace at every synapse, and one broadcast number: how much better
than expected the outcome was (Fremaux & Gerstner 2016; with the eligibilities of e-prop, Bellec et al. 2020)."""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.numbers import Gain, LearningRate, Share
from neurorec.engines.engine import Engine
from neurorec.learning.broadcast_rule import ANSWER, BroadcastState
from neurorec.learning.credit import Credit
from neurorec.learning.descent import check_loss
from neurorec.learning.eprop import EProp, EPropCard
from neurorec.learning.rule import Info, Judgement, Messages, rules
from neurorec.learning.synapses import Synapses
from neurorec.learning.traced_run import Rates, add_weighted, answers_of
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class ThreeFactorRewardCard(EPropCard):
    """One update per `batch_size` episodes."""

    feedback: Literal["symmetric", "random"]  # type: ignore[assignment]
    discount: Share  #: weight of a reward one frame later, relative to one now
    trace_decay: Share  #: share of a trace, besides `discount`, that remains after one frame
    critic_rate: LearningRate  #: learning rate of the critic
    entropy_weight: Gain  #: of the entropy of actions, which keeps all of them possible (Williams & Peng 1991)


@dataclass
class ThreeFactorRewardState(BroadcastState):
    critic: nn.Parameter = field(kw_only=True)  #: [1, K + 1] from what the readout hears, and a bias
    critic_descent: torch.optim.Optimizer = field(kw_only=True)
    generator: torch.Generator = field(kw_only=True)  #: draws answers to samples; environments have drawn the actions


@rules.register("three_factor_reward")
class ThreeFactorReward(EProp):
    """An actor and a critic, both without backpropagation.

    When an action is drawn, every output unit k broadcasts how surprising its choice was, S_k. It reaches units through
    feedback weights, and every synapse adds L_j e_ji to a slowly decaying trace, which marks the weights that led to the
    action. The reward arrives later as one number for all synapses, relative to what a critic expected, and turns traces into
    changes. The critic is one linear unit that hears what the readout hears, and learns by the same rule.

    If the task has labels instead of rewards, a sample is an episode with one action, its answer (`rewards.py`).

    e_ji is that of e-prop, filtered as by the readout. Without recurrent weights, with symmetric feedback, trace_decay 1 and a
    constant critic, the change is exactly that of policy gradients with this baseline. Changes are summed over a batch of
    episodes and passed to Adam, as in e-prop.
    """

    Card = ThreeFactorRewardCard
    title = "three-factor reward"
    sources = ("fremaux2016", "bellec2020", "williams1992", "williams1991", "kingma2015")
    equations = (
        "dW_ji ~ sum over t of delta_t E_ji(t) + entropy_weight sum over k of B_jk dH/dy_k e_ji(t);\n"
        "E_ji(t) = discount trace_decay E_ji(t-1) + L_j e_ji(t);   L_j = sum over k of B_jk S_k;   S_k = [a_t = k] - p_k;\n"
        "delta_t = r_t + discount V_{t+1} - V_t, V after the end: 0;   p = softmax(y_t);   H: the entropy of p"
    )
    signal = "reward"
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("fremaux2016", "bellec2020"),
        why="the reward prediction error, one number, and one number per action are broadcast to all units; nothing returns "
        "along the paths of the network, and the eligibility traces stay where they are",
    )  # fmt: skip
    order_free = False  # actions are drawn sample by sample
    card: ThreeFactorRewardCard  # type: ignore[assignment]

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        by_eprop = super().judgements(model)
        return (
            *by_eprop[:3],
            Judgement(
                "partly",
                "there is no backward pass: traces and reward prediction errors arise while the network acts; but changes are "
                "summed until the end of an episode, which needs a boundary signal",
            ),
            Judgement(
                "partly" if model.spikes else "kept",
                f"units send {'spikes' if model.spikes else 'real values'}; one number per action and the reward prediction "
                "error are broadcast as real values",
            ),
            Judgement("relaxed", "a reward says how good an action was, not which action was correct"),
        )

    def init(
        self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator
    ) -> ThreeFactorRewardState:
        state, readout = super().init(model, engine, objective, generator), model[model.output]
        critic = nn.Parameter(readout.weight.new_zeros(1, readout.input_size + 1))
        adam = torch.optim.Adam([critic], lr=self.card.critic_rate)
        return ThreeFactorRewardState(
            state.descent, state.objective, state.feedback, critic=critic, critic_descent=adam, generator=generator
        )

    @torch.no_grad()
    def step(self, model: Network, state: Any, batch: Batch) -> tuple[Any, Info]:
        """One step of Adam for the network, and one for the critic.

        Raises
        ------
        RunFailed
            If the prediction errors are not finite.
        """
        for parameter in (*model.parameters(), state.critic):
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        value = check_loss(self.gradient(model, state, batch), self.card)
        state.descent.follow(self.card)
        state.critic_descent.step()
        return state, self._info(state, value)

    @torch.no_grad()
    def gradient(self, model: Network, state: ThreeFactorRewardState, batch: Batch) -> Tensor:
        """The mean squared prediction error; minus the changes are stored in `grad` of every trained number."""
        credit, rates = Credit(self, model, state, batch), Rates(batch) if self.card.regularises(model) else None
        for frame, answer in enumerate(answers_of(batch, state.objective)):
            means: dict[str, Tensor] = {}
            for t, weight in zip(answer.steps, answer.weights, strict=True):
                outputs = {ANSWER: credit.run.step(batch.x[t])}
                add_weighted(means, weight, credit.run.filtered | outputs)
                if rates is not None:
                    rates.add(credit.run, t)
            credit.act(frame, means)
        credit.end()
        if rates is not None:
            for name, own in rates.loss(model, self.card)[1].items():
                nothing = own.new_zeros(batch.size, 1), own.new_zeros(1, own.shape[1])
                credit.request(name, rates.eligibility[name], *nothing, own=-own * batch.size)
        return credit.squared_error

    @staticmethod
    def tag(synapses: Synapses) -> Tensor:
        """L_j e_ji, [B, H, L]: what is added to the trace of each synapse."""
        return (synapses.modulator @ synapses.feedback)[:, :, None] * synapses.pre

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """A trace times what its unit hears, and what the unit adds to it because of its own rate; summed over the batch."""
        signal = synapses.modulator @ synapses.feedback + synapses.post
        return torch.einsum("bh,bhl->hl", signal, synapses.pre.expand(*signal.shape, -1))

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, feedback_weights: int = 0,
        feedback_changes: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """As for e-prop, with an action and a reward in every step. In addition, per step and synapse: the trace's decay, and
        delta times the trace; per step: the value of the critic and the change of its weights, and delta itself, which is
        broadcast. The softmax over the actions is not counted."""
        plain = super().count_training(model, forward, samples_seen, weight_updates, feedback_weights, feedback_changes)
        runs, readout = forward.sample_steps, model[model.output]
        layers = {name: sum(w.numel() for w in model[name].parameters() if w.requires_grad) for name in model.layers}
        more = {name: _trace_counts(runs, synapses) for name, synapses in layers.items() if synapses}
        heard = readout.input_size + 1
        critic = Counts(macs=runs * 2 * heard, dense_macs=runs * 2 * heard, elementwise=runs * 3, values_sent=runs)
        more[model.output] = more[model.output] + critic + _trace_counts(runs, heard)
        backward = LayerCounts(plain.phases["backward"]) + forward.over(samples_seen, LayerCounts(more))
        stores = tuple(Store(name, "trace", synapses) for name, synapses in layers.items() if synapses)
        stores += (Store(model.output, "trace", heard), Store(model.output, "weight", heard),
                   Store(model.output, "moment", 2 * heard))  # fmt: skip
        return TrainingCounts(
            cls.title,
            samples_seen,
            {**plain.phases, "backward": backward},
            plain.stores + stores,
            plain.updates,
            plain.numbers,
        )


def _trace_counts(runs: int, synapses: int) -> Counts:
    """Decay of a trace, and delta times the trace."""
    each = runs * synapses
    return Counts(
        macs=each, dense_macs=each, elementwise=each, trace_reads=each, trace_writes=each, trace_updates=each,
        gradient_reads=each, gradient_writes=each,
    )  # fmt: skip
