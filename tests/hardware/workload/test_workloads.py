"""Networks of several layers, energy models and modules of one's own as workloads; and all three doors under every setting."""

import itertools
from collections import Counter

import nir
import numpy as np
import pytest
import torch
from torch import nn

from neurorec.basics.errors import InputError
from neurorec.engines.observing import observe
from neurorec.engines.on_nir import NirOptions
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.pricing.price import price
from neurorec.hardware.pricing.what_if import parse_sweep, run_sweep
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.description import described_work
from neurorec.hardware.workload.graph import graph_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard
from neurorec.models.own import own_network
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from tests.engines.made_up_nir import chain, full
from tests.hardware.nets import make_net, run, run_all, wired
from tests.hardware.walks import hear, send, synapses
from tests.hardware.workload.description.made_up import made

WALKED = (
    "synaptic_events", "macs", "spikes", "values_sent", "weight_reads", "activation_reads", "activation_writes",
    "address_reads", "address_writes",
)  # fmt: skip
SKIPPING = (
    Wire(INPUT, "first"), Wire(INPUT, "second"), Wire("first", "second"), Wire("second", "readout"),
)  # fmt: skip
FED_BACK = (*SKIPPING, Wire("second", "first", delay=1), Wire("readout", "second", delay=1, carries="softmax"))


def walk(network, x, sent):
    """Every step, sample, wire, line and synapse; what a delayed wire brings was sent one step before."""
    counted = {name: Counter() for name, _ in network.named_layers()}
    sent = {INPUT: x, **sent}
    T, B, _ = x.shape
    for t, b, (name, layer) in itertools.product(range(T), range(B), network.named_layers()):
        weight = layer.weight if name == network.output else layer.w_in
        for wire in network.wires_into(name):
            at = t - wire.delay
            signal = "values" if wire.carries != "as sent" else network.signal_of(wire.source)
            for k, line in enumerate(range(*network.lines_of(wire).indices(layer.input_size))):
                hear(
                    counted[name],
                    synapses(weight, line),
                    signal,
                    float(sent[wire.source][at, b, k]) if at >= 0 else 0.0,
                )
        for unit in range(layer.size):
            before = float(sent[name][t - 1, b, unit]) if t else 0.0
            hear(counted[name], synapses(getattr(layer, "w_rec", None), unit), layer.output_signal, before)
            send(counted[name], layer.output_signal, float(sent[name][t, b, unit]))
    return counted


@pytest.mark.parametrize("wires", [SKIPPING, FED_BACK], ids=["skipping", "fed back"])
@pytest.mark.parametrize(
    "cells",
    [("lif", "lif"), ("liquid_state", "adaptive_lif"), ("elman", "lif"), ("lstm", "elman"), ("embedding", "lstm")],
)
@pytest.mark.parametrize("signal", ["spikes", "values"])
def test_several_layers_count_as_every_line_walked(cells, wires, signal):
    network = wired({"first": (cells[0], 6), "second": (cells[1], 5)}, wires, signal=signal)
    activity, x, sent = run_all(network)
    operations, walked = count_work(trained_work(network, activity)), walk(network, x, sent)
    for name, counts in operations.layers.items():
        assert {kind: getattr(counts, kind) for kind in WALKED} == {kind: walked[name][kind] for kind in WALKED}, name
        assert operations.per_step[name].events.sum() == counts.synaptic_events
        assert operations.per_step[name].macs.sum() == counts.macs
    assert operations.total.synaptic_events + operations.total.macs > 0


def test_a_readout_that_is_heard_sends_its_values_over_the_chip():
    once, back = (wired({"first": ("elman", 6), "second": ("elman", 5)}, wires) for wires in (SKIPPING, FED_BACK))
    bits = [price(trained_work(net, run_all(net)[0]), "cmos_45nm").communication_bits for net in (once, back)]
    assert bits[1] - bits[0] == 6 * 3 * 32  # three outputs in each of six steps


def test_what_is_done_on_a_wire_is_counted_where_it_arrives():
    net = wired({"first": ("elman", 6), "second": ("elman", 5)}, FED_BACK)
    plain = wired({"first": ("elman", 6), "second": ("elman", 5)}, SKIPPING)
    with_softmax, without = (count_work(trained_work(n, run_all(n)[0])).layers["second"] for n in (net, plain))
    assert with_softmax.nonlinearities - without.nonlinearities == 6 * 4 * 3


