"""Norse and snnTorch reading files that neurorec wrote: figures are reported whatever they are, and explained here."""

import importlib.metadata
import json
from dataclasses import replace

import nir
import pytest
import torch

from benchmarks import nir_peers
from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import NirOptions, flat_graph, run_nir
from neurorec.hardware.export import export_network
from neurorec.hardware.export.nir_profiles import SNNTORCH, NirProfile
from neurorec.hardware.export.peers import compare_norse, compare_snntorch, recurrent_layer
from neurorec.models.cells.lif import LIF, LIFCard
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire

CARD = {
    "dt_ms": 1.0,
    "tau_mem_ms": 10.0,
    "tau_syn_ms": 5.0,
    "v_threshold": 0.9,
    "v_leak": 0.0,
    "v_reset": 0.0,
    "reset": "zero",
    "learn_time_constants": False,
    "surrogate": "superspike",
    "slope": 10.0,
    "input_gain": 3.0,
    "recurrent_gain": 1.5,
}


@pytest.fixture
def x():
    return (torch.rand(40, 6, 5, generator=torch.Generator().manual_seed(1)) < 0.3).float()


@pytest.fixture
def written(tmp_path):
    def write(profile=None, H=17, frozen=False, **changes):
        cell = LIF(LIFCard(name="lif", size=H, **{**CARD, **changes}), 5)
        cell.reset_parameters(torch.Generator().manual_seed(0))
        if frozen:
            cell.freeze_recurrence()
        path = tmp_path / "net.nir"
        layers = {"hidden": cell, "readout": LinearReadout(ReadoutCard(name="linear"), H, 2)}
        wires = (Wire(INPUT, "hidden"), Wire("hidden", "readout"))
        export_network(Network(layers, wires, "spikes", 5), path, profile=profile)
        return path

    return write


@pytest.mark.parametrize("H", [1, 17])
@pytest.mark.parametrize("unit", ["s", "ms", "steps"])
def test_norse_sends_the_same_spikes(written, x, unit, H):
    verdict = compare_norse(written(NirProfile(time_unit=unit), H), x)
    assert verdict.differing == 0, str(verdict)
    assert verdict.spikes == verdict.peer_spikes > 0
    assert verdict.entries == 40 * 6 * H


def test_peers_are_compared_under_the_options_given(written, x):
    verdict = compare_norse(written(), x, NirOptions(dt_s=1e-3, reset="subtract"))
    assert verdict.differing


def test_norse_does_not_know_another_reset(written, x):
    """Norse 1.1.0 reads v_reset as 0, whatever the file says."""
    verdict = compare_norse(written(v_reset=-0.5), x)
    assert verdict.differing is not None
    assert verdict.differing > 0
    assert str(verdict) == (
        f"norse {importlib.metadata.version('norse')}: {verdict.differing} of 4,080 entries differ "
        f"({verdict.peer_spikes} spikes compared with {verdict.spikes})"
    )


def test_snntorch_refuses_the_plain_profile(written, x):
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    verdict = compare_snntorch(written(), x)
    version = importlib.metadata.version("snntorch")
    assert verdict.differing is None
    assert str(verdict) == f"snntorch {version}: could not read the file: AssertionError: r not supported in CubaLIF"


def test_snntorch_sends_the_same_spikes_without_recurrence(written, x):
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    verdict = compare_snntorch(written(SNNTORCH, frozen=True), x)
    assert verdict.differing == 0, str(verdict)
    assert verdict.spikes > 100


def test_snntorch_sends_the_same_spikes_with_recurrence_through_an_identity(written, x):
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    verdict = compare_snntorch(written(SNNTORCH), x)
    assert verdict.differing == 0, str(verdict)
    assert verdict.spikes > 100


def test_snntorch_agrees_to_the_last_bit_in_its_own_arithmetic(written):
    """270 samples of 128 neurons: enough for a rounding to meet a threshold now and then."""
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    path = written(SNNTORCH, H=128, frozen=True, input_gain=1.5)
    options = NirOptions(dt_s=1e-4, arithmetic="decay")
    for seed in range(3):
        x = (torch.rand(48, 270, 5, generator=torch.Generator().manual_seed(seed)) < 0.3).float()
        assert compare_snntorch(path, x, options).differing == 0
        near = compare_snntorch(path, x).differing
        assert near is not None
        assert near < 20


def test_snntorch_wires_the_input_through_the_recurrent_weights(written, x):
    """Its importer makes of W x + R z the product R (W x + z): our interpreter, given that graph, sends its spikes."""
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    path = written(replace(SNNTORCH, recurrence="direct"))
    verdict = compare_snntorch(path, x)
    graph = recurrent_layer(path, "hidden.lif")
    edges = [edge for edge in graph.edges if edge != ("w_in", "hidden.lif")] + [("w_in", "hidden.w_rec")]
    rewired = run_nir(flat_graph(nir.NIRGraph(graph.nodes, edges), "rewired"), x, NirOptions(dt_s=1e-4))
    assert verdict.differing
    assert verdict.peer_spikes == int(rewired.output.sum())


def test_an_absent_peer_is_named(written, x, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    path = written()
    monkeypatch.setattr(importlib.metadata, "version", absent)
    verdict = compare_norse(path, x)
    assert verdict.differing is None
    assert str(verdict) == "norse: not installed (pip install norse)"


def test_a_peer_that_sends_something_else_is_reported(written, x, monkeypatch):
    import norse.torch

    monkeypatch.setattr(norse.torch, "from_nir", lambda graph, **options: lambda x_t, state: (x_t, state))
    assert "ran the file, but sent [40, 6, 5] instead of spikes" in str(compare_norse(written(), x))


def test_foreign_files_are_not_compared(data_dir):
    with pytest.raises(InputError, match="this file was not written by neurorec"):
        compare_norse(data_dir / "nir" / "lif_norse.nir", torch.zeros(3, 1, 1))


def test_the_table_of_peers_says_how_far_they_are_apart():
    ours = torch.zeros(4, 2, 3)
    ours[1, 0] = 1
    other = ours.clone()
    other[2, 1, 1] = 1
    late = torch.cat([torch.zeros(1, 2, 3), ours[:-1]])
    assert nir_peers.compared(ours, ours, "spikes") == "0 of 24 (3 spikes)"
    assert nir_peers.compared(other, ours, "spikes") == "1 of 24 (3 spikes)"
    assert nir_peers.compared(late, ours, "spikes") == "0 of 18 (3 spikes), one step later"
    assert nir_peers.compared(ours + 0.25, ours, "output") == "0.25"
    assert nir_peers.compared(ours[..., :2], ours, "spikes") == "sends [4, 2, 2] instead of [4, 2, 3]"


def test_refusals_of_peers_are_rows_and_the_page_holds_the_stored_table():
    stored = json.loads(nir_peers.RESULTS.read_text())
    assert nir_peers.table(stored) in nir_peers.PAGE.read_text()
    row = {"tool": "x", "version": "1", "file": "f", "spikes": "Error: a|b\n c", "output": ""}
    assert "| x 1 |  | f | Error: a\\|b c |  |\n" in nir_peers.table(stored | {"rows": [row]})
    assert {row["tool"] for row in stored["rows"]} == set(nir_peers.PACKAGES)
