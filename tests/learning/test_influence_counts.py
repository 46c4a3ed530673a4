"""Costs of real-time recurrent learning equal a slow count over steps, synapses and weights."""

from collections import Counter

import pytest

from neurorec.basics.counts import Store
from neurorec.learning.influence_counts import Influences, influence_counts
from neurorec.learning.rule import rules
from neurorec.models.architecture import READOUT
from neurorec.models.wires import INPUT, Wire
from tests.hardware.nets import counts_of, make_net, run, wired

T, B, I, H, O = 6, 4, 5, 7, 3  # noqa: E741
OWN = {"elman": I * H + H * H + H, "lif": I * H + H * H}
STATES = {"elman": 1, "lif": 2}
FORWARD = {"elman": 2, "lif": 5}  #: elementwise operations and nonlinearities per unit


@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_a_recurrent_layer_and_its_readout_one_by_one(cell):
    net = make_net(cell, signal="values" if cell == "elman" else "spikes")
    counted, readout, weights = Counter(), Counter(), range(OWN[cell])
    for _sample in range(B):
        for t in range(T):
            for _unit in range(H):
                for _source in range(H if t else 0):
                    counted["weight_reads"] += 1
                    for _ in weights:
                        counted["macs"] += 1
                for _ in weights:
                    counted.update(
                        elementwise=FORWARD[cell], values_sent=1, trace_reads=STATES[cell], trace_writes=STATES[cell]
                    )
            counted["elementwise"] += OWN[cell]
            for _output in range(O):
                for _source in range(H):
                    readout["weight_reads"] += 1
                    for _ in weights:
                        readout["macs"] += 1
                for _ in weights:
                    readout.update(macs=1, elementwise=1)  # onto the gradient; the bias is added
                readout.update(macs=H + 1, elementwise=2 * (H + 1))
            for _ in range(OWN[cell] + O * (H + 1)):
                readout.update(gradient_reads=1, gradient_writes=1)
    found = influence_counts(net, counts_of(net, run(net)[0]).forward())
    assert {name: getattr(found["hidden"], name) for name in counted} == counted
    assert {name: getattr(found[READOUT], name) for name in readout} == readout


def test_the_whole_training():
    net = make_net("lif")
    forward = counts_of(net, run(net)[0]).forward()
    training = rules["rtrl"].count_training(net, forward, samples_seen=8, weight_updates=2)
    once = influence_counts(net, forward)
    assert training.backward == once.total + once.total
    assert Store("hidden", "trace", B * 2 * H * OWN["lif"]) in training.stores
    assert not any(store.kind == "tape" for store in training.stores)


def test_weights_influence_what_they_reach():
    wires = (Wire(INPUT, "low"), Wire("low", "high"), Wire("low", READOUT), Wire("high", READOUT))
    low, high, out = 5 * 6 + 6 * 6, 6 * 4 + 4 * 4 + 4, 10 * 3 + 3
    chained = Influences(wired({"low": ("lif", 6), "high": ("elman", 4)}, wires))
    assert chained.dense == {"low": low, "high": low + high, READOUT: low + high}
    assert chained.own == {"low": 0, "high": 0, READOUT: out}
    net = wired({"low": ("lif", 6), "high": ("elman", 4)}, (*wires, Wire(READOUT, "high", 1)))
    high += 3 * 4
    assert Influences(net).dense == {"low": low, "high": low + high + out, READOUT: low + high + out}
    net.freeze_recurrence()  # and the feedback is cut
    frozen = Influences(net)
    assert frozen.dense == {"low": 0, "high": 30, READOUT: 30 + high - 16}
    assert (frozen.own["low"], frozen.per_unit("low"), frozen.numbers("low")) == (30, 5, 30)
