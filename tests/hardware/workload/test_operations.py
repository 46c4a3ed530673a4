"""Declared counts equal a slow count over real spikes and real weights, as integers, for every registered cell."""

import itertools

import numpy as np
import pytest
import torch

from neurorec.basics.counts import Counts, LayerCounts
from neurorec.engines.engine import engines
from neurorec.learning.gradient_counts import backward_counts
from neurorec.models.cell import cells
from tests.hardware.nets import counts_of, make_net, run
from tests.hardware.walks import total, walk_forward

RUNS = [
    (cell, signal, readout)
    for cell, signal, readout in itertools.product(cells, ("spikes", "values"), ("linear", "leaky"))
]


WALKED = (
    "synaptic_events", "macs", "spikes", "active_neuron_updates", "values_sent", "weight_reads", "activation_reads",
    "activation_writes", "address_reads", "address_writes",
)  # fmt: skip


@pytest.mark.parametrize(("cell", "signal", "readout"), RUNS)
def test_counts_equal_brute_force(cell, signal, readout):
    network = make_net(cell, signal=signal, readout=readout)
    activity, x, hidden = run(network)
    steps, operations = walk_forward(network, x, hidden), counts_of(network, activity)
    for layer in ("hidden", "readout"):
        counted, walked = operations.layers.of(layer), total(steps, layer)
        assert {name: getattr(counted, name) for name in WALKED} == {name: walked[name] for name in WALKED}
        assert all(isinstance(value, int) for value in vars(counted).values())
    assert operations.layers["hidden"].neuron_updates == 6 * 4 * network["hidden"].size
    assert (
        operations.layers["hidden"].idle_neuron_updates
        == 6 * 4 * network["hidden"].size - total(steps, "hidden")["spikes"]
    )


@pytest.mark.parametrize("signal", ["spikes", "values"])
@pytest.mark.parametrize("cell", list(cells))
def test_counts_by_step_equal_brute_force(cell, signal):
    network = make_net(cell, signal=signal)
    activity, x, hidden = run(network)
    steps, seen = walk_forward(network, x, hidden), counts_of(network, activity).per_step
    for layer in ("hidden", "readout"):
        assert seen[layer].events.tolist() == [step[layer]["synaptic_events"] for step in steps]
        assert seen[layer].macs.tolist() == [step[layer]["macs"] for step in steps]
        assert seen[layer].spikes.tolist() == [step[layer]["spikes"] for step in steps]


@pytest.mark.parametrize("cell", [name for name in cells if cells[name].output_signal == "spikes"])
def test_tiny_spiking_nets_do_spike(cell):
    """Otherwise the comparison above would compare zeros."""
    activity, _, _ = run(make_net(cell))
    assert activity.layers["hidden"].passed_on.sum() > 0


def test_a_spike_that_reaches_no_synapse_is_not_read():
    network = make_net("liquid_state")
    with torch.no_grad():
        network["hidden"].w_in[:, 0] = 0.0
        network["hidden"].w_rec[:, 2] = 0.0
    activity, x, hidden = run(network)
    operations, walked = counts_of(network, activity), total(walk_forward(network, x, hidden), "hidden")
    assert (
        operations.layers["hidden"].address_reads
        == walked["address_reads"]
        < x.sum() + activity.layers["hidden"].passed_on.sum()
    )


@pytest.mark.parametrize("signal", ["spikes", "values"])
@pytest.mark.parametrize("cell", [name for name in cells if name not in ("competitive", "competitive_lif")])
def test_samples_of_unequal_lengths_count_as_each_on_its_own(cell, signal):
    network = make_net(cell, signal=signal)
    _, x, _ = run(network)
    lengths = torch.tensor([6, 1, 4, 0])
    runner = engines["torch"]()
    together = counts_of(network, runner.run(network, x, lengths).activity)
    alone = [
        counts_of(network, runner.run(network, x[:length, b : b + 1]).activity)
        for b, length in enumerate(lengths.tolist())
    ]
    assert together.layers == sum((one.layers for one in alone), LayerCounts())
    assert together.sample_steps == sum(one.sample_steps for one in alone) == 11
    for layer, by_kind in together.per_step.items():
        for kind, steps in vars(by_kind).items():
            padded = [np.pad(getattr(one.per_step[layer], kind), (0, 6 - one.steps)) for one in alone]
            assert steps.tolist() == np.sum(padded, axis=0).tolist(), (layer, kind)
    backward = backward_counts(network, together.forward())
    assert backward == sum((backward_counts(network, one.forward()) for one in alone), LayerCounts())


def test_silence_costs_no_synaptic_event():
    network = make_net("lif")
    activity, _, _ = run(network, rate=0.0)
    total = counts_of(network, activity).total
    assert (total.synaptic_events, total.spikes, total.macs) == (0, 0, 0)
    assert total.neuron_updates == 6 * 4 * 7


def test_frozen_recurrence_costs_nothing():
    network = make_net("elman", signal="values")
    network["hidden"].freeze_recurrence()
    activity, _, _ = run(network)
    assert counts_of(network, activity).layers["hidden"].macs == 6 * 4 * 5 * 7


def test_a_dense_chip_computes_every_synapse():
    network = make_net("lif")
    activity, _, _ = run(network)
    dense = counts_of(network, activity).total.as_dense()
    assert (dense.synaptic_events, dense.macs) == (0, 6 * 4 * (5 * 7 + 7 * 7 + 7 * 3))
    assert dense.weight_reads == dense.macs


def test_accesses_of_an_elman_by_hand():
    network = make_net("elman", signal="values")
    activity, _, _ = run(network)
    cell = counts_of(network, activity).layers["hidden"]
    runs = 6 * 4
    assert (cell.state_reads, cell.state_writes) == (runs * 7, runs * 7)
    assert (cell.activation_reads, cell.activation_writes) == (runs * (5 + 7), runs * 7)
    assert counts_of(network, activity).stored_words == 5 * 7 + 7 * 7 + 7 * 3 + 7 + 3 + 7


def test_scaling_rounds_to_the_nearest_integer():
    assert Counts(macs=10).scaled(1, 4).macs == 3  # 2.5 up
    assert Counts(macs=9).scaled(1, 4).macs == 2
