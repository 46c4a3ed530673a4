"""NIR export: what is written runs as the network did, spike for spike, and says what it should."""

from types import SimpleNamespace

import h5py
import nir
import numpy as np
import pytest
import torch

import neurorec as nr
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.on_nir import NirOptions, promised_options, read_nir
from neurorec.hardware.export import export_network
from neurorec.hardware.export.nir_profiles import SNNTORCH, NirProfile
from neurorec.hardware.export.verify import verify_nir
from neurorec.models.wires import INPUT, Wire
from tests.hardware.export.made_up_networks import EXPORTED, build, roundtrip, spikes_in
from tests.hardware.nets import wired
from tests.nets import on_dyadic_grid


@pytest.mark.parametrize("readout", ["linear", "leaky"])
@pytest.mark.parametrize("name", EXPORTED)
def test_roundtrip(tmp_path, name, readout):
    network = build(name, readout=readout)
    verdict = roundtrip(network, spikes_in(), tmp_path / "net.nir")
    assert verdict.spikes["hidden.lif"] > 100
    assert verdict.mismatches == {"hidden.lif": 0}
    assert verdict.exact
    assert verdict.readout_difference < 1e-5


@pytest.mark.parametrize(
    ("T", "B", "inputs", "size", "outputs"), [(1, 1, 1, 1, 1), (7, 1, 1, 3, 1), (1, 5, 4, 1, 2), (33, 3, 7, 31, 11)]
)
@pytest.mark.parametrize("name", EXPORTED)
def test_roundtrip_of_odd_sizes(tmp_path, name, T, B, inputs, size, outputs):
    network = build(name, size, inputs, outputs, input_gain=20.0)
    verdict = roundtrip(network, 1 - spikes_in(T, B, inputs), tmp_path / "net.nir")
    assert verdict.exact
    assert verdict.entries == {"hidden.lif": T * B * size}
    assert verdict.readout_difference < 1e-5


def test_roundtrip_at_the_size_of_a_test_set(tmp_path):
    """Half a million entries and more: a single rounding in another order shows up here."""
    for seed in range(3):
        network = build("lif", 128, 12, 9, seed=seed, tau_mem_ms=13.7, v_threshold=1.0)
        verdict = roundtrip(network, spikes_in(48, 270, 12, seed), tmp_path / "net.nir")
        assert verdict.spikes["hidden.lif"] > 10_000
        assert verdict.mismatches == {"hidden.lif": 0}


@pytest.mark.parametrize(
    "changes",
    [
        {"v_leak": 0.3, "v_reset": -0.2},
        {"dt_ms": 0.7, "tau_mem_ms": 13.7, "tau_syn_ms": 3.3},
        {"v_threshold": -0.1, "v_leak": -0.5, "v_reset": -0.7},
    ],
)
def test_roundtrip_of_other_constants(tmp_path, changes):
    verdict = roundtrip(build(**changes), spikes_in(), tmp_path / "net.nir")
    assert verdict.spikes["hidden.lif"] > 50
    assert verdict.exact
    assert verdict.readout_difference < 1e-5


@pytest.mark.parametrize("unit", ["s", "ms", "steps"])
@pytest.mark.parametrize("version", ["1.0.8", "legacy-1.0.4"])
def test_roundtrip_of_profiles(tmp_path, unit, version):
    profile = NirProfile(nir_version=version, time_unit=unit)
    assert roundtrip(build(), spikes_in(), tmp_path / "net.nir", profile).exact


def test_roundtrip_of_snntorchs_spelling(tmp_path):
    verdict = roundtrip(build(), spikes_in(), tmp_path / "net.nir", SNNTORCH)
    assert verdict.spikes["hidden.lif"] > 100
    assert verdict.exact  # true of these weights; scaled potentials round differently, so it is no law


def test_verify_sees_a_wrong_file(tmp_path):
    network, other, x = build(), build(v_threshold=0.8), spikes_in()
    export_network(other, tmp_path / "other.nir")
    verdict = verify_nir(network, tmp_path / "other.nir", x)
    hidden = [net["hidden"](x)[0] for net in (network, other)]
    assert verdict.mismatches["hidden.lif"] == int((hidden[0] != hidden[1]).sum()) > 0
    assert not verdict.exact
    assert str(verdict).startswith(f"hidden.lif: {verdict.mismatches['hidden.lif']:,} of 4,080 entries differ (")


