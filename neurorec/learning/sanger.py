"""Sanger's generalised Hebbian algorithm: Oja's rule on what earlier units have not yet explained (Sanger 1989)."""

from typing import Any

from torch import Tensor

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, TrainingCounts
from neurorec.learning.feature_learning import FeatureState, rules
from neurorec.learning.oja import Oja
from neurorec.learning.rule import OBJECTIONS, Judgement, Messages
from neurorec.learning.synapses import Synapses


@rules.register("sanger")
class Sanger(Oja):
    """Unit j learns from its input less what units 1 to j - 1 make of theirs; so the weights of linear units converge to the
    principal components, in order."""

    title = "Sanger's rule"
    sources = ("sanger1989", "oja1982")
    equations = (
        "w_ji += rate <y_j (x_i - sum over k <= j of y_k w_ki)>;   <>: the mean over the steps and samples of a batch"
    )
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("sanger1989",),
        why="before unit j learns, what the units before it reconstruct of the input is subtracted from the lines: one number "
        "per line is passed from unit to unit",
    )  # fmt: skip

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        found = dict(zip(OBJECTIONS, super().judgements(model), strict=True))
        found["only linear operations backward"] = Judgement(
            "partly", "outputs return to the input lines as a linear reconstruction, but no error is propagated"
        )
        found["weights of the forward paths"] = Judgement(
            "kept", "each unit's output returns through its own forward weights"
        )
        found["precisely clocked phases"] = Judgement(
            "partly", "there is one phase, but within it units must subtract and learn one after another"
        )
        return tuple(found.values())

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """As Oja's rule; what a unit subtracts from its input is the input of the next, which is sent to it."""
        plain = super().count_training(model, forward, samples_seen, weight_updates)
        ((name, layer),) = model.hidden.items()
        lines = layer.input_size + sum(layer.size for weight in layer.recurrent_weights() if weight.requires_grad)
        sent = forward.sample_steps * lines * (layer.size - 1)
        passed_on = Counts(values_sent=sent, activation_reads=sent, activation_writes=sent)
        update = plain.phases["update"] + forward.over(samples_seen, LayerCounts({name: passed_on}))
        return cls.counted(forward, samples_seen, LayerCounts(), update, plain.stores)

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        x, y = synapses.pre, synapses.post  # [B, H, L], [B, H]
        return (y[..., None] * x).mean(0) - y.square().mean(0)[:, None] * synapses.weight

    def change_of(self, state: FeatureState, weight: Tensor, pre: Tensor, post: Tensor) -> Tensor:
        explained = (post[..., None] * weight).cumsum(1)
        left = pre[:, None] - explained + post[..., None] * weight  # of the input, for each unit
        return state.learning_rate * self.changed(weight, pre=left, post=post)
