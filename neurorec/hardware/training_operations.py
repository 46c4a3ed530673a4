"""What training asks of hardware, phase by phase and layer by layer, from declared operations and observed activity.

Activity during training is not observed; the forward pass is that of the observed samples, scaled to the samples seen.
The loss itself (a softmax over the outputs, once a sample) is not counted. What each rule costs beyond its forward passes
stands in `gradient_counts` (bptt) and `local_counts` (stdp, competitive, eprop); here is ridge: sums X^T X and X^T Y over N
samples with K = H + 1 features, N K (K + O) multiply-accumulates, each reading and writing one sum, and one solve of
K^3 / 3 + K^2 O likewise (one penalty; each further one costs another solve); a feature is a mean over all T steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.activity import Activity
from neurorec.hardware.counts import Counts, LayerCounts
from neurorec.hardware.gradient_counts import OPTIMISERS, backward_counts, gradient_stores, update_counts
from neurorec.hardware.local_counts import eprop_counts, local_counts, local_stores
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.operations import Operations, count_inference
from neurorec.models.network import Network

COUNTED_RULES = ("bptt", "competitive", "eprop", "ridge", "stdp")  #: eprop is counted, but nothing here trains by it
Phase = Literal["forward", "backward", "update"]


@dataclass(frozen=True)
class TrainingOperations:
    """Counts of a whole training. `stores` is what it must hold beside the net: tape, gradients, moments, traces."""

    rule: str
    samples_seen: int
    phases: dict[Phase, LayerCounts]
    stores: tuple[Store, ...]
    updates: int = 0  #: steps of an optimiser, each changing `numbers` trained numbers
    numbers: int = 0

    @property
    def forward(self) -> Counts:
        return self.phases["forward"].total

    @property
    def backward(self) -> Counts:
        return self.phases["backward"].total

    @property
    def update(self) -> Counts:
        return self.phases["update"].total

    @property
    def total(self) -> Counts:
        return self.forward + self.backward + self.update


def count_training(
    network: Network,
    activity: Activity,
    rule_name: str,
    samples_seen: int,
    weight_updates: int,
    optimiser: str = "adam",
) -> TrainingOperations:
    """Counts of training `network` by the rule called `rule_name`.

    Parameters
    ----------
    weight_updates : for bptt and eprop the optimiser steps, each changing every trained number; for stdp and competitive
        the single weights that were changed; ridge ignores it.
    optimiser : of bptt and eprop: "adam" (what the rule here uses) or "sgd"
    """
    for what, name, known in (("rule", rule_name, COUNTED_RULES), ("optimiser", optimiser, OPTIMISERS)):
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f'{what} "{name}" has no operation count{hint}; known: {", ".join(known)}')
    operations = count_inference(network, activity)
    seen = max(1, operations.samples)
    forward = operations.layers.scaled(samples_seen, seen)
    backward, update, stores = LayerCounts(), LayerCounts(), ()
    if rule_name in ("bptt", "eprop"):
        per_run = backward_counts(network, operations) if rule_name == "bptt" else eprop_counts(network, operations)
        backward = per_run.scaled(samples_seen, seen)
        update = update_counts(network, weight_updates, optimiser, clipped=rule_name == "bptt")
        batch = -(-samples_seen // max(1, weight_updates)) if rule_name == "bptt" else 0
        stores = gradient_stores(network, operations.steps * batch, optimiser)
        stores += local_stores(network, rule_name) if rule_name == "eprop" else ()
    elif rule_name == "ridge":
        update = LayerCounts(readout=_least_squares(operations, samples_seen))
        features = operations.hidden_units + 1
        stores = (Store("readout", "gradient", features * (features + operations.output_units)),)
    else:
        arrived = (2 * operations.input_spikes * samples_seen + seen) // (2 * seen)
        update = LayerCounts(cell=local_counts(network, rule_name, arrived, samples_seen, weight_updates))
        stores = local_stores(network, rule_name)
    phases: dict[Phase, LayerCounts] = {"forward": forward, "backward": backward, "update": update}
    stepped = rule_name in ("bptt", "eprop")
    steps, numbers = (weight_updates, network.parameter_count) if stepped else (0, 0)
    return TrainingOperations(rule_name, samples_seen, phases, stores, steps, numbers)


def _least_squares(operations: Operations, samples: int) -> Counts:
    features, outputs = operations.hidden_units + 1, operations.output_units
    steps = operations.sample_steps * samples // max(1, operations.samples)
    macs = samples * features * (features + outputs) + features**3 // 3 + features**2 * outputs
    return Counts(
        macs=macs,
        dense_macs=macs,
        elementwise=steps * features,
        activation_reads=(steps + samples) * features,
        activation_writes=samples * features,
        gradient_reads=macs,
        gradient_writes=macs,
        weight_writes=features * outputs,
    )
