"""Numbers, names and questions on the command line that no one means: one message, exit code 2."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neurorec.basics.errors import InputError, Stopped
from neurorec.cli import app
from neurorec.experiments.kind import Asked
from neurorec.experiments.runner import Interrupted
from neurorec.experiments.workloads import read_work
from neurorec.report import studies
from neurorec.report.communication.shared_training import refuse_half_asked
from neurorec.report.placing import print_placing
from neurorec.report.sweeping import print_sweep
from tests.experiments.tiny import write_study

NETWORK = Path(__file__).parents[2] / "docs/networks/scaling_1_spiking.toml"


def test_square_brackets_in_a_question_are_printed_as_they_are(tmp_path, monkeypatch, capsys):
    card = write_study(tmp_path)
    card.write_text(re.sub(r"question = .*", 'question = "why [/] and [bold]?"', card.read_text()))

    def stopped(*_):
        raise Interrupted(0, 1)

    monkeypatch.setattr(studies, "run_kind", stopped)
    with pytest.raises(Stopped):
        studies.run_asked(Asked(str(card), out=tmp_path / "out"))
    assert "why [/] and [bold]?" in capsys.readouterr().out


def test_dollars_in_the_name_of_a_network_are_no_formula(tmp_path, capsys):
    path = tmp_path / r"a$\frac$.toml"
    shutil.copy(NETWORK, path)
    asked = read_work(path)
    print_sweep(lambda: asked, ["loihi1"], "sparsity=0,0.5", tmp_path / "sweep.svg")
    print_placing(asked, ["loihi1"], tmp_path / "places.svg")
    for name in ("sweep.svg", "places.svg"):
        assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "backprop_vs_stdp", "--seeds", "1000001"], "Invalid value for '--seeds'"),
        (["run", "backprop_vs_stdp", "--jobs", "99999999999"], "Invalid value for '--jobs'"),
        (["cost", str(NETWORK), "--batch", str(10**30)], "Invalid value for '--batch'"),
    ],
)
def test_numbers_far_too_large_are_refused_at_once(arguments, said):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_more_workers_than_there_are_devices_are_refused():
    with pytest.raises(InputError, match="--workers 99999999999: at most 1,000,000 can share a training"):
        refuse_half_asked(True, 99_999_999_999, ["nvlink4"])
