"""Conventions of other simulators by name: their equations written out, their options, and recordings of them."""

import math

import nir
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.conventions import CONVENTIONS
from neurorec.engines.nir_graph.search import search
from neurorec.engines.on_nir import NirOptions, options_from_text, read_nir, run_nir
from tests.engines.made_up_nir import chain, close, full, integrate_and_fire, options, run_column


@pytest.mark.parametrize("arithmetic", ["increment", "decay"])
def test_decay_by_an_exponential_with_the_gain_of_euler(arithmetic):
    graph = chain(nir.LI(tau=full(2), r=full(3), v_leak=full(0.5)))
    run = run_column(graph, [1.0, 0.0], options(integrator="exponential_decay", arithmetic=arithmetic))
    keep, gain = math.exp(-0.5), 0.5
    first = 0.5 + gain * 3  # v starts at v_leak
    close(run.output, [first, keep * first + (1 - keep) * 0.5])


def test_the_synapse_decays_alike():
    graph = chain(nir.CubaLI(tau_syn=full(2), tau_mem=full(1), r=full(1), v_leak=full(0), w_in=full(1)))
    run = run_column(graph, [1.0, 0.0], options(integrator="exponential_decay"))
    close(run.output, [0.5, math.exp(-1) * 0.5 + math.exp(-0.5) * 0.5])


@pytest.mark.parametrize(("bound", "potentials"), [("none", [-3, -1]), ("if", [-1, 1]), ("all", [-1, 1])])
def test_potentials_of_if_nodes_stop_at_the_lower_bound(bound, potentials):
    run = run_column(chain(integrate_and_fire()), [-3.0, 2.0], options(lower_bound=bound), record_potentials=True)
    close(run.potentials["a"], potentials)


@pytest.mark.parametrize(("bound", "potential"), [("none", -3), ("if", -3), ("all", -1)])
def test_only_the_bound_of_all_holds_for_leaky_neurons(bound, potential):
    graph = chain(nir.LIF(tau=full(1), r=full(1), v_leak=full(0), v_threshold=full(1), v_reset=full(0)))
    run = run_column(graph, [-3.0], options(lower_bound=bound), record_potentials=True)
    close(run.potentials["a"], [potential])


@pytest.mark.parametrize(("gain", "expected"), [("dt", [0.2]), ("one", [2])])
def test_what_the_input_of_an_integrator_is_multiplied_by(gain, expected):
    close(run_column(chain(nir.I(r=full(2))), [1.0], NirOptions(dt_s=0.1, if_gain=gain)).output, expected)


def test_sinabs_equations_of_a_convolutional_network(data_dir):
    """v >= -threshold after the reset, floor(v / threshold) spikes: as in Sinabs 3.1.3, without which they differ."""
    graph = read_nir(data_dir / "nir" / "cnn_sinabs.nir")
    x = (torch.rand(30, 2, 2, 34, 34, generator=torch.Generator().manual_seed(4)) < 0.1).float()
    w = {name: torch.tensor(node.weight) for name, node in graph.nodes.items() if hasattr(node, "weight")}
    layers = [
        lambda a: F.conv2d(a, w["0"], stride=2, padding=1),
        lambda a: F.conv2d(a, w["2"], padding=1),
        lambda a: F.conv2d(4 * F.avg_pool2d(a, 2), w["5"], padding=1),
        lambda a: (4 * F.avg_pool2d(a, 2)).reshape(len(a), -1) @ w["9"].T,
        lambda a: a @ w["11"].T,
    ]
    v, expected = [0.0] * len(layers), []
    for x_t in x:
        for k, layer in enumerate(layers):
            u = v[k] + layer(x_t)
            x_t = (u > 0) * torch.trunc(u)
            v[k] = F.relu(u - x_t + 1) - 1
        expected.append(x_t)
    like = options_from_text(["like=sinabs", "dt_s=1e-3"], {}, "f")
    assert torch.stack(expected).sum() > 100
    assert int((run_nir(graph, x, like).output != torch.stack(expected)).sum()) == 0
    without = options_from_text(["like=sinabs", "dt_s=1e-3", "lower_bound=none"], {}, "f")
    assert int((run_nir(graph, x, without).output != torch.stack(expected)).sum()) > 50


def test_rockpools_equations_of_a_leaky_neuron(data_dir):
    """vmem *= exp(-dt/tau); vmem += input (weighted by dt/tau); floor(vmem / threshold) spikes, each subtracts."""
    graph = read_nir(data_dir / "nir" / "lif_norse.nir")
    neuron, weight = graph.nodes["1"], graph.nodes["0"]
    tau, theta = float(neuron.tau[0]), torch.tensor(neuron.v_threshold, dtype=torch.float32)
    alpha, gain = torch.tensor(math.exp(-1e-4 / tau)), torch.tensor(1e-4 / tau * float(neuron.r[0]))
    x = 3 * torch.rand(500, 1, 1, generator=torch.Generator().manual_seed(4))
    v, expected = torch.zeros(1), []
    for x_t in x:
        drive = F.linear(x_t, torch.tensor(weight.weight), torch.tensor(weight.bias))
        v = alpha * v + gain * drive
        z = (v >= theta) * torch.floor(v / theta)
        v = v - z * theta
        expected.append(z)
    found = run_nir(graph, x, options_from_text(["like=rockpool", "dt_s=1e-4"], {}, "f")).output
    assert torch.stack(expected).sum() > 50
    assert int((found != torch.stack(expected)).sum()) == 0


def test_every_recording_of_a_single_neuron_is_reproduced(data_dir):
    """All recordings of the NIR paper's first experiment that are at hand, 1,000 steps each; 0 entries may differ."""
    graph, recordings = read_nir(data_dir / "nir" / "lif_norse.nir"), data_dir / "nir" / "recordings"
    x = np.loadtxt(recordings / "lif_norse.csv", delimiter=",")[:, :1]  # all platforms were given the same input
    differing = {}
    for path in sorted(recordings.glob("lif_*.csv")):
        spikes = np.loadtxt(path, delimiter=",")[:, -1]
        differing[path.stem] = search(graph, x, spikes, NirOptions(dt_s=1e-4), {}).best.differing
    assert {"lif_norse", "lif_exact"} <= set(differing)
    assert differing == dict.fromkeys(differing, 0)


def test_a_convention_gives_way_to_options_by_name_and_comes_before_the_file():
    promised = {"neurorec": {"dt_s": 1e-3, "reset": "subtract", "time_unit": "ms"}}
    found = options_from_text(["reset=zero_next_step", "several_spikes=false", "like=sinabs"], promised, "f")
    assert found == NirOptions(
        dt_s=1e-3, time_unit="ms", integrator="exponential_decay", reset="zero_next_step", lower_bound="if",
        arithmetic="decay", if_gain="one",
    )  # fmt: skip
    assert options_from_text(["like=norse"], promised, "f").reset == "zero"
    assert options_from_text(["like=lava"], {}, "f").dt_s == 1e-4


def test_every_convention_states_its_source_and_valid_options():
    for name, one in CONVENTIONS.items():
        assert name in one.source
        assert NirOptions(**{"dt_s": 1e-3, **one.options})


def test_an_unknown_simulator_is_named_with_the_known():
    with pytest.raises(InputError) as error:
        options_from_text(["like=snntorc"], {}, "f")
    known = "norse, snntorch, spyx, sinabs, rockpool, lava"
    assert str(error.value) == f'NIR option like="snntorc" is not known (did you mean "snntorch"?); known: {known}'
