"""Networks on trees: they are their equation node by node, and recurrent networks on a chain; their work is counted."""

import itertools
from collections import Counter

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.reading_ends import Reading
from neurorec.basics.tree import Tree
from neurorec.engines.activity import as_arrays, from_arrays
from neurorec.engines.engine import engines
from neurorec.hardware.export import exporters
from neurorec.learning.gradient_counts import backward_counts
from neurorec.learning.rule import rules
from neurorec.models.wires import INPUT, Wire
from tests.hardware.nets import counts_of, wired
from tests.nets import on_dyadic_grid

WIRES = (Wire(INPUT, "node"), Wire("node", "node", 1, along="tree"), Wire("node", "readout"))
OVER_TIME = (WIRES[0], Wire("node", "node", 1), WIRES[2])
PARENTS = torch.tensor([[4, 3, 3, 4, -1], [1, 2, -1, -1, -1]]).T  # a leaf beside a subtree; a chain of 3 nodes
NODES = torch.tensor([5, 3])


def net(cell="dense", wires=WIRES):
    return wired({"node": (cell, 6)}, wires, signal="spikes" if "lif" in cell else "values")


def values(T=5, B=2):
    return torch.rand(T, B, 5, generator=torch.Generator().manual_seed(1)).double()


def spikes(k, T=5, B=2):
    x = (torch.rand(T * k, B, 5, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    return x * (torch.arange(T * k)[:, None, None] < (NODES * k)[:, None])


def test_a_tree_of_values_is_its_equation():
    network, x = net().double(), values()
    node, out = network["node"], network["readout"]
    sent, _ = network.run(x, lengths=NODES, structure=Tree(PARENTS))
    for b, count in enumerate(NODES.tolist()):
        h = []
        for f in range(count):
            below = sum((h[c] for c in range(f) if PARENTS[c, b] == f), torch.zeros(6).double())
            h.append(torch.tanh(torch.cat([x[f, b], below]) @ node.w_in.T + node.bias))
            torch.testing.assert_close(sent["node"][f, b], h[f])
            torch.testing.assert_close(sent["readout"][f, b], h[f] @ out.weight.T + out.bias)
    assert not sent["readout"][3:, 1].any()


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_a_node_of_neurons_starts_from_rest_and_hears_what_its_children_sent_step_by_step(engine):
    network, k = on_dyadic_grid(net("lif")), 4
    x = spikes(k)
    sent = engines[engine]().run(network, x, NODES * k, structure=Tree(PARENTS, k)).sent["node"].detach()
    heard = 0.0
    for b, count in enumerate(NODES.tolist()):
        for f in range(count):
            state = network["node"].initial_state(1)
            for s in range(k):
                below = sum((sent[c * k + s, b] for c in range(f) if PARENTS[c, b] == f), torch.zeros(6))
                z, state = network["node"].step(state, torch.cat([x[f * k + s, b], below])[None])
                assert torch.equal(sent[f * k + s, b], z[0])
                heard += float(below.sum())
    assert heard > 0


@pytest.mark.parametrize("lengths", [None, torch.tensor([5, 2])])
def test_on_a_chain_it_is_the_recurrent_network_in_outputs_and_gradients(lengths):
    on_tree, over_time, x = net().double(), net(wires=OVER_TIME).double(), values()
    found = []
    for network in (on_tree, over_time):
        y = network(x, lengths)
        y.square().sum().backward()
        found.append((y, [weight.grad for weight in network.parameters()]))
    torch.testing.assert_close(*found)


def test_a_sample_is_the_same_beside_others():
    network, x = net().double(), values()
    together, _ = network.run(x, lengths=NODES, structure=Tree(PARENTS))
    for b, count in enumerate(NODES.tolist()):
        alone, _ = network.run(x[:count, b : b + 1], structure=Tree(PARENTS[:count, b : b + 1]))
        torch.testing.assert_close(alone["readout"][:, 0], together["readout"][:count, b])


def test_frozen_wires_along_the_tree_bring_nothing():
    network, x = net().double(), values()
    network.freeze_recurrence()
    sent, _ = network.run(x, structure=Tree(PARENTS))
    leaves, _ = network.run(x, structure=Tree(torch.full_like(PARENTS, -1)))
    assert network.recurrent_wires == (WIRES[1],)
    torch.testing.assert_close(sent["readout"], leaves["readout"])


@pytest.mark.parametrize("cell", ["dense", "lif", "feedforward_lif"])
def test_counts_equal_brute_force(cell):
    k = 1 if cell == "dense" else 4
    network, tree = net(cell), Tree(PARENTS, k)
    x = values().float() if cell == "dense" else spikes(k)
    seen = engines["torch"]().run(network, x, NODES * k, structure=tree)
    operations = counts_of(network, seen.activity)
    walked, back = walk(network, x, seen.sent["node"].detach(), k)
    counted, each = operations.layers["node"], network["node"].operations().elementwise
    assert {name: getattr(counted, name) for name in walked} == walked
    assert counted.synaptic_events > 0 or cell == "dense"
    backward = backward_counts(network, operations.forward())["node"]
    assert backward.weight_reads == back
    assert operations.forward().over(2, operations.layers)["node"] == counted
    again = from_arrays(as_arrays(seen.activity))
    assert counts_of(network, again).layers == operations.layers
    events = operations.per_step["node"].events
    assert events.sum() == counted.synaptic_events
    assert counted.elementwise - 8 * k * each == (6 * 2 if cell == "dense" else 0)  # two nodes have a second child


def walk(network, x, sent, k):
    """Every node, step, line and synapse; and the synapses through which errors return."""
    cell, counted, back = network["node"], Counter(), 0
    own = getattr(cell, "w_rec", None) is not None
    for b, count in enumerate(NODES.tolist()):
        for f, s in itertools.product(range(count), range(k)):
            children = [c for c in range(f) if PARENTS[c, b] == f]
            back += 6 * 6 * bool(children) + 6 * 6 * (own and s > 0)
            lines = [float(v) for v in x[f * k + s, b]]
            if network.input_signal == "values":
                counted.update(macs=(5 + 6) * 6, weight_reads=(5 + 6) * 6, activation_reads=5 + 6, values_sent=6)
                continue
            arriving = [*lines, *(float(v) for c in children for v in sent[c * k + s, b])]
            arriving += [float(v) for v in sent[f * k + s - 1, b]] if own and s > 0 else []
            heard = sum(value == 1.0 for value in arriving)
            counted.update(synaptic_events=6 * heard, weight_reads=6 * heard, address_reads=heard)
            counted.update(spikes=int(sent[f * k + s, b].sum()), neuron_updates=6)
    return dict(counted), back


def test_what_follows_time_refuses_trees():
    network = net("lif")
    assert rules["bptt"].why_not(network) is None
    assert "runs on trees" in rules["eprop"].why_not(network)
    with pytest.raises(CannotRun, match=r"ridge readout cannot train .*runs on trees, from the leaves to the root"):
        rules["ridge"].check(network)
    assert "has a delay" in exporters["nir"]().why_not(network)
    with pytest.raises(InputError, match="runs on trees, from the leaves to the root, and has no next step; use run"):
        network.step(network.initial_state(1), torch.zeros(1, 5))
    with pytest.raises(
        InputError, match="every node starts from the initial state, so give neither `state` nor `forced`"
    ):
        network.run(values(), network.initial_state(2))


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        (PARENTS[:4], r"integers \[F, B\] = \[5, 2\], one per node \(got torch.int64 \[4, 2\]\)"),
        (PARENTS.double(), r"one per node \(got torch.float64 \[5, 2\]\)"),
        (torch.full((5, 2), 1), "the parent of node 1 of sample 0 is 1, but parents come after their children: give a node "
         "from 2 to 4, or -1 for a root"),
        (torch.full((5, 2), 5), "the parent of node 0 of sample 0 is 5"),
    ],
)  # fmt: skip
def test_wrong_parents_are_refused(parents, message):
    with pytest.raises(InputError, match=message):
        net().double().run(values(), structure=Tree(parents))


def test_structures_of_another_kind_are_refused():
    with pytest.raises(InputError, match=r"runs on trees, so give a Tree \(got Reading\)"):
        net().double().run(values(), structure=Reading(torch.tensor([1, 1])))
    with pytest.raises(InputError, match=r"runs step by step, so give no structure \(got Tree\)"):
        net(wires=OVER_TIME).double().run(values(), structure=Tree(PARENTS))


def test_wires_that_cannot_follow_a_tree_are_refused():
    with pytest.raises(InputError, match="follows trees or reading, not both; remove its wires along one of them"):
        net(wires=(*WIRES[:2], Wire("node", "readout", along="reading")))
    with pytest.raises(InputError, match=r'"tree" with delay 1, .* \(got "tree", delay 0\)'):
        net(wires=(WIRES[0], Wire("node", "readout", along="tree")))
    with pytest.raises(
        InputError, match="wire input -> node: a wire along a tree brings what layers sent, not their input"
    ):
        net(wires=(Wire(INPUT, "node", 1, along="tree"), WIRES[2]))
