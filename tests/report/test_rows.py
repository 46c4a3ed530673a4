"""results.csv and results.json: names that others build on, plain numbers, and nothing lost on the way back."""

import csv
import json
import math
from dataclasses import replace

import pytest

from neurorec.basics.errors import InputError
from neurorec.basics.plain import write_plain
from neurorec.report.page import markdown
from neurorec.report.pages import page_of
from neurorec.report.studies import load_results, write_report
from neurorec.report.training.naming import told_apart
from neurorec.report.training.rows import COLUMNS, csv_rows
from neurorec.report.training.summary import groups_of
from tests.report.made_up import made_up_results, with_failure

PROMISED = [
    "study", "pair", "half", "network", "rule", "task", "seed", "engine", "metric", "train_score", "validation_score",
    "test_score", "chance_score", "baseline_score", "parameters", "spikes_per_sample", "synaptic_events_per_sample",
    "macs_per_sample", "chip", "scope", "can_run", "why_not", "total_pJ", "total_low_pJ", "total_high_pJ",
    "dynamic_pJ", "compute_pJ", "memory_pJ", "communication_pJ", "static_pJ", "latency_us", "communication_bits",
    "training_total_pJ", "training_communication_bits", "unpriced", "objections_relaxed", "objections_partly",
    "status", "wall_s",
]  # fmt: skip


def test_the_promised_columns_come_first_and_in_order():
    assert list(COLUMNS[: len(PROMISED)]) == PROMISED
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_one_row_per_run_metric_and_chip(tmp_path):
    results = made_up_results(tmp_path)
    priced = {cost.run_id for cost in results.costs}
    metrics = {run.run_id: 1 + len(run.extra_scores) for run in results.runs}
    expected = sum(n * (9 if run_id in priced else 1) for run_id, n in metrics.items())
    rows = csv_rows(results)
    assert len(rows) == expected
    assert all(row["task"] for row in rows)
    assert len({(row["run_id"], row["metric"], row["chip"]) for row in rows}) == len(rows)


def test_an_all_in_row_has_a_total_and_no_split(tmp_path):
    rows = [row for row in csv_rows(made_up_results(tmp_path)) if row["scope"] == "all-in" and row["can_run"] == "true"]
    assert rows
    for row in rows:
        assert row["total_pJ"] > 0
        assert {row[f"{part}_pJ"] for part in ("dynamic", "compute", "memory", "communication", "static")} == {""}


def test_objections_are_counted_and_baselines_have_none(tmp_path):
    rows = csv_rows(made_up_results(tmp_path))
    stdp = next(row for row in rows if row["rule"] == "stdp")
    assert (stdp["objections_relaxed"], stdp["objections_partly"], stdp["objections_kept"]) == (6, 0, 0)
    assert next(row for row in rows if row["half"] == "baseline")["objections_relaxed"] == ""


def test_csv_holds_no_nan_even_for_a_failed_run(tmp_path):
    results = with_failure(made_up_results(tmp_path, tasks=("store_recall",)), "the loss became nan")
    write_report(results)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    failed = [row for row in rows if row["status"] == "failed"]
    assert [row["test_score"] for row in failed] == [""]
    assert failed[0]["reason"] == "the loss became nan"
    scores = (value for row in rows for name, value in row.items() if name.endswith("_score") or name.endswith("_pJ"))
    assert all(value == "" or math.isfinite(float(value)) for value in scores)


def test_json_comes_back_as_it_was(tmp_path):
    results = made_up_results(tmp_path)
    write_plain(results, tmp_path / "results.json", sealed=True)
    assert load_results(tmp_path) == results


def test_json_survives_a_failed_run_and_holds_no_nan(tmp_path):
    results = with_failure(made_up_results(tmp_path), "silent")
    text = write_plain(results, tmp_path / "results.json", sealed=True).read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    failed = next(run for run in load_results(tmp_path).runs if run.status == "failed")
    assert math.isnan(failed.test_score)
    assert failed.reason == "silent"


def test_a_moved_folder_finds_its_runs(tmp_path):
    results = made_up_results(tmp_path / "before", files=True)
    write_plain(results, tmp_path / "before" / "results.json", sealed=True)
    (tmp_path / "before").rename(tmp_path / "after")
    moved = load_results(tmp_path / "after")
    assert moved.folder == tmp_path / "after"
    assert all(run.folder is None or (run.folder / "history.csv").is_file() for run in moved.runs)


def test_a_failing_write_keeps_the_old_file_and_leaves_no_litter(tmp_path):
    results = made_up_results(tmp_path)
    before = write_plain(results, tmp_path / "results.json", sealed=True).read_text(encoding="utf-8")
    with pytest.raises(TypeError):
        write_plain(replace(results, notes=[object()]), tmp_path / "results.json", sealed=True)  # type: ignore[list-item]
    assert (tmp_path / "results.json").read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_folder_without_results_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=r"there is no results\.json; give the folder that `neurorec run` wrote"):
        load_results(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "results.json").write_text('{"runs": []}')
    with pytest.raises(InputError, match="not a results file of this version"):
        load_results(tmp_path)


def test_markdown_says_what_the_terminal_says(tmp_path):
    results = made_up_results(tmp_path)
    text = markdown(page_of(results))
    assert all(f"**{task}**" in text for task in {run.task for run in results.runs})
    assert all(f"| {run.network} |" in text for run in results.runs if run.status == "done")
    group = next(group for group in groups_of(results) if group.proper and group.test.n > 1)
    assert f"| {group.network} | {group.rule_title} | {group.test} ({group.test.n}) |" in text


def test_networks_of_one_title_are_told_apart_on_the_page_but_not_in_the_table_of_numbers(tmp_path):
    results = made_up_results(tmp_path)
    assert told_apart(results) == results
    first = next(run for run in results.runs if run.pair)
    twice = replace(results, runs=[*results.runs, replace(first, pair="another", run_id="another")])
    names = {run.network for run in told_apart(twice).runs if (run.rule, run.task) == (first.rule, first.task)}
    assert {f"{first.network} (another)", f"{first.network} ({first.pair})"} <= names
    assert first.network not in names
    assert {row["network"] for row in csv_rows(twice)} == {row["network"] for row in csv_rows(results)}
