"""The README's example runs as it stands."""

import re
from pathlib import Path

import neurorec as nr

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def test_the_python_example_runs_and_exports(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) < 10
    monkeypatch.chdir(tmp_path)
    whole = nr.train
    monkeypatch.setitem(vars(nr), "train", lambda *a, **k: whole(*a, **k, max_epochs=2, max_samples=200))
    scope: dict = {}
    exec(example, scope)
    assert (tmp_path / "digits.nir").stat().st_size > 1000
    assert 0.0 < scope["run"].test_accuracy <= 1.0
    assert scope["cost"].energy_pJ.low <= scope["cost"].energy_pJ.value <= scope["cost"].energy_pJ.high
    assert capsys.readouterr().out.count("\n") == 2


def test_the_two_commands_stand_in_the_readme_word_for_word():
    assert "\n    pip install -c constraints.txt -e . && neurorec run\n" in README
    assert '\n    pip install -c constraints.txt -e ".[test]" && pytest -n 2\n' in README
