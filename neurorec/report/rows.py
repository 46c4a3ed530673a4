"""results.csv and results.json: everything a study found, as plain numbers, written so that nobody sees half a file."""

import csv
import io
import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.basics.files import write_atomically
from neurorec.experiments.results import CostRow, RunRecord, StudyResults

#: The first columns keep these names (others build on them); what follows `wall_s` may grow.
COLUMNS: tuple[str, ...] = (
    "study", "pair", "half", "network", "rule", "task", "seed", "engine", "metric", "train_score", "validation_score",
    "test_score", "chance_score", "baseline_score", "parameters", "spikes_per_sample", "synaptic_events_per_sample",
    "macs_per_sample", "chip", "scope", "can_run", "why_not", "total_pJ", "total_low_pJ", "total_high_pJ",
    "dynamic_pJ", "compute_pJ", "memory_pJ", "communication_pJ", "static_pJ", "latency_us", "communication_bits",
    "training_total_pJ", "training_communication_bits", "unpriced", "objections_relaxed", "objections_partly",
    "status", "wall_s", "objections_kept", "control", "rule_title", "at_least", "static_basis", "training_why_not",
    "reason", "device", "run_id", "training_low_pJ", "training_high_pJ", "training_dynamic_pJ", "training_static_pJ",
    "training_unpriced",
)  # fmt: skip
_LISTED = ("unpriced", "training_unpriced")
_COST_COLUMNS = tuple(field.name for field in fields(CostRow) if field.name not in ("run_id", "chip", "scope"))


def scores_of(run: RunRecord) -> dict[str, dict[str, float]]:
    """Every metric of a run, the one it is judged by first: name -> {"train", "validation", "test"}."""
    first = {"train": run.train_score, "validation": run.validation_score, "test": run.test_score}
    return {run.metric: first, **{name: scores for name, scores in run.extra_scores.items() if name != run.metric}}


def stances_of(run: RunRecord) -> dict[str, int | str]:
    """How many objections the run's rule relaxes, partly relaxes and keeps; empty for what no rule trained."""
    if not run.judgements:
        return {"relaxed": "", "partly": "", "kept": ""}
    stances = [stance for stance, _ in run.judgements]
    return {name: stances.count(name) for name in ("relaxed", "partly", "kept")}


def csv_rows(results: StudyResults) -> list[dict[str, Any]]:
    """One row per run, metric and chip, with the keys COLUMNS; what is not known is an empty string, never NaN.

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
        for row in [_run_part(results.study, run, metric, scores) | _cost_part(cost)]
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


def _cell(value: Any) -> Any:
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return "" if plain is None else plain


def _plain(value: Any) -> Any:
    """`value` as JSON knows it: NumPy scalars become numbers; NaN and infinity, which JSON lacks, become None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_csv(results: StudyResults, path: Path | None = None) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(csv_rows(results))
    return write_atomically(path or results.folder / "results.csv", text.getvalue())


def write_json(results: StudyResults, path: Path | None = None) -> Path:
    data = asdict(results)
    del data["folder"]  # wherever the file lies is the folder, also after it was moved
    for run in data["runs"]:
        run["folder"] = _relative(run["folder"], results.folder)
    text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
    return write_atomically(path or results.folder / "results.json", text + "\n")


def _relative(folder: Path | None, base: Path) -> str | None:
    if folder is None:
        return None
    inside = Path(folder).resolve().is_relative_to(base.resolve())
    return Path(folder).resolve().relative_to(base.resolve()).as_posix() if inside else str(folder)


def load_results(folder: str | Path) -> StudyResults:
    """The results that `write_json` left in `folder`.

    Raises
    ------
    InputError
        If there is no results.json, or it is not one that this version of neurorec wrote.
    """
    path = Path(folder) / "results.json"
    if not path.is_file():
        raise InputError(f"{folder}: there is no results.json; give the folder that `neurorec run` wrote")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["runs"] = [_run(entry, path.parent) for entry in data["runs"]]
        data["costs"] = [_cost(entry) for entry in data["costs"]]
        return StudyResults(**data, folder=path.parent)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not a results file of this version ({error}); run the study again") from error


def _run(entry: dict[str, Any], base: Path) -> RunRecord:
    numbers = {field.name for field in fields(RunRecord) if field.type is float}
    run: dict[str, Any] = {
        name: math.nan if name in numbers and value is None else value for name, value in entry.items()
    }
    run["extra_scores"] = {name: _nan_back(scores) for name, scores in run["extra_scores"].items()}
    run["judgements"] = [(stance, why) for stance, why in run["judgements"]]
    run["folder"] = None if run.get("folder") is None else base / run["folder"]
    return RunRecord(**run)


def _cost(entry: dict[str, Any]) -> CostRow:
    return CostRow(**{**entry, **{name: tuple(entry.get(name, ())) for name in _LISTED}})


def _nan_back(scores: dict[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in scores.items()}
