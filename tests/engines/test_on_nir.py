"""The NIR interpreter on files: damaged ones, and ones that others wrote, against recordings and plain torch."""

import h5py
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import NirOptions, read_nir, run_nir


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError) as error:
        read_nir(tmp_path / "no.nir")
    assert str(error.value) == f"{tmp_path / 'no.nir'}: there is no such file; give the path of a .nir file"


@pytest.mark.parametrize("content", [b"", b"this is text, not HDF5"])
def test_a_file_that_is_not_hdf5(tmp_path, content):
    path = tmp_path / "text.nir"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"text\.nir: this is not a NIR file, or a damaged one \(NIR files are HDF5\): "
    ):
        read_nir(path)


def test_a_file_cut_short(tmp_path, data_dir):
    path = tmp_path / "half.nir"
    whole = (data_dir / "nir" / "lif_norse.nir").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.nir: this is not a NIR file, or a damaged one"):
        read_nir(path)


def test_hdf5_without_a_graph(tmp_path):
    path = tmp_path / "other.nir"
    with h5py.File(path, "w") as file:
        file["measurements"] = [1, 2, 3]
    with pytest.raises(InputError) as error:
        read_nir(path)
    assert str(error.value) == (
        f'{path}: this HDF5 file has no group "node", so it holds no NIR graph; write it with nir.write'
    )


def test_an_output_shape_with_extra_axes_of_size_one(data_dir):
    """The paper's lif_rockpool.nir: LIF [1] -> Output [1, 1, 1]. `nir` reads it with type_check=False only."""
    run = run_nir(read_nir(data_dir / "nir" / "lif_rockpool.nir"), torch.ones(100, 1), NirOptions(dt_s=1e-4))
    assert run.output.shape == (100, 1, 1)
    assert torch.equal(run.output, run.spikes["1_LIFNeuronTorch"])
    assert 0 < run.output.sum() < 100


def test_shapes_that_a_file_leaves_open_follow_from_the_graph(data_dir, tmp_path):
    """Old CNN files have no input_shape and no input_type, and count axes for Flatten with the batch."""
    path = tmp_path / "old.nir"
    path.write_bytes((data_dir / "nir" / "cnn_sinabs.nir").read_bytes())
    with h5py.File(path, "r+") as file:
        for node in file["node/nodes"].values():
            for name in ("input_shape", "input_type"):
                node.pop(name, None)
        file["node/nodes/8/start_dim"][...] = 1
    x = (torch.rand(6, 1, 2, 34, 34, generator=torch.Generator().manual_seed(4)) < 0.2).float()
    options = NirOptions(dt_s=1e-3, time_unit="steps", reset="subtract")
    old, new = (run_nir(read_nir(one), x, options).output for one in (path, data_dir / "nir" / "cnn_sinabs.nir"))
    assert new.sum() > 0
    assert torch.equal(old, new)


@pytest.mark.parametrize(
    ("recording", "integrator", "potential_tolerance"),
    [("lif_norse", "euler", 1e-8), ("lif_exact", "exponential", None)],
)
def test_recordings_of_lif_norse(data_dir, recording, integrator, potential_tolerance):
    """A file we did not write, against what others recorded. The exact recording resets inside a step, so only its
    spikes are comparable."""
    x, v, z = np.loadtxt(data_dir / "nir" / "recordings" / f"{recording}.csv", delimiter=",").T
    graph = read_nir(data_dir / "nir" / "lif_norse.nir")
    opts = NirOptions(dt_s=1e-4, integrator=integrator)
    run = run_nir(graph, x[:, None], opts, record_potentials=True)
    assert z.sum() == 4
    assert int((run.output[:, 0, 0].numpy() != z).sum()) == 0
    if potential_tolerance:
        np.testing.assert_allclose(run.potentials["1"][:, 0, 0].numpy(), v, rtol=0, atol=potential_tolerance)


def _braille_layer(drive, w_rec, node, reset):
    """snnTorch's RSynaptic written out, with its own operation order: mem = beta mem + syn."""
    alpha, beta = 1 - 1e-4 / float(node.tau_syn[0]), 1 - 1e-4 / float(node.tau_mem[0])
    syn = mem = spk = torch.zeros_like(drive[0])
    spikes = []
    for drive_t in drive:
        above = (mem > 1).float()
        syn = alpha * syn + drive_t + spk @ w_rec.T
        mem = beta * mem + syn
        if reset in ("subtract_guarded", "subtract_next_step"):
            mem = mem - above
        spk = (mem > 1).float()
        if reset == "subtract_guarded":
            mem = mem - (spk - above)
        elif reset == "subtract":
            mem = mem - spk
        elif reset == "zero":
            mem = mem * (1 - spk)
        spikes.append(spk)
    return torch.stack(spikes)


@pytest.mark.parametrize("reset", ["zero", "subtract", "subtract_guarded", "subtract_next_step"])
def test_braille_agrees_with_snntorchs_equations(data_dir, reset):
    graph = read_nir(data_dir / "nir" / "braille_noDelay_noBias_subtract.nir")
    x = (torch.rand(256, 20, 12, generator=torch.Generator().manual_seed(2)) < 0.2).float()
    fc1, w_rec, fc2 = (torch.tensor(graph.nodes[name].weight) for name in ("fc1", "lif1.w_rec", "fc2"))
    first = _braille_layer(x @ fc1.T, w_rec, graph.nodes["lif1.lif"], reset)
    second = _braille_layer(first @ fc2.T, torch.zeros(7, 7), graph.nodes["lif2"], reset)
    run = run_nir(graph, x, NirOptions(dt_s=1e-4, reset=reset))
    assert first.sum() > 500
    assert int((run.spikes["lif1.lif"] != first).sum()) == 0
    assert int((run.output != second).sum()) == 0


def test_cnn_agrees_with_torch_modules(data_dir):
    graph = read_nir(data_dir / "nir" / "cnn_sinabs.nir")
    x = (torch.rand(6, 2, 2, 34, 34, generator=torch.Generator().manual_seed(4)) < 0.2).float()
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
            x_t = (u > 1).float()
            v[k] = u - x_t
        expected.append(x_t)
    output = run_nir(graph, x, NirOptions(dt_s=1e-3, time_unit="steps", reset="subtract")).output
    assert torch.stack(expected).sum() > 0
    assert int((output != torch.stack(expected)).sum()) == 0
