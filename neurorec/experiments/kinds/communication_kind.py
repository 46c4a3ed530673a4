"""Studies of communication between workers that train one network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurorec.basics.plain import to_plain
from neurorec.experiments.communication.communication_card import (
    CommunicationFinding,
    LoadedCommunication,
    load_communication,
)
from neurorec.experiments.communication.communication_results import BytesRow, CommunicationResults, CrossRow
from neurorec.experiments.communication.run_communication import run_communication
from neurorec.experiments.findings import Baseline, Measured
from neurorec.experiments.kind import Asked, Prepared, StudyKind, study_kinds
from neurorec.experiments.plan import versions
from neurorec.experiments.runner import Watcher


@study_kinds.register("communication")
class Communication(StudyKind):
    """Networks are trained and observed, then counted and priced for many workers."""

    results = CommunicationResults

    def load(self, name: str | Path) -> LoadedCommunication:
        return load_communication(name)

    def prepare(self, asked: Asked) -> Prepared:
        asked.refuse(
            ("seeds", "jobs", "device", "engine", "cluster"), "takes its seeds from its card and trains on the CPU"
        )
        study = load_communication(asked.study)
        folder = asked.out or Path("runs") / (study.name + ("_quick" if asked.quick else ""))
        return Prepared(study, folder, asked.quick, asked.command)

    def run(self, prepared: Prepared, watcher: Watcher) -> CommunicationResults:
        return run_communication(prepared.study, prepared.folder, quick=prepared.quick, watcher=watcher)

    def measure(self, results: CommunicationResults, claim: CommunicationFinding) -> Measured | None:
        if claim.measure == "crossover":
            return _crossover(results, claim)
        if claim.measure == "ring bytes / formula":
            shares = [row.payload_bytes / row.formula_bytes for row in results.rings]
            return Measured(claim.measure, "", False, (max(shares),), Baseline("formula", 1.0)) if shares else None
        own = _find(results, claim, claim.rule or "any")
        other = _find(results, claim, claim.over) if claim.over else None
        if own is None or (claim.over and other is None):
            return None
        values = _values(own, claim.measure)
        if other is None:
            return Measured(f"{claim.measure} per epoch", "", False, tuple(map(float, values)))
        ratios = [one / two for one, two in zip(values, _values(other, claim.measure), strict=True)]
        metric = f"{claim.measure} relative to {results.rules[claim.over].title}"
        return Measured(metric, "", False, tuple(ratios))

    def fingerprint(self, results: CommunicationResults) -> Any:
        return to_plain([results.nets, results.bytes, results.prices, results.computing, results.crossovers])

    def seeds(self, results: CommunicationResults) -> tuple[int, ...]:
        return tuple(results.seeds)

    def versions(self, results: CommunicationResults) -> Mapping[str, str]:
        return versions()


def _net(claim: CommunicationFinding) -> str:
    return f"{claim.pair} {claim.half}"


def _find(results: CommunicationResults, claim: CommunicationFinding, rule: str) -> BytesRow | None:
    wanted = (_net(claim), rule, claim.merge, claim.workers)
    return next((row for row in results.bytes if (row.net, row.rule, row.merge, row.workers) == wanted), None)


def _values(row: BytesRow, measure: str) -> list[int]:
    return row.total_bytes if measure == "bytes" else [row.waits]


def _crossover(results: CommunicationResults, claim: CommunicationFinding) -> Measured | None:
    """Number of workers at the crossover; None if there is no crossover."""

    def meant(row: CrossRow) -> bool:
        things = f"communication, {'data' if claim.merge else 'units'} shared", f"computing on {claim.chip}"
        found = (row.kind, row.net, row.rule, row.link, row.first_thing, row.second_thing)
        return found == ("joules", _net(claim), claim.rule, claim.link, *things)

    row = next(filter(meant, results.crossovers), None)
    return None if row is None or row.at is None else Measured("workers at the crossover", "", True, (row.at,))
