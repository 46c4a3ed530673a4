"""`neurorec cost FILE.nir --input RECORDING` on the command line."""

import nir
import numpy as np
import pytest
from typer.testing import CliRunner

from neurorec.cli import app
from neurorec.engines.on_nir import options_from_text

FILE = nir.NIRGraph(
    {
        "input": nir.Input({"input": np.array([2])}),
        "w": nir.Linear(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])),
        "lif": nir.IF(r=np.full(3, 1e3), v_threshold=np.full(3, 0.5)),
        "output": nir.Output({"output": np.array([3])}),
    },
    [("input", "w"), ("w", "lif"), ("lif", "output")],
)


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nir.write("net.nir", FILE)
    np.save("x.npy", np.array([[[1, 0], [1, 1]], [[0, 1], [0, 0]]]))


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["cost", *arguments])
    return f"{result.exception}" if result.exception else result.output


def test_counts_of_one_inference_and_the_price_are_printed(there):
    text = said("net.nir", "--input", "x.npy", "--nir", "dt_s=1e-3", "--chip", "loihi1")
    assert "net: one inference of 2 steps of 1 ms, mean over 2 samples" in " ".join(text.split())
    assert "per-term prices, energy of one inference" in " ".join(text.split())
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["w"])
    assert row == [
        "w",
        "Linear",
        "spikes",
        "3",
        "2",
        "5",
        "–",
        "–",
        "–",
    ]  # 4 spikes meet 3, 3, 2, 2 synapses, of 2 samples


def test_a_wrong_question_is_refused_by_text(there):
    for arguments, text in (
        (["net.nir"], "net.nir: the cost of a network depends on its spikes, so give its input: --input RECORDING.npy"),
        (
            ["net.nir", "--input", "x.npy"],
            "this file was not written by neurorec and does not state how to step it",
        ),
        (["net.nir", "--input", "x.npy", "--nir", "dt_s=1e-3", "--training"], "--training needs a finished run"),
        (
            ["net.nir", "--input", "x.npy", "--nir", "dt_s=1e-3", "--batch", "0"],
            "--batch 0: must be at least 1",
        ),
        (
            ["net.nir", "--input", "x.npy", "--nir", "rset=zero"],
            'NIR option "rset=zero" is not known (did you mean "reset"?)',
        ),
        (["net.nir", "--input", "x.npy", "--nir", "dt_s=1ms"], 'dt_s must be a positive number of seconds (got "1ms")'),
        (
            ["net.nir", "--input", "x.npy", "--nir", "output_delayed=1"],
            'output_delayed must be true or false (got "1")',
        ),
    ):
        assert text in said(*arguments), arguments


def test_what_is_left_open_is_what_the_file_promises():
    promised = {"neurorec": {"dt_s": 2e-3, "reset": "zero", "gain": "unit_jump"}}
    found = options_from_text(["reset=subtract", "several_spikes=True"], promised, "f")
    assert (found.dt_s, found.reset, found.several_spikes) == (2e-3, "subtract", True)
