"""results.csv: all results of a study as plain numbers in stable columns."""

from dataclasses import fields
from typing import Any

from neurorec.basics.plain import to_plain
from neurorec.experiments.results import CostRow, RunRecord, StudyResults, scores_of
from neurorec.report.training.search_costs import constants_text, cost_of, energy_pJ

#: The first columns keep these names; columns may be added after `wall_s`.
COLUMNS: tuple[str, ...] = (
    "study", "pair", "half", "network", "rule", "task", "seed", "engine", "metric", "train_score", "validation_score",
    "test_score", "chance_score", "baseline_score", "parameters", "spikes_per_sample", "synaptic_events_per_sample",
    "macs_per_sample", "chip", "scope", "can_run", "why_not", "total_pJ", "total_low_pJ", "total_high_pJ",
    "dynamic_pJ", "compute_pJ", "memory_pJ", "communication_pJ", "static_pJ", "latency_us", "communication_bits",
    "training_total_pJ", "training_communication_bits", "unpriced", "objections_relaxed", "objections_partly",
    "status", "wall_s", "objections_kept", "control", "rule_title", "at_least", "static_basis", "training_why_not",
    "reason", "device", "run_id", "training_low_pJ", "training_high_pJ", "training_dynamic_pJ", "training_static_pJ",
    "training_unpriced", "constants", "search_trials", "search_failed", "search_samples_seen", "search_wall_s",
    "search_training_pJ",
)  # fmt: skip
_LISTED = ("unpriced", "training_unpriced")
_COST_COLUMNS = tuple(field.name for field in fields(CostRow) if field.name not in ("run_id", "chip", "scope"))


def stances_of(run: RunRecord) -> dict[str, int | str]:
    """Numbers of objections that the run's rule relaxes, partly relaxes and keeps; empty without a rule."""
    if not run.judgements:
        return {"relaxed": "", "partly": "", "kept": ""}
    stances = [stance for stance, _ in run.judgements]
    return {name: stances.count(name) for name in ("relaxed", "partly", "kept")}


def csv_rows(results: StudyResults) -> list[dict[str, Any]]:
    """One row per run, metric and chip, with the keys COLUMNS; unknown values are empty strings, never NaN.

    A run that was priced on no chip (a baseline, a failed run) has one row per metric with an empty chip.
    """
    priced: dict[str, list[CostRow | None]] = {}
    for cost in results.costs:
        priced.setdefault(cost.run_id, []).append(cost)
    return [
        {name: _cell(row.get(name)) for name in COLUMNS}
        for run in results.runs
        for metric, scores in scores_of(run).items()
        for cost in priced.get(run.run_id, [None])
        for row in [_run_part(results.study, run, metric, scores) | _cost_part(cost) | _search_part(results, run, cost)]
    ]


def _run_part(study: str, run: RunRecord, metric: str, scores: dict[str, float]) -> dict[str, Any]:
    plain = {field.name: getattr(run, field.name) for field in fields(run)}
    named = {f"{split}_score": scores.get(split) for split in ("train", "validation", "test")}
    stances = {f"objections_{name}": count for name, count in stances_of(run).items()}
    return plain | {"study": study, "metric": metric} | named | stances


def _cost_part(cost: CostRow | None) -> dict[str, Any]:
    if cost is None:
        return {}
    row = {name: getattr(cost, name) for name in ("chip", "scope", *_COST_COLUMNS)}
    return row | {name: "; ".join(row[name]) for name in _LISTED}


def _search_part(results: StudyResults, run: RunRecord, cost: CostRow | None) -> dict[str, Any]:
    """The constants that a search chose, and what it took."""
    records = results.search.of((run.pair, run.half, run.rule, run.task)) if results.search is not None else []
    if not records:
        return {}
    priced = {"search_training_pJ": energy_pJ(records, run, cost)}
    return {"constants": constants_text(run.settings), **cost_of(records), **priced}


def _cell(value: Any) -> Any:
    plain = None if isinstance(value, dict | list) else to_plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return "" if plain is None else plain
