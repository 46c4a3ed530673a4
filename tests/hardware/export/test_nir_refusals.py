"""What NIR export refuses, with the reason and the closest thing that can be exported."""

import dataclasses

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.hardware.export import export_network, exporters
from neurorec.hardware.export.nir_profiles import NirProfile
from neurorec.models.cell import cells
from neurorec.models.readout import LeakyCard
from tests.hardware.export.made_up_networks import build, roundtrip, spikes_in

RATE = (
    "its units send values through nonlinearities (tanh, gates, winner-take-all), for which NIR has no node; "
    "the closest export is a spiking network of the same size"
)
LEARNS = "its thresholds change with its spikes while it learns, but standard NIR has constant thresholds and no learning rule"
CONSTANT = "the closest export is a network of LIF neurons with constant thresholds, trained as such"
REASONS = {
    "gaussian_code": "NIR has no random units",
    "liquid_column": "its synapses change with the spikes of their source, for which NIR has no node",
    "adaptive_lif": f"its threshold changes with its spikes, but all thresholds in standard NIR are constant; {CONSTANT}",
    "competitive_lif": f"{LEARNS}; {CONSTANT}",
    "recurrent_competitive_lif": f"{LEARNS}; {CONSTANT}",
    "izhikevich": f"its membrane is quadratic, for which NIR has no node; {CONSTANT}",
    "leaky_integrator": "its units send potentials, and only spiking layers can be written; the closest export is a "
    'spiking layer with the readout "leaky", whose integrators are NIR\'s LI',
}


@pytest.mark.parametrize("name", list(cells))
def test_every_cell_is_exported_and_exact_or_refused_with_a_reason(tmp_path, name):
    network, path = build(name, readout="linear"), tmp_path / "net.nir"
    if exporters["nir"]().why_not(network) is None:
        assert roundtrip(network, spikes_in(), path).exact
    else:
        with pytest.raises(CannotRun) as error:
            export_network(network, path)
        assert str(error.value) == f"NIR cannot hold {network['hidden'].title}: {REASONS.get(name, RATE)}"
        assert not path.exists()


def test_legacy_refuses_a_reset_that_it_cannot_say(tmp_path):
    with pytest.raises(CannotRun) as error:
        export_network(build(v_reset=-0.2), tmp_path / "net.nir", profile=NirProfile(nir_version="legacy-1.0.4"))
    assert str(error.value) == (
        "NIR profile legacy-1.0.4 has no v_reset and resets to 0, but this network resets to -0.2; "
        'use nir_version "1.0.8"'
    )


def test_a_readout_with_another_clock_is_refused(tmp_path):
    network = build(dt_ms=0.5)
    network["readout"].card = LeakyCard(name="leaky", tau_ms=20.0, dt_ms=1.0)
    with pytest.raises(CannotRun) as error:
        export_network(network, tmp_path / "net.nir")
    assert str(error.value) == (
        "NIR cannot hold recurrent LIF: its readout has a step of 1 ms and its neurons of 0.5 ms, but a NIR simulation has "
        "one clock; give both the same dt_ms"
    )


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(CannotRun) as error:
        export_network(torch.nn.Linear(2, 2), tmp_path / "net.nir")  # type: ignore[arg-type]
    assert str(error.value) == (
        "NIR cannot hold Linear: only networks of layers and wires can be written; export each layer as a network"
    )


def test_a_refusal_comes_before_any_look_at_the_folder(tmp_path):
    with pytest.raises(CannotRun, match="NIR cannot hold adaptive LIF"):
        export_network(build("adaptive_lif"), tmp_path / "no" / "net.nir")


def test_an_unknown_readout_is_refused(tmp_path):
    network = build(readout="linear")

    class Softmax(type(network["readout"])):
        pass

    network["readout"].__class__ = Softmax
    with pytest.raises(CannotRun) as error:
        export_network(network, tmp_path / "net.nir")
    assert str(error.value) == (
        'NIR cannot hold recurrent LIF: a readout of type Softmax has no NIR node; use the readout "linear" or "leaky"'
    )


def test_subclasses_are_not_taken_for_their_parent(tmp_path):
    network = build()

    class Refractory(type(network["hidden"])):
        title = "refractory LIF"

    network["hidden"].__class__ = Refractory
    with pytest.raises(CannotRun, match="NIR cannot hold refractory LIF: its step is not that of NIR's CubaLIF; "):
        export_network(network, tmp_path / "net.nir")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"time_unit": "us"}, 'NIR profile: time_unit "us" is not known (did you mean "s"?); known: s, ms, steps'),
        ({"nir_version": "2"}, 'NIR profile: nir_version "2" is not known; known: 1.0.8, legacy-1.0.4'),
        ({"gain": "unity"}, 'NIR profile: gain "unity" is not known'),
        ({"dt_s": -1.0}, "NIR profile: dt_s must be a positive number of seconds (got -1.0)"),
    ],
)
def test_wrong_profiles_say_what_is_known(wrong, text):
    with pytest.raises(InputError) as error:
        dataclasses.replace(NirProfile(), **wrong)
    assert str(error.value).startswith(text)


def test_unknown_format_names_the_known():
    with pytest.raises(InputError, match='exporter "nri" is not known \\(did you mean "nir"\\?\\); known: '):
        export_network(build(), "net.nri", to="nri")


def test_folders_that_cannot_be_written_to(tmp_path):
    missing = tmp_path / "no" / "net.nir"
    with pytest.raises(InputError) as error:
        export_network(build(), missing)
    assert str(error.value) == f"{missing}: the folder {missing.parent} does not exist; create it first"
    with pytest.raises(InputError) as error:
        export_network(build(), tmp_path)
    assert str(error.value) == f"{tmp_path}: this is a folder; give the name of a file in it"


def test_a_refused_write_says_so_and_leaves_nothing(tmp_path, monkeypatch):
    def refused(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refused)
    with pytest.raises(InputError) as error:
        export_network(build(), tmp_path / "net.nir")
    assert str(error.value) == (
        f"{tmp_path / 'net.nir'}: cannot be written ([Errno 13] Permission denied); choose a writable folder"
    )
    assert list(tmp_path.iterdir()) == []
