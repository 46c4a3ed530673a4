"""`neurorec run all`: one study after another, even if others fail, and their ledger."""

import pytest

from neurorec.report import all_studies
from tests.experiments.test_command_line import call
from tests.experiments.tiny import in_this_process, write_study


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Two studies, of which the first cannot be planned."""
    paths = [write_study(tmp_path / name) for name in ("broken", "sound")]
    paths[0].write_text(paths[0].read_text().replace('"tiny"', '"tinny"'))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(all_studies, "card_names", lambda folder: [str(path) for path in paths])
    monkeypatch.setattr("neurorec.experiments.kinds.trainings.processes", lambda jobs: in_this_process())
    return tmp_path, [str(path) for path in paths]


def test_a_study_that_cannot_run_does_not_stop_the_others(catalogue):
    _, (broken, _) = catalogue
    done = call("run", "all", "--quick")
    assert done.returncode == 1
    assert f"did not complete: {broken}; the reasons are given above" in done.stderr
    assert 'there is no card "tinny" in models/' in done.stdout
    assert "report: " in done.stdout
    assert "cannot run" not in done.stdout, "tables are in the reports"
    ledger = done.stdout[done.stdout.index("published verdicts") :]
    assert "complete" in ledger
    assert "stopped" in ledger


def test_the_ledger_counts_published_verdicts():
    claims, verdicts = all_studies._published("first_breadth")
    assert claims == sum(int(part.split()[0]) for part in verdicts.split(", "))
    assert all_studies._published("no_such_study") == (None, "not published here")


def test_a_kind_without_a_quick_form_runs_in_full():
    asked = all_studies.Asked("all", quick=True)
    assert not all_studies._one(asked, "silicon_validation").quick
    assert all_studies._one(asked, "first_breadth").quick
