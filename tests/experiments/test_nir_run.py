"""`neurorec nir run`: a file on recorded input, and the convention that reproduces a recording."""

from itertools import pairwise

import nir
import numpy as np
import pytest
import torch

from neurorec.engines.on_nir import NirOptions, read_nir, run_nir
from tests.experiments.test_command_line import call, refused


@pytest.fixture
def given(tmp_path):
    """A file of a layer of leaky neurons, and its input."""
    generator = torch.Generator().manual_seed(1)

    def each(value):
        return np.full(4, value)

    neurons = nir.LIF(tau=each(5e-3), r=each(6.0), v_leak=each(0.0), v_threshold=each(0.9), v_reset=each(0.0))
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "weights": nir.Linear(torch.randn(4, 3, generator=generator).numpy()),
        "neurons": neurons,
        "output": nir.Output({"output": np.array([4])}),
    }
    names = list(nodes)
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, list(pairwise(names))))
    np.save(tmp_path / "x.npy", torch.rand(50, 2, 3, generator=generator).numpy())
    return tmp_path


def record(folder, **options):
    x = np.load(folder / "x.npy")
    output = run_nir(read_nir(folder / "net.nir"), x, NirOptions(dt_s=1e-3, **options)).output.numpy()
    np.save(folder / "theirs.npy", output)
    return output


def run(folder, *words):
    return "nir", "run", folder / "net.nir", "--input", folder / "x.npy", *words


def test_a_file_is_run_and_its_output_saved(given):
    spikes = record(given, reset="subtract")
    done = call(*run(given, "--nir", "dt_s=1e-3", "--nir", "reset=subtract", "--out", given / "y.npy"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"neurons: {int(spikes.sum())} spikes in 400 entries",
        "output: output of shape [50, 2, 4] (steps, samples, ...)",
        f"output saved: {given / 'y.npy'}",
    ]
    assert np.array_equal(np.load(given / "y.npy"), spikes)


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ({}, "reproduced by --nir like=norse: 0 of 400 entries differ (so do: snntorch, lava, as asked)"),
        (
            {"reset": "subtract", "several_spikes": True, "arithmetic": "decay", "integrator": "exponential_decay"},
            "reproduced by --nir like=sinabs: 0 of 400 entries differ (so do: rockpool)",
        ),
        (
            {"integrator": "exponential", "output_delayed": True},
            "reproduced by --nir integrator=exponential --nir output_delayed=True: 0 of 400 entries differ",
        ),
    ],
)
def test_the_convention_of_a_recording_is_named(given, hidden, said):
    assert record(given, **hidden).sum() > 20
    done = call(*run(given, "--nir", "dt_s=1e-3", "--compare", given / "theirs.npy"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == f"{given / 'theirs.npy'}: 400 entries; entries that differ:"
    assert [line.split()[0] for line in lines[3:9]] == ["norse", "snntorch", "spyx", "sinabs", "rockpool", "lava"]
    assert lines[-1] == said


def test_a_recording_that_no_convention_reproduces_says_so(given):
    recording = record(given)
    recording[3] = 1 - recording[3]
    np.save(given / "theirs.npy", recording)
    first, second = (
        call(*run(given, "--nir", "dt_s=1e-3", "--compare", given / "theirs.npy")).stdout for _ in range(2)
    )
    assert first == second
    assert first.splitlines()[-1].startswith("none of the 175 conventions tried reproduces it; the best is ")
    assert first.splitlines()[-1].endswith(": 8 of 400 entries differ (dt_s and time_unit were not varied)")


def test_what_cannot_be_run_is_refused_with_one_message(given):
    assert refused(*run(given, "--nir", "like=snntorc", "--nir", "dt_s=1e-3")).startswith(
        'NIR option like="snntorc" is not known (did you mean "snntorch"?); known: norse, '
    )
    assert "give at least the length of a step (on the command line: --nir dt_s=1e-3" in refused(*run(given))
    settings = ("--nir", "dt_s=1e-3")
    assert f"{given / 'no.npy'}: there is no such recording" in refused(
        *run(given, *settings, "--compare", given / "no.npy")
    )
    np.save(given / "theirs.npy", np.zeros((50, 4)))
    assert "the recording to compare has shape [50, 4], but" in refused(
        *run(given, *settings, "--compare", given / "theirs.npy")
    )
    assert f"{given}: cannot be written (" in refused(*run(given, *settings, "--out", given))
