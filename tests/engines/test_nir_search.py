"""The search for the convention that reproduces a recording: what it finds, and in which order."""

import nir
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.conventions import CONVENTIONS
from neurorec.engines.nir_graph.search import search
from neurorec.engines.on_nir import NirOptions, flat_graph, run_nir
from tests.engines.made_up_nir import chain, full, integrate_and_fire, options

START = NirOptions(dt_s=1e-3)


@pytest.fixture
def graph():
    """Two layers of leaky neurons, of which a step is a third of the time constants."""

    def neurons(n):
        return nir.CubaLIF(
            tau_syn=full(3e-3, n), tau_mem=full(4e-3, n), r=full(1, n), v_leak=full(0, n), v_threshold=full(0.5, n),
            v_reset=full(0, n), w_in=full(3, n),
        )  # fmt: skip

    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(4, 5, generator=generator).numpy()
    return chain(neurons(5), nir.Linear(weight), neurons(4))


@pytest.fixture
def x():
    return 2 * (torch.rand(64, 3, 5, generator=torch.Generator().manual_seed(2)) < 0.3).float()


@pytest.mark.parametrize(
    "hidden",
    [
        {"reset": "subtract_guarded", "output_delayed": True},
        {"integrator": "exponential", "synapse_order": "old"},
        {"layers_delayed": True, "lower_bound": "all", "reset": "zero_next_step"},
    ],
)
def test_the_options_of_a_recording_are_found(graph, x, hidden):
    recording = run_nir(graph, x, NirOptions(dt_s=1e-3, **hidden)).output
    assert recording.sum() > 20
    found = search(graph, x, recording.numpy(), START, {})
    assert found.best.differing == 0
    assert torch.equal(run_nir(graph, x, found.best.options).output, recording)
    assert len(found.best.name.split()) <= len(hidden)  # no convention with more changes than were made
    assert search(graph, x, recording, START, {}) == found  # and the same one every time


def test_a_convention_by_name_comes_before_combinations(graph, x):
    recording = run_nir(graph, x, NirOptions(dt_s=1e-3, **CONVENTIONS["spyx"].changes)).output
    found = search(graph, x, recording, START, {})
    assert (found.best.name, found.best.differing) == ("spyx", 0)
    assert [one.name for one in found.named] == [*CONVENTIONS, "as asked"]
    assert found.tried == len(found.named)


def test_the_best_is_named_if_none_reproduces_it(graph, x):
    recording = run_nir(graph, x, NirOptions(dt_s=1e-3, integrator="exponential", synapse_order="old")).output
    recording[:2] = 7
    found = search(graph, x, recording, START, {})
    assert found.best.differing == 2 * 3 * 4
    assert found.best.name == "integrator=exponential synapse_order=old"
    assert found.tried > 300


def test_options_that_are_given_are_not_varied(graph, x):
    recording = run_nir(graph, x, NirOptions(dt_s=1e-3, integrator="exponential")).output
    found = search(graph, x, recording, START, {"integrator": "euler"})
    assert found.best.differing > 0
    assert all(one.options.integrator == "euler" for one in (*found.named, found.best))


def test_values_are_compared_within_rounding():
    graph = chain(nir.LI(tau=full(3), r=full(1), v_leak=full(0)))
    x = torch.rand(50, 1, generator=torch.Generator().manual_seed(1))
    exact = run_nir(graph, x.double(), options(precision="float64", integrator="exponential")).output
    found = search(graph, x, exact, options(), {})
    assert (found.best.name, found.best.differing) == ("integrator=exponential", 0)


def test_conventions_that_a_graph_excludes_are_passed_over():
    """A threshold of zero, by which several spikes per step cannot be divided."""
    found = search(chain(integrate_and_fire(0.0)), torch.ones(5, 1), torch.ones(5), options(), {})
    assert found.best.differing == 0
    assert {one.name for one in found.named if one.differing > found.entries} == {"sinabs", "rockpool"}


def test_a_recording_of_another_shape_is_refused(graph, x):
    with pytest.raises(InputError) as error:
        search(graph, x, torch.zeros(64, 3), START, {})
    assert str(error.value) == (
        "made up: the recording to compare has shape [64, 3], but the graph's output on this input has [64, 3, 4] (steps, "
        "samples, neurons); record the output of the whole graph for the same input"
    )


def test_loops_of_weights_are_run_only_where_the_file_says_that_they_are_delayed():
    one = nir.Linear(torch.ones(1, 1).numpy())
    half = nir.Linear(torch.full((1, 1), 0.5).numpy())
    nodes = {
        "input": nir.Input({"input": full(1)}),
        "sum": one,
        "back": half,
        "output": nir.Output({"output": full(1)}),
    }
    edges = [("input", "sum"), ("sum", "back"), ("back", "sum"), ("sum", "output")]
    with pytest.raises(InputError, match="contains no neuron and no Delay"):
        flat_graph(nir.NIRGraph(nodes, edges), "made up")
    promise = {"neurorec": {"leaky": "recurrence", "dt_s": 1e-3}}
    graph = flat_graph(nir.NIRGraph(nodes, edges, metadata=promise), "made up")
    run = run_nir(graph, torch.tensor([[1.0], [0.0], [0.0]]), options(recurrent_bias_at_start=False))
    assert run.output.flatten().tolist() == [1.0, 0.5, 0.25]
