"""Declared counts equal a slow count over real spikes and real weights, as integers, for every registered cell."""

import itertools

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.hardware.operations import Counts, count_inference
from neurorec.hardware.training_operations import COUNTED_RULES, count_training
from neurorec.models.cell import cells
from neurorec.models.network import Network
from tests.hardware.nets import SETTINGS, make_net, run

RUNS = [
    (cell, signal, readout)
    for cell, signal, readout in itertools.product(cells, ("spikes", "values"), ("linear", "leaky"))
]


def test_every_registered_cell_has_settings_here():
    assert sorted(SETTINGS) == sorted(cells), "add the new cell's settings to tests/hardware/nets.py"


def synapses(weight: torch.Tensor | None, line: int) -> int:
    """Synapses of an input line, found by walking down its column of the weight matrix."""
    if weight is None:
        return 0
    return sum(1 for row in range(weight.shape[0]) if float(weight.detach()[row, line]) != 0.0)


def count_slowly(network: Network, x: torch.Tensor, hidden: torch.Tensor) -> dict[str, int]:
    """Walk every step, sample, line and synapse; uses weights and signals, never a declaration."""
    cell, readout = network.cell, network.readout
    w_in, w_rec = cell.w_in, getattr(cell, "w_rec", None)
    counted = dict.fromkeys(("cell_events", "cell_macs", "readout_events", "readout_macs", "spikes"), 0)
    T, B, _ = x.shape
    for t, b in itertools.product(range(T), range(B)):
        for line in range(cell.input_size):
            if network.input_signal == "values":
                counted["cell_macs"] += synapses(w_in, line)
            elif float(x[t, b, line]) == 1.0:
                counted["cell_events"] += synapses(w_in, line)
        for unit in range(cell.size):
            fired = float(hidden[t, b, unit]) == 1.0
            if cell.output_signal == "values":
                counted["cell_macs"] += synapses(w_rec, unit)
                counted["readout_macs"] += readout.size
            else:
                counted["spikes"] += fired
                counted["readout_events"] += readout.size * fired
                fed_back = t > 0 and float(hidden[t - 1, b, unit]) == 1.0
                counted["cell_events"] += synapses(w_rec, unit) * fed_back
    return counted


@pytest.mark.parametrize(("cell", "signal", "readout"), RUNS)
def test_counts_equal_brute_force(cell, signal, readout):
    network = make_net(cell, signal=signal, readout=readout)
    activity, x, hidden = run(network)
    counted, operations = count_slowly(network, x, hidden), count_inference(network, activity)
    assert operations.cell.synaptic_events == counted["cell_events"]
    assert operations.cell.macs == counted["cell_macs"]
    assert operations.readout.synaptic_events == counted["readout_events"]
    assert operations.readout.macs == counted["readout_macs"]
    assert operations.cell.spikes == operations.cell.active_neuron_updates == counted["spikes"]
    assert operations.cell.neuron_updates == 6 * 4 * network.cell.size
    assert operations.total.weight_reads == sum(v for k, v in counted.items() if k != "spikes")
    assert all(isinstance(value, int) for value in vars(operations.total).values())


@pytest.mark.parametrize("cell", [name for name in cells if cells[name].output_signal == "spikes"])
def test_tiny_spiking_nets_do_spike(cell):
    """Otherwise the comparison above would compare zeros."""
    activity, _, _ = run(make_net(cell))
    assert activity.recurrent_spikes.sum() > 0


def test_silence_costs_no_synaptic_event():
    network = make_net("lif")
    activity, _, _ = run(network, rate=0.0)
    total = count_inference(network, activity).total
    assert (total.synaptic_events, total.spikes, total.macs) == (0, 0, 0)
    assert total.neuron_updates == 6 * 4 * 7


def test_frozen_recurrence_costs_nothing():
    network = make_net("elman", signal="values")
    network.cell.freeze_recurrence()
    activity, _, _ = run(network)
    assert count_inference(network, activity).cell.macs == 6 * 4 * 5 * 7


def test_a_dense_chip_computes_every_synapse():
    network = make_net("lif")
    activity, _, _ = run(network)
    dense = count_inference(network, activity).total.as_dense()
    assert (dense.synaptic_events, dense.macs) == (0, 6 * 4 * (5 * 7 + 7 * 7 + 7 * 3))
    assert dense.weight_reads == dense.macs


def test_accesses_of_an_elman_by_hand():
    network = make_net("elman", signal="values")
    activity, _, _ = run(network)
    cell = count_inference(network, activity).cell
    runs = 6 * 4
    assert (cell.state_reads, cell.state_writes) == (runs * 7, runs * 7)
    assert (cell.activation_reads, cell.activation_writes) == (runs * (5 + 7), runs * 7)
    assert count_inference(network, activity).stored_words == 5 * 7 + 7 * 7 + 7 * 3 + 7 + 3 + 7


def test_scaling_rounds_to_the_nearest_integer():
    assert Counts(macs=10).scaled(1, 4).macs == 3  # 2.5 up
    assert Counts(macs=9).scaled(1, 4).macs == 2


def test_bptt_by_hand():
    network = make_net("elman", signal="values")
    activity, _, _ = run(network)
    training = count_training(network, activity, "bptt", samples_seen=8, weight_updates=2)
    runs, synapses_ = 6 * 8, 5 * 7 + 7 * 7 + 7 * 3
    assert training.forward.macs == runs * synapses_
    assert training.backward.macs == runs * (
        synapses_ + 7 * 7 + 7 * 3
    )  # dL/dW, and W^T delta of recurrence and readout
    assert training.backward.tape_writes == training.backward.tape_reads == runs * 7
    assert training.update.elementwise == 12 * 2 * (synapses_ + 7 + 3)


def test_ridge_by_hand():
    network = make_net("echo_state", signal="values")
    activity, _, _ = run(network)
    training = count_training(network, activity, "ridge", samples_seen=100, weight_updates=0)
    assert training.update.macs == 100 * 8 * (8 + 3) + 8**3 // 3 + 8 * 8 * 3
    assert training.backward == Counts()


def test_stdp_reads_and_writes_what_it_changed():
    network = make_net("competitive_lif")
    activity, _, _ = run(network)
    training = count_training(network, activity, "stdp", samples_seen=4, weight_updates=55)
    assert training.forward == count_inference(network, activity).total
    assert training.update == Counts(weight_reads=55, weight_writes=55, plasticity_updates=55)


def test_unknown_rule_names_the_known_ones():
    network = make_net("lif")
    activity, _, _ = run(network)
    with pytest.raises(InputError, match=r'rule "bttp" has no operation count \(did you mean "bptt"\?\)'):
        count_training(network, activity, "bttp", 1, 1)
    assert "stdp" in COUNTED_RULES
