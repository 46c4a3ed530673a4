"""The page's tables as plain rows; the template only sets them."""

from typing import Any

from neurorec.basics.citations import cite, is_cited
from neurorec.experiments.results import StudyResults
from neurorec.report import wording
from neurorec.report.notes import about_totals, notes_of
from neurorec.report.summary import PARTS, Group, chips_of, groups_of, tasks_of
from neurorec.report.terminal import all_in_chip, per_term_chip

SYMBOLS = {"relaxed": ("●", "relaxes"), "partly": ("◐", "partly relaxes"), "kept": ("○", "keeps")}


def main_tables(results: StudyResults) -> list[dict[str, Any]]:
    """One a task: the same figures as in the terminal."""
    chips, tables = _shown_chips(results), []
    for task in tasks_of(results):
        groups = groups_of(results, task)
        notes = notes_of(groups, chips)
        rows = [row for group in groups for row in _main_rows(group, chips, notes)]
        tables.append({"task": task, "rows": rows, "notes": notes.lines})
    return tables


def notes_on_totals(results: StudyResults) -> list[str]:
    """What the totals of all tables leave out, and over what their static energy is counted."""
    return about_totals(groups_of(results), _shown_chips(results))


def _shown_chips(results: StudyResults) -> list[str]:
    return [chip for chip in (per_term_chip(results), all_in_chip(results)) if chip]


def _main_rows(group: Group, chips: list[str], notes) -> list[dict[str, Any]]:
    """The group by the metric it is judged by, and a row for each further metric of the same runs."""
    control = group.half != "baseline" and group.control
    row = {
        "network": group.network,
        "rule": group.control if control else group.rule_title,
        "half": group.half,
        "minor": not group.proper,
        "further": False,
        "metric": group.metric,
        "test": str(group.test) if group.runs else "failed",
        "n": group.test.n,
        "failed": len(group.failed),
        "work": group.work_text,
        "chips": [_chip_cell(group, chip, notes) for chip in chips],
        "stances": "/".join(str(count) for count in group.stances.values()) if group.stances["kept"] != "" else "–",
    }
    further = [
        row | {"metric": metric, "test": str(at["test"]), "n": at["test"].n, "further": True}
        for metric, at in group.scores.items()
        if metric != group.metric and at["test"].n
    ]
    return [row, *further]


def _chip_cell(group: Group, chip: str, notes) -> dict[str, str]:
    cost = group.costs.get(chip)
    if cost is None:
        return {"total": "–", "band": "", "dynamic": "–"}
    if not cost.can_run:
        return {"total": f"cannot run: {notes.mark(chip, cost.why_not)}", "band": "", "dynamic": "–"}
    return {"total": cost.total_text, "band": cost.band_text, "dynamic": wording.energy(cost.dynamic_pJ)}


def cost_tables(results: StudyResults, scope: str) -> list[dict[str, Any]]:
    """One a chip of `scope`: every proper net on every task. An all-in chip's rows have no split at all."""
    tables = []
    for chip in chips_of(results, scope):
        rows = [_cost_row(group, chip) for group in groups_of(results) if group.proper and chip in group.costs]
        tables.append({"chip": chip, "about": results.chips.get(chip, ""), "rows": rows})
    return tables


def _cost_row(group: Group, chip: str) -> dict[str, Any]:
    cost = group.costs[chip]
    return {
        "task": group.task,
        "label": group.label,
        "why_not": "" if cost.can_run else cost.why_not,
        "parts": [wording.energy(cost.parts_pJ.get(part)) for part in PARTS],
        "dynamic": wording.energy(cost.dynamic_pJ),
        "total": cost.total_text,
        "band": cost.band_text,
        "latency": "–" if cost.latency_us is None else f"{wording.figures(cost.latency_us)} µs",
        "static_basis": cost.static_basis or "–",
        "unpriced": ", ".join(cost.unpriced) or "–",
        "training": wording.energy(cost.training_total_pJ),
        "training_why_not": cost.training_why_not,
    }


def objection_rows(results: StudyResults) -> list[dict[str, Any]]:
    """A row a rule: what it does about each objection, for all nets on which the verdict is the same."""
    collected: dict[tuple, list[str]] = {}
    for group in groups_of(results):
        judgements = tuple((group.runs + group.failed)[0].judgements)
        if judgements and group.proper:
            collected.setdefault((group.rule_title, judgements), []).append(group.network)
    return [
        {
            "rule": rule_title,
            "networks": wording.listed(list(dict.fromkeys(networks))),
            "cells": [{"stance": stance, "symbol": _symbol(stance)[0], "word": _symbol(stance)[1], "why": why}
                      for stance, why in judgements],
        }
        for (rule_title, judgements), networks in collected.items()
    ]  # fmt: skip


def _symbol(stance: str) -> tuple[str, str]:
    return SYMBOLS.get(stance, ("?", stance))


def source_texts(keys: list[str]) -> list[tuple[str, str]]:
    """(key, citation); the text empty for an unknown key, so that a stored report outlives a renamed source."""
    return [(key, cite(key) if is_cited(key) else "") for key in keys]


def how_it_was_run(results: StudyResults) -> list[tuple[str, str]]:
    runs = [run for run in results.runs if run.half != "baseline"] or results.runs
    versions: dict[str, set[str]] = {}
    for run in results.runs:
        for name, version in run.versions.items():
            versions.setdefault(name, set()).add(version)
    engines = {
        engine: [run for run in runs if run.engine == engine] for engine in dict.fromkeys(r.engine for r in runs)
    }
    together_s = sum(run.wall_s for run in results.runs)
    done = sum(run.status == "done" for run in results.runs)
    return [
        ("runs", f"{done} finished, {len(results.runs) - done} failed; controls and baselines included"),
        ("seeds", ", ".join(str(seed) for seed in sorted({run.seed for run in results.runs}))),
        ("tasks", ", ".join(tasks_of(results))),
        ("engines", "; ".join(f"{name} ({len(found)} runs: {_networks(found)})" for name, found in engines.items())),
        ("devices", ", ".join(dict.fromkeys(run.device for run in runs))),
        ("wall time", f"{wording.duration(results.wall_s)} in all; the runs together {wording.duration(together_s)}"),
        ("versions", ", ".join(f"{name} {' / '.join(sorted(v))}" for name, v in versions.items()) or "not recorded"),
        *[("note", note) for note in results.notes],
    ]  # fmt: skip


def _networks(runs) -> str:
    return ", ".join(dict.fromkeys(run.network for run in runs))


def exports(results: StudyResults) -> list[dict[str, str]]:
    """Exported files and refusals, with the network's name in place of its run's id."""
    runs = {run.run_id: run for run in results.runs}
    rows = []
    for export in results.exports:
        run = runs.get(export.get("run_id", ""))
        network = f"{run.network}, {run.rule_title}, {run.task}, seed {run.seed}" if run else export.get("run_id", "")
        rows.append({"network": network} | {name: export.get(name, "") for name in ("target", "path", "verdict")})
    return rows