def test_each_layer_is_placed_and_waited_for_on_its_own():
    net = wired({"first": ("lif", 6), "second": ("lif", 5)}, SKIPPING)
    work = trained_work(net, run_all(net)[0])
    cost = price(work, "loihi1")
    assert cost.mapping.cores == ((6, 5, 3),)
    assert {one.layer for one in cost.traffic} == {"first", "second", "readout"}
    assert cost.latency_us is not None


def test_a_module_of_ones_own_is_counted_and_marked():
    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(5, 3)

        def forward(self, x):
            return self.dense(x)

    net = own_network(Dense(), 5, 3, "values", torch.Generator())
    x = torch.rand(6, 4, 5)
    sent, _ = net.run(x)
    work = trained_work(net, observe(net, x, sent))
    operations = count_work(work)
    assert operations.total.macs == operations.total.dense_macs == 6 * 4 * 5 * 3
    assert operations.stored_words == 5 * 3 + 3
    assert operations.total.weight_reads == operations.total.macs
    (note,) = price(work, "cmos_45nm").notes
    assert "15 multiply-accumulates per step, measured by a FLOP counter, not declared" in note


def test_a_sweep_of_an_energy_model_is_a_step():
    model = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=20), 8)
    pattern = torch.tensor([1.0, -1, 1, 1, -1, -1, 1, -1])
    with torch.no_grad():
        model.weight.copy_((torch.outer(pattern, pattern) - torch.eye(8)) / 8)
    x = torch.stack([pattern, -pattern, pattern * torch.tensor([-1.0, *[1] * 7])])[None]
    batch = Batch(x, None, torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(0).observe(model, batch, True)
    operations = count_work(trained_work(model, activity))
    sweeps = 1 + 1 + 2  # settled ones change nothing in their first sweep
    assert operations.sample_steps == sweeps
    assert operations.layers[UNITS].macs == sweeps * 8 * 7
    assert operations.layers[UNITS].neuron_updates == sweeps * 8
    assert price(trained_work(model, activity), "cmos_45nm").can_run


def graph():
    weights = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    net = chain(nir.Linear(weights), nir.IF(full(1, 4), full(0.9, 4)), nir.Linear(np.ones((2, 4))))
    x = (np.random.default_rng(1).random((6, 3, 3)) < 0.4).astype(np.float32)
    return graph_work(net, x, NirOptions(dt_s=1e-3, time_unit="steps"))


def trained():
    net = make_net("lif")
    return trained_work(net, run(net)[0])


DOORS = {"trained": trained, "described": lambda: described_work(made()), "graph": graph}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("setting", "chip"),
    [
        ("sparsity=0,0.5,1", "loihi1"),
        ("precision=8,32", "cmos_45nm"),
        ("dt_ms=0.5,1", "spinnaker1"),
        ("batch=1,4", "xeon_e5_2630"),
    ],
)
def test_every_setting_changes_every_door(door, setting, chip):
    work, sweep = DOORS[door](), parse_sweep(setting)
    costs = run_sweep(work, sweep, [chip])[chip]
    assert all(cost.can_run for cost in costs), [cost.why_not for cost in costs]
    energies = [cost.energy_pJ.value for cost in costs]
    assert len(set(energies)) == len(energies)
    if sweep.name == "sparsity":
        assert energies == sorted(energies, reverse=True)
        assert costs[-1].operations.total.synaptic_events == costs[-1].operations.input_spikes == 0
    if sweep.name == "dt_ms":
        spikes = [cost.operations.total.spikes / cost.operations.samples for cost in costs]
        assert spikes[0] == spikes[1] > 0


@pytest.mark.parametrize("door", DOORS)
def test_what_was_never_trained_has_no_workers(door):
    with pytest.raises(
        InputError, match="sweep workers needs a finished run, which defines how the network is trained"
    ):
        run_sweep(DOORS[door](), parse_sweep("workers:nvlink4=2"), ["cmos_45nm"])


def test_a_graph_keeps_its_counts_in_twice_as_many_steps_but_for_the_last():
    work = graph()
    before, after = (
        run_sweep(work, parse_sweep(f"dt_ms={dt}"), ["cmos_45nm"])["cmos_45nm"][0].operations for dt in (1, 0.5)
    )
    assert after.total.synaptic_events == before.total.synaptic_events  # nothing of it is fed back
    assert after.total.neuron_updates == 2 * before.total.neuron_updates
