"""docs/results.md is generated, and what it is generated from is published from finished runs only."""

from dataclasses import replace
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.basics.plain import write_plain
from neurorec.experiments.findings import read_findings
from neurorec.report.ledger import RESULTS, ledger, write_ledger
from neurorec.report.page import markdown
from neurorec.report.pages import page_of
from neurorec.report.studies import publish
from tests.report.made_up import made_up_findings, made_up_results

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_ledger_is_what_the_generator_gives():
    assert RESULTS == DOCS / "results"
    told = "run python -m neurorec.report.ledger"
    assert (DOCS / "results.md").read_text(encoding="utf-8") == ledger(RESULTS), told


def test_the_ledger_says_on_what_its_numbers_depend(tmp_path):
    write_plain(made_up_findings(), tmp_path / "results" / "s.json")
    text = write_ledger(tmp_path / "results").read_text()
    assert (tmp_path / "results.md").is_file()
    for said in (
        "Results are exact only on one type of CPU",
        "| It works. | accuracy | 0.850 ± 0.071 (2) | ± 0.010 | 0.700 ridge on input | 0.950 diehl2015, read |",
        "| ≥ 0.800 | reproduced |",
        "no score of these claims changed by more than 0.010",
        "No number in the published run: not this",
        "* command: neurorec run s",
        "[results/s.md](results/s.md)",
    ):  # fmt: skip
        assert said in text


def test_a_folder_without_findings_is_told_how_to_fill_it(tmp_path):
    with pytest.raises(
        InputError, match="there are no findings here; publish some with `neurorec report DIR --publish"
    ):
        ledger(tmp_path)


def finished(folder, **changes):
    results = replace(
        made_up_results(folder, seeds=(0,)), findings=replace(made_up_findings(), study="backprop_vs_stdp"), **changes
    )
    write_plain(results, folder / "results.json", sealed=True)
    write_plain(results.findings, folder / "findings.json")
    (folder / "summary.md").write_text(markdown(page_of(results)))
    return results


def test_publishing_copies_findings_and_tables_and_writes_the_ledger(tmp_path):
    results = finished(tmp_path / "run")
    written = publish(tmp_path / "run", tmp_path / "docs" / "results")
    assert [path.name for path in written] == ["backprop_vs_stdp.json", "backprop_vs_stdp.md", "results.md"]
    assert read_findings(written[0]) == results.findings
    assert "| Elman | BPTT |" in written[1].read_text()
    assert results.findings.question in written[2].read_text()


def test_a_quick_run_and_one_without_findings_are_not_published(tmp_path):
    finished(tmp_path / "quick", quick=True)
    with pytest.raises(InputError, match="this was a quick run, which is a smoke test and not a result"):
        publish(tmp_path / "quick", tmp_path / "docs")
    write_plain(made_up_results(tmp_path / "old", seeds=(0,)), tmp_path / "old" / "results.json", sealed=True)
    with pytest.raises(InputError, match=r"there is no findings\.json; run the study again with this version"):
        publish(tmp_path / "old", tmp_path / "docs")
