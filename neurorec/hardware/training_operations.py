"""A first estimate of what training asks of hardware: forward, backward, tape and update, from declared operations.

Activity during training is not observed; the forward pass is that of the observed samples, scaled to the samples seen.
Per sample and step, with f the fan-outs and z the spikes (or T B for values) as in `operations`:
  bptt     backward: W^T delta over the recurrent and readout synapses (deltas are real numbers: multiply-accumulates),
           dL/dW += delta x over all trained synapses (an accumulate where x is a spike); one product per forward
           elementwise operation and nonlinearity, one surrogate per spiking neuron. Tape: `tape_values` written, then
           read. Update: Adam (Kingma & Ba 2015) for every trained number, 8 products and 4 sums, a root and a division.
  ridge    X^T X and X^T Y over N samples with K = H + 1 features: N K (K + O) multiply-accumulates, one solve of
           K^3 / 3 + K^2 O (one penalty; each further one costs another solve).
  stdp, competitive   forward plus one read and write of every weight changed; traces are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.activity import Activity
from neurorec.hardware.operations import Counts, Operations, count_inference
from neurorec.models.network import Network

COUNTED_RULES = ("bptt", "competitive", "ridge", "stdp")


@dataclass(frozen=True)
class TrainingOperations:
    """Counts of a whole training, by phase."""

    rule: str
    samples_seen: int
    forward: Counts
    backward: Counts
    update: Counts

    @property
    def total(self) -> Counts:
        return self.forward + self.backward + self.update


def count_training(
    network: Network, activity: Activity, rule_name: str, samples_seen: int, weight_updates: int
) -> TrainingOperations:
    """Counts of training `network` by the rule called `rule_name`.

    Parameters
    ----------
    weight_updates : for bptt the optimiser steps, each changing every trained number; for stdp and competitive the
        single weights that were changed; ridge ignores it.
    """
    if rule_name not in COUNTED_RULES:
        raise InputError(
            f'rule "{rule_name}" has no operation count{did_you_mean(rule_name, COUNTED_RULES)}; '
            f"known: {', '.join(COUNTED_RULES)}"
        )
    operations = count_inference(network, activity)
    forward = operations.total.scaled(samples_seen, max(1, operations.samples))
    backward, update = Counts(), Counts()
    if rule_name == "bptt":
        backward = _backward(network, operations).scaled(samples_seen, max(1, operations.samples))
        update = _adam(network.parameter_count * weight_updates)
    elif rule_name == "ridge":
        update = _least_squares(samples_seen, network.cell.size + 1, network.readout.size)
    else:
        update = Counts(weight_reads=weight_updates, weight_writes=weight_updates, plasticity_updates=weight_updates)
    return TrainingOperations(rule_name, samples_seen, forward, backward, update)


def _backward(network: Network, operations: Operations) -> Counts:
    """The backward pass over the observed samples, with its tape."""
    runs = operations.sample_steps
    declared = network.cell.operations()
    through = runs * int(declared.recurrent_fan_out.sum()) + operations.readout.dense_macs
    total = operations.total
    surrogates = operations.cell.neuron_updates if network.cell.output_signal == "spikes" else 0
    errors = runs * network.readout.size + runs * network.cell.size  # one real error per unit and step goes back
    return Counts(
        synaptic_events=total.synaptic_events,
        macs=through + total.macs,
        dense_macs=through + total.dense_macs,
        values_sent=errors,
        elementwise=total.elementwise + total.nonlinearities,
        nonlinearities=surrogates,
        # W^T delta reads weights; dL/dW reads and writes the gradient of the synapse
        weight_reads=through + total.synaptic_events + total.macs,
        weight_writes=total.synaptic_events + total.macs,
        tape_writes=runs * (declared.tape_values + network.readout.operations().tape_values),
        tape_reads=runs * (declared.tape_values + network.readout.operations().tape_values),
    )


def _adam(numbers: int) -> Counts:
    """Reads weight, gradient and two moments; writes weight and two moments."""
    return Counts(
        elementwise=12 * numbers, nonlinearities=2 * numbers, weight_reads=4 * numbers, weight_writes=3 * numbers
    )


def _least_squares(samples: int, features: int, outputs: int) -> Counts:
    macs = samples * features * (features + outputs) + features**3 // 3 + features**2 * outputs
    return Counts(macs=macs, dense_macs=macs, weight_reads=macs, weight_writes=features * (features + outputs))
