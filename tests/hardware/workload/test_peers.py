"""Counts equal those of torch's FlopCounterMode and of NeuroBench, where these can count. The table: docs/count_peers.md."""

import pytest
import torch
from torch import nn

from benchmarks.count_peers import Replayed, Unrolled, Whole, neurobench_counts, torch_macs
from neurorec.learning.rule import rules
from tests.hardware.nets import counts_of, make_net, run

SIZES = [(5, 7, 3, 6, 4), (1, 1, 1, 1, 1), (13, 9, 2, 3, 5)]  # I, H, O, T, B
NETS = [*((size, "linear") for size in SIZES), (SIZES[0], "leaky"), (SIZES[2], "leaky")]


@pytest.mark.parametrize(("sizes", "readout"), NETS)
@pytest.mark.parametrize("signal", ["values", "spikes"])
@pytest.mark.parametrize("cell", ["elman", "lstm", "lif"])
def test_forward_and_backward_products_equal_torchs(cell, signal, sizes, readout):
    I, H, O, T, B = sizes  # noqa: E741
    network = make_net(cell, inputs=I, size=H, outputs=O, signal=signal, readout=readout)
    activity, x, _ = run(network, steps=T, samples=B)
    counted = rules["bptt"].count_training(
        network, counts_of(network, activity).forward(), samples_seen=B, weight_updates=1
    )
    forward, backward = torch_macs(network, x)
    # torch counts the leaky readout's recursion as one product [T, T] with its kernel; a chip takes a step at a time
    kernel = T * T * B * O if readout == "leaky" else 0
    assert counted.forward.dense_macs == forward - kernel
    assert counted.backward.dense_macs == backward - kernel


@pytest.mark.parametrize(("cell", "layer"), [("elman", nn.RNN), ("lstm", nn.LSTM)])
def test_torchs_own_layers(cell, layer):
    network = make_net(cell, signal="values")
    activity, x, _ = run(network)
    operations = counts_of(network, activity)
    forward, _ = torch_macs(Whole(layer(5, 7), 3), x)
    seen = (
        operations.total.macs if cell == "elman" else operations.layers["readout"].macs
    )  # the fused LSTM is not seen at all
    assert forward == seen


@pytest.mark.parametrize("cell", ["lif", "adaptive_lif", "liquid_state"])
def test_accumulates_equal_neurobenchs(cell):
    pytest.importorskip("neurobench")
    network = make_net(cell)
    activity, x, hidden = run(network)
    counted = counts_of(network, activity).total
    found = neurobench_counts(Replayed(network, hidden), x)
    assert found["Effective_ACs"] * 4 == counted.synaptic_events > 0
    if cell != "liquid_state":  # its missing synapses are in NeuroBench's dense count
        assert found["Dense"] * 4 == counted.dense_macs


def test_products_of_an_elman_equal_neurobenchs():
    pytest.importorskip("neurobench")
    network = make_net("elman", signal="values")
    activity, x, _ = run(network)
    counted = counts_of(network, activity).total
    found = neurobench_counts(Unrolled(nn.RNNCell(5, 7), 3), x)
    assert found["Dense"] * 4 == counted.macs
    assert found["Effective_MACs"] * 4 == counted.macs - 4 * 7 * 7  # it leaves the zero state of the first step out


def test_products_of_an_lstm_equal_neurobenchs():
    pytest.importorskip("neurobench")
    network = make_net("lstm", signal="values")
    activity, x, _ = run(network)
    counted, runs = counts_of(network, activity).total, 6 * 4
    found = neurobench_counts(Unrolled(nn.LSTMCell(5, 7), 3), x)
    gates = 3 * 7 * runs - 4 * 7  # f c, i g, o tanh c; without f c of the zero state
    assert found["Dense"] * 4 == counted.macs - 4 * 4 * 7 * 7 + gates


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM])
def test_neurobench_cannot_count_recurrent_layers(layer):
    pytest.importorskip("neurobench")
    with pytest.raises(TypeError):
        neurobench_counts(Whole(layer(5, 7), 3), torch.rand(6, 4, 5))
