"""What the search for the constants of one training took."""

from typing import Any

from neurorec.experiments.results import CostRow, RunRecord
from neurorec.experiments.search.trial_records import TrialRecord


def constants_text(constants: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
                     for name, value in constants.items())  # fmt: skip


def cost_of(records: list[TrialRecord]) -> dict[str, float]:
    """What the search of one training took."""
    return {
        "search_trials": len(records),
        "search_failed": sum(record.status != "done" for record in records),
        "search_samples_seen": sum(record.samples_seen for record in records),
        "search_wall_s": sum(record.wall_s for record in records),
    }


def energy_pJ(records: list[TrialRecord], run: RunRecord, cost: CostRow | None) -> float | None:
    """The samples of the search times the energy per sample of the final training, or None if that has no price."""
    seen = run.training.get("samples_seen", 0)
    if cost is None or cost.training_total_pJ is None or not seen:
        return None
    return cost.training_total_pJ / seen * sum(record.samples_seen for record in records)
