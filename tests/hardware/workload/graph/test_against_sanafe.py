"""The same network on SANA-FE's simulator: the same spikes, events, updates, packets and hops, and the same energy.

SANA-FE delivers a spike within the step that sends it, neurorec in the next one: what arrives is counted over one step more.
"""

from dataclasses import replace

import nir
import numpy as np
import pytest

from benchmarks.sanafe_chip import (
    DVS_FIRED,
    OPTIONS,
    dvs_core_of,
    dvs_network,
    sanafe_chip,
)
from neurorec.engines.on_nir import flat_graph
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import place
from neurorec.hardware.mapping.layout import Layout
from neurorec.hardware.mapping.net import net_of
from neurorec.hardware.mapping.routes import Ground, travel
from neurorec.hardware.mapping.spike_traffic import find_traffic
from neurorec.hardware.pricing.placed import Placed
from neurorec.hardware.pricing.price import price, price_placed
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.graph import observe_graph, observed_work
from tests.hardware.mapping.made_up_nets import shrunk

sanafe = pytest.importorskip("sanafe", reason="sanafe is not installed")


def made_up(seed=0):
    """12 lines -> 30 IF units, recurrent -> 9 IF units, sparse, weights on a grid that SANA-FE's 1/64 resolves."""
    rng = np.random.default_rng(seed)

    def weights(rows, columns):
        return (rng.integers(-24, 32, (rows, columns)) / 64 * (rng.random((rows, columns)) < 0.6)).astype(np.float32)

    def fire(n):
        return nir.IF(r=np.ones(n), v_threshold=np.full(n, 0.75))

    nodes = {
        "input": nir.Input({"input": np.array([12])}),
        "w_in": nir.Linear(weights(30, 12)), "hidden": fire(30), "w_rec": nir.Linear(weights(30, 30)),
        "w_out": nir.Linear(weights(9, 30)), "out": fire(9),
        "output": nir.Output({"output": np.array([9])}),
    }  # fmt: skip
    edges = [("input", "w_in"), ("w_in", "hidden"), ("hidden", "w_rec"), ("w_rec", "hidden"), ("hidden", "w_out"),
             ("w_out", "out"), ("out", "output")]  # fmt: skip
    return flat_graph(nir.NIRGraph(nodes, edges), "made up")


def seen_by_both(graph, x, signal):
    """What `x` [T, 1, ...] does, with everything that its spikes reach: those of the last step arrive after it."""
    after = np.concatenate([x, np.zeros_like(x[:1])])
    seen = observe_graph(graph, x, OPTIONS, signal)
    return replace(seen, arrived=observe_graph(graph, after, OPTIONS, signal).arrived)


@pytest.fixture(scope="module")
def small():
    """Ours and theirs, of 60 steps over six cores with seven neurons each."""
    graph, card = made_up(), shrunk(load_chip("loihi1_sanafe"), neurons_per_core=7)
    x = (np.random.default_rng(1).random((59, 12)) < 0.25).astype(np.float32)
    seen = seen_by_both(graph, np.concatenate([np.zeros((1, 12)), x])[:, None], "spikes")
    cost = price(observed_work(seen), card)
    mapping = cost.mapping
    chip = sanafe_chip(sanafe, graph, mapping.plan.layout.core_of, np.concatenate([x, np.zeros((1, 12))]))
    return seen, cost, chip.sim(60, timing_model="simple", perf_trace=True)


def test_a_recurrent_net_counts_as_there(small):
    seen, cost, theirs = small
    total = cost.operations.total
    assert total.spikes > 300
    assert total.spikes + seen.input_spikes.sum() == theirs["neurons_fired"]  # lines are neurons there
    assert total.synaptic_events == theirs["spikes"]
    assert cost.mapping.packets == theirs["packets_sent"]
    assert cost.mapping.hops == sum(theirs["perf_trace"]["hops"]) > 0
    assert total.neuron_updates == 60 * 39


def test_its_dynamic_energy_is_theirs(small):
    _, cost, theirs = small
    assert cost.dynamic_pJ.value * 1e-12 == pytest.approx(theirs["energy"]["total"], rel=1e-9)
    parts = cost.breakdown
    assert parts.communication.value * 1e-12 == pytest.approx(theirs["energy"]["network"], rel=1e-9)
    computed = theirs["energy"]["synapse"] + theirs["energy"]["soma"]
    assert parts.compute.value * 1e-12 == pytest.approx(computed, rel=1e-9)


def test_the_spikes_of_its_gesture_net_are_those_of_its_tutorial():
    graph, frame = dvs_network(sanafe)
    x = np.broadcast_to(frame, (1000, 1, *frame.shape)).astype(np.float32)
    seen = observe_graph(graph, x, OPTIONS, "values")
    assert sum(int(spikes.sum()) for spikes in seen.sent.values()) == DVS_FIRED


@pytest.mark.slow
def test_its_gesture_net_counts_and_costs_as_there():
    graph, frame = dvs_network(sanafe)
    card, steps = load_chip("loihi1_sanafe"), 100
    seen = seen_by_both(graph, np.broadcast_to(frame, (steps, 1, *frame.shape)).astype(np.float32), "values")
    work = observed_work(seen)
    net, layout = net_of(work, card), Layout(dvs_core_of(), 42)
    travelled = travel(find_traffic(net, layout), np.arange(42), Ground.of(card, 42))
    mapping = replace(place(net, card), packets=travelled.packets, hops_east_west=travelled.hops[0],
                      hops_north_south=travelled.hops[1])  # fmt: skip
    cost = price_placed("loihi1_sanafe", Placed(work, count_work(work), mapping, card))
    theirs = sanafe_chip(sanafe, graph, dvs_core_of(), bias=frame).sim(steps, timing_model="simple", perf_trace=True)
    total = cost.operations.total
    assert total.spikes == theirs["neurons_fired"]
    assert total.synaptic_events == theirs["spikes"]
    assert total.neuron_updates == theirs["neurons_updated"]
    assert mapping.packets == theirs["packets_sent"]
    assert mapping.hops == sum(theirs["perf_trace"]["hops"])
    assert cost.dynamic_pJ.value * 1e-12 == pytest.approx(theirs["energy"]["total"], rel=1e-9)
