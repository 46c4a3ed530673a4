"""One update of contrastive divergence of two neighbouring layers, as rules use that train a net pair by pair."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neurorec.basics.counts import Counts
from neurorec.learning.rule import Rule
from neurorec.models.energy.layered import LayeredModel
from neurorec.models.energy.sampling import drawn


@dataclass(frozen=True)
class Done:
    """Per sample."""

    macs: int
    units: int  #: redrawn, or their chances computed
    changes: int  #: of weights and biases


def pair_update(
    rule: type[Rule], model: LayeredModel, layer: int, x: Tensor, rate: float, generator: torch.Generator, *,
    sweeps: int = 1, twice: tuple[int, int] = (1, 1),
) -> Done:  # fmt: skip
    """CD-k of the weights between `layer`, whose states are given [B, units], and the one above, and of their biases.

    rule : whose `change` is applied; it adds up over samples
    twice : factors by which what goes up and what goes down is multiplied, for neighbours that are not there yet
    """
    T, weight, below, above = model.temperature, model.weights[layer], model.biases[layer], model.biases[layer + 1]

    def up(values: Tensor) -> Tensor:
        return torch.sigmoid((twice[0] * values @ weight + above) / T)

    h = g = up(x)
    y = x
    for _ in range(sweeps):
        y = drawn(torch.sigmoid((twice[1] * drawn(g, generator) @ weight.T + below) / T), generator)
        g = up(y)
    each = rate / T / len(x)
    with_data = rule.changed(weight, post=x, pre=h, modulator=1.0)
    weight.add_(with_data + rule.changed(weight, post=y, pre=g, modulator=-1.0), alpha=each)
    below.add_(rule.changed(below, post=x - y, modulator=1.0), alpha=each)  # units keep the difference of both phases
    above.add_(rule.changed(above, post=h - g, modulator=1.0), alpha=each)
    n, m = weight.shape
    return Done((1 + 2 * sweeps) * n * m, m + sweeps * (n + m), 2 * (n * m + n + m))


def update_counts(macs: int, units: int, elementwise: int, changes: int) -> Counts:
    """Costs of updates: each change is a product and a sum. `elementwise`: operations on the units alone."""
    return Counts(
        macs=macs, dense_macs=macs, neuron_updates=units, values_sent=units, elementwise=elementwise + 2 * changes,
        nonlinearities=units, weight_reads=macs + changes, weight_writes=changes, state_reads=units, state_writes=units,
        activation_reads=units, activation_writes=units, plasticity_updates=changes,
    )  # fmt: skip
