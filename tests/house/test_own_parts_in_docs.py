"""The worked examples in docs/own_parts.md run as they stand, one after the other."""

import re
import shutil
from pathlib import Path

import torch

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "own_parts.md").read_text(), re.DOTALL)


def test_every_block_runs_and_learns(tmp_path, monkeypatch, capsys):
    assert len(BLOCKS) == 4
    shutil.copy(DOCS / "iris.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    scope: dict = {"__name__": "own_parts"}
    with torch.random.fork_rng(devices=[]):
        for block in BLOCKS:
            exec(block, scope)
    chance = scope["flowers"].chance_score
    assert chance < 0.4
    assert scope["run"].test_accuracy > 0.85
    assert scope["pushed"].scores["test"] > 0.6
    assert scope["own"].test_accuracy > 0.85
    assert scope["run"].network.title == "leaky tanh"
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_cell_and_rule_take_thirty_lines():
    for block, base in ((BLOCKS[1], "nr.Cell"), (BLOCKS[2], "nr.Rule")):
        (text,) = re.findall(rf"(class \w+\({base}\):\n(?:(?: .*)?\n)+)", block)
        assert len([line for line in text.splitlines() if line.strip()]) <= 30
