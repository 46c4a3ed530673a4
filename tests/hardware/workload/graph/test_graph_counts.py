"""Counts of NIR graphs: those of the network a file was written from, and of a walk over every spike and every weight."""

import itertools
from dataclasses import replace

import nir
import numpy as np
import pytest
import torch

from neurorec.basics.counts import LayerCounts
from neurorec.engines.on_nir import NirOptions, flat_graph, promised_options, read_nir, run_nir
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.export import export_network
from neurorec.hardware.pricing.price import estimate_cost, price
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.graph import count_nodes, graph_work, observe_graph, observed_work
from neurorec.hardware.workload.graph.connections import fan_out, synapse_matrix
from tests.engines.made_up_nir import STEPS, chain, full
from tests.hardware.nets import counts_of, make_net, run


def nodes(graph, x, options, signal):
    seen = observe_graph(graph, x, options, signal)
    return count_nodes(seen, observed_work(seen))


def named(operations, names):
    """The same counts with other names of layers, in their order."""
    to = dict(zip(operations.sizes, names, strict=True))
    return replace(
        operations,
        layers=LayerCounts({to[name]: counts for name, counts in operations.layers.items()}),
        stores=tuple(replace(store, layer=to[store.layer]) for store in operations.stores),
        sizes={to[name]: size for name, size in operations.sizes.items()},
        per_step={to[name]: steps for name, steps in operations.per_step.items()},
    )


WRITTEN = list(itertools.product(("lif", "liquid_state"), ("linear", "leaky"), ("spikes", "values")))


@pytest.mark.parametrize(("cell", "readout", "signal"), WRITTEN)
def test_a_file_counts_and_costs_as_the_network_it_was_written_from(cell, readout, signal, tmp_path):
    net = make_net(cell, signal=signal, readout=readout)
    activity, x, _ = run(net)
    export_network(net, tmp_path / "net.nir")
    graph = read_nir(tmp_path / "net.nir")
    work = graph_work(graph, x.numpy(), promised_options(graph.metadata, graph.where))
    wanted, found = counts_of(net, activity), named(count_work(work), ["hidden", "readout"])
    assert found == wanted
    for name, steps in wanted.per_step.items():
        for kind, by_step in vars(steps).items():
            assert np.array_equal(getattr(found.per_step[name], kind), by_step), (name, kind)
    for chip in ("loihi1", "spinnaker1", "cmos_45nm"):
        cost, same = price(work, chip), estimate_cost(net, activity, chip)
        assert (cost.can_run, cost.unpriced) == (same.can_run, same.unpriced)
        for energy, other in ((cost.energy_pJ, same.energy_pJ), (cost.latency_us, same.latency_us)):
            assert (energy is None) == (other is None)
            assert energy is None or energy.value == pytest.approx(other.value, rel=1e-12)
        assert cost.mapping == same.mapping


def test_a_net_without_recurrence_has_no_recurrent_synapses(tmp_path):
    net = make_net("lif")
    net["hidden"].freeze_recurrence()
    activity, x, _ = run(net)
    export_network(net, tmp_path / "net.nir")
    graph = read_nir(tmp_path / "net.nir")
    work = graph_work(graph, x, promised_options(graph.metadata, graph.where), "spikes")
    assert named(count_work(work), ["hidden", "readout"]) == counts_of(net, activity)


def sparse(rng, *shape):
    return (rng.normal(size=shape) * (rng.random(shape) < 0.7)).astype(np.float32)


