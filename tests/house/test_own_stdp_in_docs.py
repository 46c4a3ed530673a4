"""The example in docs/stdp.md works as it stands: a variant of STDP outside the package, compared by one command."""

import re
import sys
from pathlib import Path

import pytest

from neurorec.basics import plugins
from neurorec.learning.rule import rules
from tests.experiments.test_command_line import call

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "stdp.md").read_text()
(MODULE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TRAINING, STUDY = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "my_stdp.py").write_text(MODULE)
    (tmp_path / "my_rules.toml").write_text((ROOT / "models" / "stdp_rules.toml").read_text() + "\n" + TRAINING)
    (tmp_path / "my_comparison.toml").write_text(STUDY)
    monkeypatch.setattr(rules, "_members", dict(rules._members))
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setenv(plugins.NAMES, "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_stdp", None)


@pytest.mark.slow
def test_a_variant_of_stdp_is_compared_with_the_built_in_rules_by_one_command(folder):
    done = call(
        "run", "my_comparison.toml", "--plugin", "my_stdp", "--quick", "--out", "out", "--device", "cpu", "--jobs", 1
    )
    assert done.returncode == 0, done.stderr
    trained = {path.name.split("-")[2] for path in (folder / "out" / "done").iterdir() if "-spiking-" in path.name}
    assert trained == {*re.findall(r'rule = "(\w+)"', (folder / "my_rules.toml").read_text())}
    assert {"power_stdp", "stdp", "clopath"} <= trained
    assert "power-law STDP" in (folder / "out" / "report.html").read_text()


def test_a_variant_takes_twenty_lines():
    assert len([line for line in MODULE.splitlines() if line.strip()]) <= 21
