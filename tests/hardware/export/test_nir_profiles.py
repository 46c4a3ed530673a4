"""Files for one reader each: the whole network runs there as here, or the profile says why it cannot."""

import dataclasses

import nir
import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.nir_graph.conventions import CONVENTIONS
from neurorec.engines.on_nir import NirOptions, promised_options, read_nir, run_nir
from neurorec.hardware.export import export_network, exporters
from neurorec.hardware.export.nir_profiles import PROFILES, NirProfile
from neurorec.hardware.export.verify import verify_nir
from neurorec.models.wires import INPUT, Wire
from tests.hardware.export.made_up_networks import build, spikes_in
from tests.hardware.nets import wired

X = spikes_in()


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def stepped(module):
    state, outputs, caches = None, [], []
    for x_t in X:
        y, state = module(x_t, state)
        outputs.append(y)
        caches.append(getattr(state, "cache", {}))
    return torch.stack(outputs), caches


def in_norse(path):
    """Norse's output [T, B, O], and the spikes of every layer, of the file as it is."""
    from norse.torch import from_nir
    from norse.torch.functional.reset import reset_subtract, reset_value

    graph = nir.read(path)
    promised = graph.metadata["neurorec"]
    rule = reset_subtract if promised["reset"] == "subtract" else reset_value
    output, caches = stepped(from_nir(graph, ignore_warnings=True, dt=float(promised["dt_s"]), reset_method=rule))
    neurons = [name for name in graph.nodes if name.endswith(".lif")]
    return output, {name: torch.stack([cache[name.replace(".", "_")] for cache in caches]) for name in neurons}


def chain(*names):
    """Layers heard in the order of their names, declared in the order given."""
    heard = [INPUT, *sorted(names)]
    wires = [Wire(a, b) for a, b in zip(heard, [*heard[1:], "readout"], strict=True)]
    return wired({name: ("lif", 7 + len(name)) for name in names}, tuple(wires))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "network",
    [
        build(readout="linear"),
        build("liquid_state", readout="linear"),
        build(readout="leaky"),
        build(readout="leaky", reset="subtract"),
        chain("first", "second"),
        chain("second", "first"),
    ],
    ids=["linear", "liquid state", "leaky", "subtract", "two layers", "declared backwards"],
)
def test_norse_runs_the_whole_network(tmp_path, network):
    path = tmp_path / "net.nir"
    export_network(network, path, profile="norse")
    output, spikes = in_norse(path)
    sent, _ = network.run(X)
    for name in network.hidden:
        assert sent[name].sum() > 100
        assert int((spikes[f"{name}.lif"] != sent[name]).sum()) == 0
    assert float((output - sent["readout"]).abs().max()) < 1e-5
    graph = read_nir(path)
    assert torch.equal(
        output, run_nir(graph, X, promised_options(graph.metadata, "f")).output
    )  # the same sums, step by step
    assert verify_nir(network, path, X).exact


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_norse_returns_the_readout_of_plain_files(tmp_path):
    """nirtorch returns the node that it met last, so the order of the edges decides."""
    network, path = chain("second", "first"), tmp_path / "net.nir"
    export_network(network, path)
    graph = read_nir(path)
    assert torch.equal(in_norse(path)[0], run_nir(graph, X, promised_options(graph.metadata, "f")).output)
    edges = [tuple(edge) for edge in nir.read(path).edges]
    for name in network.hidden:
        assert edges.index((f"{name}.lif", f"{name}.w_rec")) < min(
            place
            for place, (source, target) in enumerate(edges)
            if source == f"{name}.lif" and target != f"{name}.w_rec"
        )


@pytest.mark.parametrize("readout", ["linear", "leaky"])
def test_snntorch_runs_the_whole_network(tmp_path, readout):
    pytest.importorskip("snntorch", reason="snntorch is not installed")
    import contextlib
    import io

    from snntorch.import_nir import import_from_nir

    path = tmp_path / "net.nir"
    network = build(readout=readout)
    export_network(network, path, profile="snntorch")
    with contextlib.redirect_stdout(io.StringIO()):
        output, _ = stepped(import_from_nir(nir.read(path)))
    ours = run_nir(read_nir(path), X, NirOptions(dt_s=1e-4))
    assert ours.spikes["hidden.lif"].sum() > 100
    assert torch.equal(output, ours.output)
    assert verify_nir(network, path, X).exact


@pytest.mark.parametrize("readout", ["linear", "leaky"])
def test_spyx_spikes_one_step_later(tmp_path, readout):
    """Spyx 1.0.0 has the same spikes (measured by benchmarks.nir_peers); here by its convention."""
    network, path = build(readout=readout, reset="subtract"), tmp_path / "net.nir"
    export_network(network, path, profile="spyx")
    spyx = NirOptions(dt_s=1e-3, time_unit="steps", **CONVENTIONS["spyx"].changes)
    spikes = run_nir(read_nir(path), X, spyx).spikes["hidden.lif"]
    sent, _ = network.run(X)
    assert sent["hidden"].sum() > 100
    assert torch.equal(spikes[1:], sent["hidden"][:-1])
    kinds = {type(node).__name__ for node in nir.read(path).nodes.values()}
    assert kinds == {"Input", "Output", "Linear", "Affine", "CubaLIF"}