def conv(rng, channels, size, *, kernel=3, stride=1, padding=0, dilation=1, groups=1):
    weight = sparse(rng, channels[1], channels[0] // groups, kernel, kernel)
    node = nir.Conv2d(size, weight, stride, padding, dilation, groups, np.zeros(channels[1], np.float32))
    node.input_type = {"input": np.array([channels[0], *size])}  # nir 1.0.8 forgets the groups
    return node


def fire(node, threshold=0.4):
    shape = tuple(int(n) for n in node.output_type["output"])
    return nir.IF(r=np.ones(shape), v_threshold=np.full(shape, threshold))


def convolutional(seed=0):
    """Input (2, 7, 6) -> conv, strided and padded -> IF -> sum pool -> dilated conv in groups -> IF -> flat -> linear -> IF."""
    rng = np.random.default_rng(seed)
    first = conv(rng, (2, 4), (7, 6), stride=2, padding=1)
    pool = nir.SumPool2d(np.array([2, 2]), np.array([1, 1]), np.array([0, 0]))
    pool.input_type, pool.output_type = {"input": np.array([4, 4, 3])}, {"output": np.array([4, 3, 2])}
    second = conv(rng, (4, 6), (3, 2), padding=2, dilation=2, groups=2)
    flat = nir.Flatten({"input": second.output_type["output"]}, 0, -1)
    last = nir.Linear(sparse(rng, 3, int(np.prod(second.output_type["output"]))))
    return chain(first, fire(first), pool, second, fire(second), flat, last, nir.IF(full(1, 3), full(0.4, 3)))


def walk_conv(node, at):
    """Synapses that a spike at (channel, row, column) meets, tap by tap and output by output."""
    c, y, x = at
    per = node.weight.shape[0] // node.groups
    (rows, columns), met = node.output_type["output"][1:], 0
    for o, i, a, b in itertools.product(*(range(n) for n in node.weight.shape)):
        if (o // per) * node.weight.shape[1] + i != c or node.weight[o, i, a, b] == 0:
            continue
        for row, column in itertools.product(range(rows), range(columns)):
            met += (
                row * node.stride[0] - node.padding[0] + a * node.dilation[0] == y
                and column * node.stride[1] - node.padding[1] + b * node.dilation[1] == x
            )
    return met


def walk(graph, x, spikes):
    """Synaptic events of the three layers of synapses: every spike walks every window it falls into."""
    nodes = graph.nodes
    events = dict.fromkeys("adg", 0)
    for t, b in itertools.product(range(x.shape[0]), range(x.shape[1])):
        for at in zip(*np.nonzero(x[t, b]), strict=True):
            events["a"] += walk_conv(nodes["a"], at)
        for c, y, z in zip(*np.nonzero(spikes["b"][t, b]), strict=True):
            for top, left in itertools.product(range(3), range(2)):
                if top <= y < top + 2 and left <= z < left + 2:
                    events["d"] += walk_conv(nodes["d"], (c, top, left))
        for unit in np.flatnonzero(spikes["e"][t, b]):
            events["g"] += sum(1 for row in range(3) if nodes["g"].weight[row, unit] != 0)
    return events


@pytest.mark.parametrize("seed", [0, 1])
def test_convolutions_count_as_a_walk_over_every_spike(seed):
    graph = convolutional(seed)
    x = (np.random.default_rng(seed).random((5, 2, 2, 7, 6)) < 0.3).astype(np.float32)
    spikes = {name: s.numpy() for name, s in run_nir(graph, x, STEPS).spikes.items()}
    counted = {node.name: node.counts for node in nodes(graph, x, STEPS, "spikes")}
    assert {name: counted[name].synaptic_events for name in "adg"} == walk(graph, x, spikes)
    assert all(counted[name].synaptic_events > 0 for name in "adg")
    assert {name: counted[name].spikes for name in "beh"} == {name: int(spikes[name].sum()) for name in "beh"}
    assert counted["b"].neuron_updates == 5 * 2 * 4 * 4 * 3


NODES = {
    "strided": {"stride": 2, "padding": 1},
    "dilated": {"dilation": 2},
    "grouped": {"groups": 2},
    "padded": {"padding": 2},
}


@pytest.mark.parametrize("kind", [*NODES, "same", "pool", "linear", "line"])
def test_synapses_one_by_one_are_the_fan_out(kind):
    rng = np.random.default_rng(3)
    if kind == "linear":
        node = nir.Linear(sparse(rng, 4, 5))
    elif kind == "line":
        node = nir.Conv1d(9, sparse(rng, 4, 2, 3), 2, 1, 2, 1, np.zeros(4))
    elif kind == "pool":
        node = nir.AvgPool2d(np.array([3, 2]), np.array([2, 1]), np.array([1, 0]))
        node.input_type, node.output_type = {"input": np.array([4, 7, 6])}, {"output": np.array([4, 4, 5])}
    elif kind == "same":
        node = nir.Conv2d((7, 6), sparse(rng, 4, 2, 3, 3), 1, "same", 2, 1, np.zeros(4))
    else:
        node = conv(rng, (2, 4), (7, 6), **NODES[kind])
    reached = synapse_matrix(node)
    if kind == "pool":  # no weights: what a one at each place adds to all outputs
        x = torch.eye(168).reshape(168, 4, 7, 6)
        out = torch.nn.functional.avg_pool2d(x, (3, 2), (2, 1), (1, 0), divisor_override=1).sum((1, 2, 3))
        assert reached.sum(axis=0).tolist() == out.tolist()
    else:
        assert reached.sum(axis=0).tolist() == fan_out(node).tolist()
    assert reached.sum() > 0


def test_values_cost_a_multiply_accumulate_a_synapse_a_step_and_spikes_do_not():
    weight = np.array([[1.0, 0.0, 2.0], [3.0, 4.0, 0.0]], np.float32)
    graph = chain(nir.Linear(weight), nir.IF(full(1, 2), full(1, 2)))
    x = np.array([[[1.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]])
    by_spikes = count_work(observed_work(observe_graph(graph, x, STEPS, "spikes"))).total
    by_values = count_work(observed_work(observe_graph(graph, x, STEPS, "values"))).total
    assert (by_spikes.synaptic_events, by_spikes.macs, by_spikes.dense_macs) == (2 + 1 + 1, 0, 8)
    assert (by_values.synaptic_events, by_values.macs, by_values.dense_macs) == (0, 8, 8)


def test_an_average_pool_passes_every_spike_on():
    pool = nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    pool.input_type, pool.output_type = {"input": np.array([1, 4, 4])}, {"output": np.array([1, 2, 2])}
    flat = nir.Flatten({"input": pool.output_type["output"]}, 0, -1)
    graph = chain(
        fire_like((1, 4, 4)), pool, flat, nir.Linear(np.ones((3, 4), np.float32)), nir.IF(full(1, 3), full(9, 3))
    )
    x = (np.random.default_rng(0).random((6, 1, 1, 4, 4)) < 0.5).astype(np.float32)
    counted = {node.name: node.counts for node in nodes(graph, x, STEPS, "spikes")}
    assert counted["a"].spikes == x.sum() > 0  # threshold under 1: every spike passes
    assert counted["d"].synaptic_events == 3 * x.sum()


def fire_like(shape):
    return nir.IF(r=np.ones(shape), v_threshold=np.full(shape, 0.5))


def test_a_hidden_layer_without_neurons_sends_values():
    graph = chain(nir.Affine(np.ones((3, 2)), np.zeros(3)), nir.Linear(np.ones((4, 3))))
    work = graph_work(graph, np.zeros((5, 1, 2)), STEPS)
    total = count_work(work).total
    assert (total.synaptic_events, total.macs, total.values_sent) == (0, 5 * 12, 5 * (3 + 4))
    assert [(p.name, p.size) for p in work.populations if p.is_readout] == [("b", 4)]
    assert price(work, "loihi1").why_not == load_chip("loihi1").refusal({"values"})
    assert price(work, "cmos_45nm").can_run


def test_late_layers_and_delays_drop_what_arrives_after_the_end():
    graph = chain(nir.Threshold(full(0.5)), nir.Delay(full(2)), nir.Linear(np.ones((1, 1))), nir.IF(full(1), full(9)))
    x = np.ones((5, 1, 1))
    counted = {node.name: node.counts for node in nodes(graph, x, STEPS, "spikes")}
    assert (counted["a"].spikes, counted["c"].synaptic_events) == (5, 3)
    late = NirOptions(dt_s=1e-3, time_unit="steps", layers_delayed=True)
    counted = {node.name: node.counts for node in nodes(graph, x, late, "spikes")}
    assert counted["c"].synaptic_events == 2


def test_spikes_straight_into_a_neuron_meet_one_synapse_each():
    graph = chain(nir.IF(full(1, 3), full(0.5, 3)), nir.IF(full(1, 3), full(0.5, 3)))
    x = np.array([[[1.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]])
    total = count_work(observed_work(observe_graph(graph, x, STEPS, "spikes"))).total
    assert (total.spikes, total.synaptic_events, total.dense_macs) == (6, 6, 12)


def test_the_convolution_of_the_nir_paper_fits_on_a_chip(data_dir):
    graph = read_nir(data_dir / "nir" / "cnn_sinabs.nir")
    x = (np.random.default_rng(0).random((10, 1, 2, 34, 34)) < 0.03).astype(np.float32)
    options = NirOptions(dt_s=1e-3, time_unit="steps", reset="subtract")
    cost = price(graph_work(graph, x, options), "loihi1")
    assert cost.can_run, cost.why_not
    assert cost.operations.units == 4096 + 4096 + 512 + 256 + 10


def test_nested_flat_graphs_agree():
    inner = chain(nir.Linear(np.ones((2, 2))), nir.IF(full(1, 2), full(0.5, 2)))
    outer = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2])}),
            "inner": nir.NIRGraph(dict(inner.nodes), [("input", "a"), ("a", "b"), ("b", "output")]),
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "inner"), ("inner", "output")],
    )
    x = np.array([[[1.0, 0.0]], [[1.0, 1.0]]])
    one, other = (
        count_work(observed_work(observe_graph(g, x, STEPS, "spikes"))) for g in (inner, flat_graph(outer, "outer"))
    )
    assert one == named(other, one.sizes)
    assert one.total.synaptic_events == 6


def test_a_neuron_that_spikes_several_times_in_a_step_is_active_once():
    graph = chain(
        nir.Linear(np.float32([[1.0], [0.25]])), nir.IF(full(1, 2), full(0.5, 2)), nir.Linear(np.ones((1, 2)))
    )
    x = np.float32([2, 0, 2, 1]).reshape(4, 1, 1)
    work = graph_work(graph, x, NirOptions(dt_s=1.0, reset="subtract", several_spikes=True), "values")
    fast, slow = [4, 0, 4, 2], [0, 0, 2, 0]  # floor of the potential over the threshold, once above it
    counts = count_work(work).layers["b"]
    assert counts.spikes == sum(fast) + sum(slow)
    assert counts.active_neuron_updates == np.count_nonzero(fast) + np.count_nonzero(slow)
    assert counts.idle_neuron_updates == 8 - counts.active_neuron_updates
    assert price(work, "cmos_45nm").energy_pJ is not None
