"""The examples in docs/own_parts.md work as they stand: from Python, and as a plugin for cards."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from neurorec.analysis.analysis import analyses
from neurorec.basics import plugins
from neurorec.learning.rule import rules
from neurorec.models.cell import cells
from neurorec.tasks.task import tasks
from tests.experiments.test_command_line import call

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "own_parts.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CARDS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with all files of the page; whatever the module registers is forgotten afterwards."""
    shutil.copy(DOCS / "iris.csv", tmp_path)
    (tmp_path / "my_parts.py").write_text("\n\n".join(BLOCKS[:4]))
    for name, card in zip(("my_pair.toml", "my_study.toml", "my_dynamics.toml"), CARDS, strict=True):
        (tmp_path / name).write_text(card)
    for registry in (rules, cells, tasks, analyses):
        monkeypatch.setattr(registry, "_members", dict(registry._members))
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setenv(plugins.NAMES, "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_parts", None)


def test_every_block_runs_and_learns(folder, capsys):
    assert len(BLOCKS) == 7
    scope: dict = {"__name__": "own_parts"}
    with torch.random.fork_rng(devices=[]):
        for block in BLOCKS[4:]:
            exec(block, scope)
    chance = scope["task"].chance_score
    assert chance < 0.4
    assert scope["run"].test_accuracy > 0.85
    assert scope["pushed"].scores["test"] > 0.6
    assert scope["spiking"].test_accuracy > 0.85
    assert scope["own"].test_accuracy > 0.85
    assert scope["run"].network.title == "leaky tanh"
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_its_members_work_in_cards(folder):
    def said(*words):
        done = call(*words, "--plugin", "my_parts")
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split())

    assert said("check", "my_pair.toml") == "my_pair.toml: valid pair"
    assert said("check", "my_study.toml") == "my_study.toml: valid study"
    assert "trained by perturbation on flowers, 80 epochs" in said("show", "my_pair.toml")
    assert "leaky tanh, a cell" in said("show", "leaky_tanh")
    assert "4 frames of 1 value;" in said("show", "flowers")
    shown = said("show", "perturbation")
    assert "learns from errors of the outputs; a weight's change depends on: not declared" in shown
    assert "requires of a chip: not declared messages between parts of one network: not declared" in shown
    assert "gives exponent (1/step): growth rate of small errors" in said("show", "logistic_map")
    assert "1 of 1 bars are met" in said("run", "my_dynamics.toml", "--seeds", 1, "--out", "dynamics", "--jobs", 1)
    said("run", "my_study.toml", "--quick", "--out", "out", "--device", "cpu", "--jobs", 1)
    (run,) = (path for path in (folder / "out" / "done").iterdir() if path.name.startswith("my_pair-rate"))
    assert "cmos_45nm" in said("cost", run)
    assert "cmos_45nm" in said("sweep", run, "precision=8,16,32", "--chip", "cmos_45nm")


def test_cell_and_rule_take_thirty_lines():
    for block, base in ((BLOCKS[1], "nr.Cell"), (BLOCKS[2], "nr.Rule")):
        (text,) = re.findall(rf"(class \w+\({base}\):\n(?:(?: .*)?\n)+)", block)
        assert len([line for line in text.splitlines() if line.strip()]) <= 30