def test_file_holds_the_documented_graph(tmp_path):
    network = build(size=4, dt_ms=0.5)
    export_network(network, tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir")
    assert {name: type(node).__name__ for name, node in graph.nodes.items()} == {
        "input": "Input",
        "w_in": "Linear",
        "hidden.lif": "CubaLIF",
        "hidden.w_rec": "Linear",
        "readout": "Affine",
        "leaky": "LI",
        "output": "Output",
    }
    assert ("hidden.lif", "hidden.w_rec") in graph.edges
    assert ("hidden.w_rec", "hidden.lif") in graph.edges
    neurons = graph.nodes["hidden.lif"]
    for field, value in {"tau_mem": 0.01, "tau_syn": 0.005, "r": 1, "w_in": 10, "v_threshold": 0.9}.items():
        np.testing.assert_allclose(getattr(neurons, field), np.full(4, value), rtol=1e-12)
    np.testing.assert_allclose(graph.nodes["leaky"].tau, np.full(3, 0.02), rtol=1e-12)
    assert np.array_equal(graph.nodes["hidden.w_rec"].weight, network["hidden"].w_rec.detach().numpy())


@pytest.mark.parametrize(("unit", "tau"), [("s", 0.01), ("ms", 10.0), ("steps", 20.0)])
def test_time_constants_are_in_the_stated_unit(tmp_path, unit, tau):
    export_network(build(dt_ms=0.5), tmp_path / "net.nir", profile=NirProfile(time_unit=unit))
    np.testing.assert_allclose(nir.read(tmp_path / "net.nir").nodes["hidden.lif"].tau_mem, tau, rtol=1e-12)


def test_snntorchs_spelling_keeps_tau_over_dt(tmp_path):
    export_network(build(), tmp_path / "net.nir", profile=SNNTORCH)
    neurons = nir.read(tmp_path / "net.nir").nodes["hidden.lif"]
    np.testing.assert_allclose(neurons.tau_mem, 1e-3, rtol=1e-12)  # 10 steps of 1e-4 s
    np.testing.assert_allclose(neurons.r, 10, rtol=1e-12)
    np.testing.assert_allclose(neurons.v_threshold, 9, rtol=1e-12)


def test_frozen_recurrence_writes_no_recurrent_edge(tmp_path):
    network = build()
    network["hidden"].freeze_recurrence()
    assert roundtrip(network, spikes_in(), tmp_path / "net.nir").exact
    assert "hidden.w_rec" not in nir.read(tmp_path / "net.nir").nodes


def test_legacy_file_leaves_v_reset_out(tmp_path):
    for version, there in (("1.0.8", True), ("legacy-1.0.4", False)):
        export_network(build(), tmp_path / "net.nir", profile=NirProfile(nir_version=version))
        with h5py.File(tmp_path / "net.nir") as file:
            assert ("v_reset" in file["node/nodes/hidden.lif"]) == there


def test_metadata_says_how_the_file_is_to_be_stepped(tmp_path):
    profile = NirProfile(time_unit="ms")
    network = build(dt_ms=0.5)
    export_network(network, tmp_path / "net.nir", profile=profile)
    graph = read_nir(tmp_path / "net.nir")
    assert promised_options(graph.metadata, graph.where) == NirOptions(dt_s=5e-4, time_unit="ms")
    assert graph.metadata["neurorec"]["reset"] == "zero"


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("one.nir", "two.nir"):
        export_network(build(), tmp_path / name)
    assert (tmp_path / "one.nir").read_bytes() == (tmp_path / "two.nir").read_bytes()


@pytest.mark.parametrize("gain", ["unit_resistance", "unit_jump"])
def test_learned_time_constants_are_written_one_a_neuron(tmp_path, gain):
    network, path = build(learn_time_constants=True), tmp_path / "net.nir"
    with torch.no_grad():
        network["hidden"].tau_mem.logit += torch.linspace(-1, 1, 17)
        network["hidden"].tau_syn.logit -= torch.linspace(-1, 1, 17)
    verdict = roundtrip(network, spikes_in(), path, profile=NirProfile(gain=gain))
    assert verdict.spikes["hidden.lif"] > 50
    assert gain == "unit_jump" or verdict.exact
    neurons = nir.read(path).nodes["hidden.lif"]
    assert np.allclose(neurons.tau_mem * 1e3, network["hidden"].tau_mem.ms, rtol=1e-12)
    assert np.ptp(neurons.tau_mem) > 0.01


def stacked(carries="as sent"):
    """Two spiking layers; the second hears the input too."""
    layers = {"first": ("lif", 9), "second": ("lif", 7)}
    wires = (
        Wire(INPUT, "first"),
        Wire(INPUT, "second"),
        Wire("first", "second", carries=carries),
        Wire("second", "readout"),
    )
    return on_dyadic_grid(wired(layers, wires))


def test_a_network_of_several_layers_comes_back_spike_for_spike(tmp_path):
    network = stacked()
    export_network(network, tmp_path / "net.nir")
    verdict = verify_nir(network, tmp_path / "net.nir", spikes_in())
    assert verdict.exact, str(verdict)
    assert set(verdict.spikes) == {"first.lif", "second.lif"}
    assert all(verdict.spikes.values())
    assert verdict.readout_difference < 1e-5
    edges = {tuple(edge) for edge in nir.read(tmp_path / "net.nir").edges}
    assert {("input", "input.to.second"), ("first.lif", "first.to.second"), ("second.lif", "second.w_rec")} <= edges


def test_a_wire_that_changes_what_it_carries_is_refused(tmp_path):
    with pytest.raises(CannotRun, match="wire first -> second has a delay or applies a function"):
        export_network(stacked("sigmoid"), tmp_path / "net.nir")


def test_what_the_format_leaves_open_is_given_by_name(tmp_path):
    network = build()
    export_network(network, tmp_path / "net.nir", time_unit="ms", nir_version="legacy-1.0.4")
    assert nir.read(tmp_path / "net.nir").metadata["neurorec"]["time_unit"] == "ms"
    with pytest.raises(
        InputError, match=r'NIR: a profile has no "timeunit" \(did you mean "time_unit"\?\); known: nir_version'
    ):
        export_network(network, tmp_path / "net.nir", timeunit="ms")


def test_a_run_is_exported_with_a_profile(tmp_path):
    run = SimpleNamespace(network=build())
    assert nr.export(run, "nir", tmp_path / "net.nir", time_unit="steps") == tmp_path / "net.nir"
    assert nir.read(tmp_path / "net.nir").metadata["neurorec"]["time_unit"] == "steps"
