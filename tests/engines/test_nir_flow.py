"""How a NIR graph is put in order: sums, inner graphs, loops, and what is refused."""

import nir
import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import flat_graph, run_nir
from tests.engines.made_up_nir import STEPS, chain, close, column, full, integrate_and_fire, recurrent, run_column


def test_edges_into_one_node_are_summed():
    ends = nir.Input({"input": np.array([1])}), nir.Output({"output": np.array([1])})
    nodes = {"input": ends[0], "twice": nir.Scale(full(2)), "thrice": nir.Scale(full(3)), "output": ends[1]}
    edges = [("input", "twice"), ("input", "thrice"), ("twice", "output"), ("thrice", "output"), ("input", "output")]
    close(run_column(flat_graph(nir.NIRGraph(nodes, edges), "made up"), [1.0, 2.0], STEPS).output, [6, 12])


def test_an_inner_graph_runs_like_the_flat_one():
    inner = {
        "input": nir.Input({"input": np.array([1])}),
        "lif": integrate_and_fire(0.5),
        "w": nir.Affine(np.array([[-0.5]]), full(0.25)),
        "output": nir.Output({"output": np.array([1])}),
    }
    inner_graph = nir.NIRGraph(inner, [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")])
    ends = {"input": nir.Input({"input": np.array([1])}), "output": nir.Output({"output": np.array([1])})}
    outer = nir.NIRGraph({**ends, "rnn": inner_graph}, [("input", "rnn"), ("rnn", "output")], type_check=False)
    graph = flat_graph(outer, "made up")
    values = [0.3, 0.9, 0.0, 0.4, 0.0, 0.1]
    run = run_column(graph, values, STEPS)
    close(run.spikes["rnn.lif"], column(run_column(recurrent(-0.5, 0.25), values, STEPS).output))
    assert 0 < run.output.sum() < len(values)


def test_two_loops_of_neurons_are_cut_once_each():
    """a -> b -> a: the edge that closes the loop, b -> a, carries the spikes of the step before."""
    nodes = {
        "input": nir.Input({"input": np.array([1])}),
        "a": integrate_and_fire(0.5),
        "b": integrate_and_fire(0.5),
        "output": nir.Output({"output": np.array([1])}),
    }
    graph = flat_graph(nir.NIRGraph(nodes, [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")]), "made up")
    assert graph.arrivals["a"] == (("input", False), ("b", True))
    assert graph.arrivals["b"] == (("a", False),)
    close(run_column(graph, [1.0, 0.0, 0.0], STEPS).output, [1, 1, 1])


def test_a_loop_without_a_neuron_is_refused():
    ends = nir.Input({"input": np.array([1])}), nir.Output({"output": np.array([1])})
    nodes = {"input": ends[0], "p": nir.Scale(full(2)), "q": nir.Scale(full(3)), "output": ends[1]}
    edges = [("input", "p"), ("p", "q"), ("q", "p"), ("q", "output")]
    with pytest.raises(InputError) as error:
        flat_graph(nir.NIRGraph(nodes, edges), "made up")
    text = str(error.value)
    assert text.startswith("made up: the loop ")
    assert '"p" -> "q"' in text
    assert text.endswith("contains no neuron and no Delay; add one")


def _two_parts(second):
    """Input -> a -> Output, and neuron "alone" <-> weight "w", which may drive the Output (`second`)."""
    nodes = {
        "input": nir.Input({"input": np.array([1])}),
        "a": integrate_and_fire(),
        "alone": integrate_and_fire(0.5),
        "w": nir.Affine(np.array([[-1.0]]), full(1)),
        "output": nir.Output({"output": np.array([1])}),
    }
    return nir.NIRGraph(nodes, [("input", "a"), ("a", "output"), ("alone", "w"), ("w", "alone"), *second])


def test_neurons_that_the_input_does_not_reach_run():
    """ "alone" is driven by the bias of "w": it spikes, inhibits itself, and spikes again two steps later."""
    graph = flat_graph(_two_parts([("alone", "output")]), "made up")
    assert graph.apart == {"alone", "w"}
    run = run_column(graph, [0.0, 2.0, 0.0, 2.0], STEPS)
    close(run.spikes["alone"], [1, 0, 1, 0])
    close(run.output, [1, 1, 1, 1])
    apart = run_column(flat_graph(_two_parts([]), "made up"), [0.0, 2.0, 0.0, 2.0], STEPS)
    close(apart.output, [0, 1, 0, 1])


def test_an_input_that_drives_no_output_is_refused():
    graph = _two_parts([("alone", "output")])
    graph.edges.remove(("a", "output"))
    with pytest.raises(InputError) as error:
        flat_graph(
            nir.NIRGraph({**graph.nodes, "x": nir.Scale(full(1))}, [*graph.edges, ("a", "x"), ("x", "a")]), "made up"
        )
    assert str(error.value) == 'made up: no path leads from the Input to an Output ("output"); connect them'


def test_names_stay_unique_when_inner_graphs_are_opened():
    """An outer node "sub.lin" (weight 0.1) beside node "lin" (weight 5) of an inner graph "sub": the sum is 5.1."""

    def graph(nodes, edges):
        ends = {"input": nir.Input({"input": np.array([1])}), "output": nir.Output({"output": np.array([1])})}
        return nir.NIRGraph({**ends, **nodes}, edges, type_check=False)

    inner = graph({"lin": nir.Linear(np.array([[5.0]]))}, [("input", "lin"), ("lin", "output")])
    nodes = {"sub": inner, "sub.lin": nir.Linear(np.array([[0.1]]))}
    edges = [("input", "sub"), ("sub", "output"), ("input", "sub.lin"), ("sub.lin", "output")]
    flat = flat_graph(graph(nodes, edges), "made up")
    close(run_column(flat, [1.0], STEPS).output, [5.1])
    assert {"sub.lin", "sub.lin_2"} <= set(flat.nodes)


def test_two_inputs_are_refused():
    nodes = {name: nir.Input({"input": np.array([1])}) for name in ("left", "right")}
    nodes |= {"a": integrate_and_fire(), "output": nir.Output({"output": np.array([1])})}
    with pytest.raises(InputError) as error:
        flat_graph(nir.NIRGraph(nodes, [("left", "a"), ("right", "a"), ("a", "output")]), "made up")
    assert str(error.value) == (
        "made up: the graph has 2 Input nodes ['left', 'right']; this interpreter needs exactly one"
    )


def test_an_unknown_node_is_refused_by_name():
    class Izhikevich(nir.IF):
        pass

    with pytest.raises(InputError) as error:
        chain(Izhikevich(r=full(1), v_threshold=full(1)))
    assert str(error.value).startswith(
        'made up: node "a" is a Izhikevich, which this interpreter cannot run; it runs: Affine, AvgPool2d, Conv1d'
    )


def test_input_of_the_wrong_width_names_both_shapes():
    with pytest.raises(InputError) as error:
        run_nir(chain(integrate_and_fire(n=3)), torch.zeros(5, 2, 4), STEPS)
    assert str(error.value) == (
        'made up: the input has shape (5, 2, 4), but its node "input" takes [3] per step; give [T, B, 3] with at '
        "least one time step T"
    )


def test_an_input_without_a_batch_is_a_batch_of_one():
    graph = chain(integrate_and_fire(n=3))
    x = torch.rand(6, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(run_nir(graph, x, STEPS).output, run_nir(graph, x[:, None], STEPS).output)