@pytest.mark.parametrize("readout", ["linear", "leaky"])
@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_verified_or_refuses(tmp_path, name, readout):
    network, path = build(readout=readout, reset="subtract" if name == "spyx" else "zero"), tmp_path / "net.nir"
    export_network(network, path, profile=name)
    verdict = verify_nir(network, path, X)
    assert verdict.exact
    assert verdict.spikes["hidden.lif"] > 100
    assert verdict.readout_difference < 1e-5


def test_a_leaky_readout_that_is_left_out_is_the_weighted_sum(tmp_path):
    network, path = build(readout="leaky"), tmp_path / "net.nir"
    export_network(network, path, leaky="left_out")
    sent, _ = network.run(X)
    expected = torch.nn.functional.linear(sent["hidden"], network["readout"].weight, network["readout"].bias)
    graph = read_nir(path)
    output = run_nir(graph, X, promised_options(graph.metadata, "f")).output
    assert float((output - expected).abs().max()) < 1e-5
    assert float((output - sent["readout"]).abs().max()) > 0.1


@pytest.mark.parametrize("gain", ["unit_resistance", "unit_jump"])
def test_a_reset_that_subtracts_is_written_as_a_promise(tmp_path, gain):
    network, path = build(reset="subtract"), tmp_path / "net.nir"
    export_network(network, path, gain=gain)
    assert nir.read(path).metadata["neurorec"]["reset"] == "subtract"
    verdict = verify_nir(network, path, X)
    assert verdict.exact
    zero = verify_nir(network, path, X, dataclasses.replace(NirOptions(dt_s=1e-3), reset="zero"))
    assert zero.mismatches["hidden.lif"] > 10


def refused(network, path, **how):
    with pytest.raises(CannotRun) as error:
        export_network(network, path, **how)
    assert not path.exists()
    return str(error.value)


CLOSEST = "; use another profile, or train the network as such"


def test_what_a_reader_would_run_differently_is_refused(tmp_path):
    path = tmp_path / "net.nir"
    assert refused(build(v_leak=0.1), path, profile="norse") == (
        'NIR profile for norse: Norse 1.1.0 ignores v_reset and applies v_leak to the synapse too, but layer "hidden" has '
        f"v_reset 0 and v_leak 0.1, not 0 and 0{CLOSEST}"
    )
    assert refused(build(reset="subtract"), path, profile="snntorch") == (
        'NIR profile for snntorch: snnTorch 1.0.0 imports all neurons with reset "zero", v_reset 0 and v_leak 0, but layer '
        f'"hidden" has reset "subtract", v_reset 0 and v_leak 0{CLOSEST}'
    )
    assert refused(build(), path, profile="spyx") == (
        'NIR profile for spyx: Spyx 1.0.0 imports all neurons with reset "subtract" and v_leak 0, but layer "hidden" has reset '
        f'"zero" and v_leak 0{CLOSEST}'
    )
    assert refused(build(), path, profile=NirProfile(reader="norse")) == (
        'NIR profile for norse: norse runs no LI node; use leaky "left_out"'
    )


def test_a_reader_of_chains_is_not_given_two_inputs(tmp_path):
    wires = (Wire(INPUT, "a"), Wire(INPUT, "b"), Wire("a", "b"), Wire("b", "readout"))
    network = wired({"a": ("lif", 5), "b": ("lif", 6)}, wires)
    assert refused(network, tmp_path / "net.nir", profile="norse") == (
        'NIR profile for norse: Norse 1.1.0 (nirtorch 2.6) runs a chain of layers in the right order, but layer "b" receives '
        f"input from input, a{CLOSEST}"
    )


def test_resets_that_no_simulation_has_are_refused(tmp_path):
    path = tmp_path / "net.nir"
    assert refused(build(reset="subtract", v_reset=-0.2), path) == (
        "NIR cannot hold recurrent LIF: its spikes subtract v_threshold - v_reset, with v_reset -0.2, but simulators of NIR "
        "subtract the threshold; the closest export is the same network with v_reset = 0, trained as such"
    )
    network = chain("first", "second")
    network["second"].card = network["second"].card.model_copy(update={"reset": "subtract"})
    assert refused(network, path).endswith(
        "its layers have the resets subtract and zero, but a NIR simulation has one; give all the same"
    )


def test_an_unknown_profile_is_named_with_the_known(tmp_path):
    with pytest.raises(InputError) as error:
        export_network(build(), tmp_path / "net.nir", profile="nors")
    assert str(error.value) == (
        'NIR: there is no profile "nors" (did you mean "norse"?); known: plain, legacy, norse, snntorch, spyx'
    )
    with pytest.raises(InputError, match=r"give a profile or its options \(gain\), not both"):
        export_network(build(), tmp_path / "net.nir", profile="norse", gain="unit_jump")
    assert exporters["nir"]().profile_named("plain") == NirProfile()
