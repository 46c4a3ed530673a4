"""What rules share by which rate units learn features without targets, each weight from what its two ends do."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import LearningRate, Share
from neurorec.engines.engine import Engine
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, hidden_layer, network_why_not, rules
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

__all__ = ["FeatureCard", "FeatureRule", "FeatureState", "rules"]


class FeatureCard(TrainingCard):
    learning_rate: LearningRate
    learning_rate_decay: Share  #: factor applied to it at every update


@dataclass
class FeatureState:
    engine: Engine
    learning_rate: float
    threshold: Tensor | None = None  #: [H] of units that have one, from the first batch on


class FeatureRule(Rule):
    """Weights from the input and of the layer's own recurrence learn alike; biases stay as they are. A change is averaged over
    all steps and samples of a batch. The readout is fitted afterwards, if the card asks for it (`count_readout_penalties`).

    x is what arrives, input and the layer's last output; y is the output of the unit.
    """

    Card = FeatureCard
    signal = "none"
    sees = ("pre", "post")
    needs = capabilities("product update")
    messages = Messages(
        errors=False, signals="none", online=False, sources=("hebb1949",),
        why="a weight changes with what its synapse receives and what its own unit does",
    )  # fmt: skip
    read_by_labels = True
    operations_per_synapse: int  #: additions and multiplications at a synapse per step of a sample, and per unit
    operations_per_unit: int = 0
    card: FeatureCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, layers=1)
        if reason is not None:
            return reason
        layer = hidden_layer(model)
        if not (isinstance(layer, Cell) and layer.has_sums() and layer.output_signal == "values"):
            return (
                f"it takes each unit's output as a function of its weighted sum, which {layer.title} is not; use the cell "
                "dense or elman"
            )
        if model.recurrent_wires:
            return "a wire leads back to its layer, for which this rule has no equation; use the cell elman, or bptt"
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "weights are used only in their own unit"),
            Judgement("relaxed", "there is one phase: a weight may change whenever its ends are active"),
            Judgement("kept", "units send real values"),
            Judgement(
                "partly",
                "the layer learns without targets; for scoring, its units are labelled or the readout is fitted afterwards",
            ),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Per step of a sample, each unit and each of its synapses do the operations that the rule declares, and a synapse adds
        to the sum of its changes. Per update, the sum is scaled and added to the weight. `weight_updates`: batches."""
        ((name, layer),) = model.hidden.items()
        synapses, runs = _synapses(layer), forward.sample_steps
        per_sample = Counts(
            elementwise=runs * (cls.operations_per_synapse * synapses + cls.operations_per_unit * layer.size),
            weight_reads=runs * synapses,
            gradient_reads=runs * synapses,
            gradient_writes=runs * synapses,
        )
        update = Counts(
            elementwise=2 * synapses * weight_updates,
            weight_reads=synapses * weight_updates,
            weight_writes=synapses * weight_updates,
            gradient_reads=synapses * weight_updates,
            plasticity_updates=synapses * weight_updates,
        )
        seen = forward.over(samples_seen, LayerCounts({name: per_sample}))
        update += cls.at_update(layer, weight_updates)
        stores = (Store(name, "gradient", synapses),)
        return cls.counted(forward, samples_seen, LayerCounts(), seen + LayerCounts({name: update}), stores)

    @classmethod
    def at_update(cls, layer: Any, updates: int) -> Counts:
        """Further operations at each update."""
        return Counts()

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> FeatureState:
        return FeatureState(engine, self.card.learning_rate)

    @torch.no_grad()
    def step(self, model: Network, state: FeatureState, batch: Batch) -> tuple[FeatureState, Info]:
        """Raises `RunFailed` if a weight becomes infinite."""
        layer: Any = hidden_layer(model)
        pre, post = ends(model, state.engine, batch)
        own = [weight for weight in layer.recurrent_weights() if weight.requires_grad]
        weight = torch.cat([layer.w_in, *own], 1)
        change = self.change_of(state, weight, pre, post)
        if not change.isfinite().all():
            raise RunFailed(
                f"a weight became infinite; lower learning_rate (now {self.card.learning_rate:g}) in the pair card"
            )
        for part, by in zip(
            [layer.w_in, *own], change.split([layer.input_size, *[layer.size] * len(own)], 1), strict=True
        ):
            part += by
        state.learning_rate *= self.card.learning_rate_decay
        return state, Info(loss=None, updates=1)

    def change_of(self, state: FeatureState, weight: Tensor, pre: Tensor, post: Tensor) -> Tensor:
        """The change of weights [H, L] with this batch: pre [N, L], post [N, H]."""
        return state.learning_rate * self.changed(weight, pre=pre, post=post)


def ends(model: Network, engine: Engine, batch: Batch) -> tuple[Tensor, Tensor]:
    """What arrived at the layer's synapses [N, L] and what its units did [N, H], in all N steps of all samples; lines of the
    layer's own recurrence are left out if it does not learn."""
    ((name, layer),) = model.hidden.items()
    sent = engine.sent(model, batch)[name]
    pre = [batch.x]
    if any(weight.requires_grad for weight in layer.recurrent_weights()):
        pre.append(torch.cat([torch.zeros_like(sent[:1]), sent[:-1]]))
    heard = torch.cat(pre, 2)
    if batch.lengths is None:
        return heard.flatten(0, 1), sent.flatten(0, 1)
    runs = torch.arange(len(sent), device=sent.device)[:, None] < batch.lengths
    return heard[runs], sent[runs]


def _synapses(layer: Any) -> int:
    recurrent = any(weight.requires_grad for weight in layer.recurrent_weights())
    return layer.size * (layer.input_size + recurrent * layer.size)
