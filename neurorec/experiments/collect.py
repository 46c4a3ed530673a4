"""From stored runs to study results: read the records, price every network on every chip, export what can be exported."""

import platform
from pathlib import Path

import torch

from neurorec.basics.errors import CannotRun
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.results import CostRow, RunRecord, StudyResults
from neurorec.experiments.store import Store, read_activity, read_weights
from neurorec.experiments.study import LoadedStudy
from neurorec.hardware.chip import Chip
from neurorec.hardware.cost import Cost, TrainingRun, estimate_cost
from neurorec.hardware.export.exporter import export_network, exporters
from neurorec.hardware.export.verify import compare_norse, compare_snntorch, verify_nir
from neurorec.learning.rule import rules
from neurorec.models.network import Network
from neurorec.tasks.task import load_task
from neurorec.training import load_pair
from neurorec.training.fit import encoded_split


def rebuild_network(record: RunRecord, folder: Path, pair_path: str | None = None) -> Network:
    """The trained network of a stored run, from its pair card and stored weights."""
    pair = load_pair(pair_path or record.pair)
    half = pair.rate if record.half == "rate" else pair.spiking
    weights = read_weights(folder)
    task = load_task(record.task, record.seed)
    network = half.build(task.inputs, task.classes, torch.Generator().manual_seed(0))
    network.load_state_dict(weights)
    if record.control == "frozen recurrence":
        network.cell.freeze_recurrence()
    return network.eval()


def collect(study: LoadedStudy, specs: list[RunSpec], folder: Path, *, quick: bool) -> StudyResults:
    """Everything the report draws, from what `folder` holds of the planned runs."""
    store = Store(folder)
    records = [(spec, record) for spec in specs if (record := store.get(spec.run_id)) is not None]
    costs: list[CostRow] = []
    exports: list[dict[str, str]] = []
    for spec, record in records:
        if record.status == "done" and record.folder is not None and spec.half != "baseline":
            network = rebuild_network(record, record.folder, spec.pair_path)
            costs += [price_run(record, network, name, chip) for name, chip in study.chips.items()]
            if spec.control == "" and spec.seed == specs[0].seed:
                exports.append(_export(record, network, spec, folder))
    runs = [record for _, record in records]
    return StudyResults(
        study=study.name, question=study.card.question, report_chip=study.card.report_chip, quick=quick, runs=runs,
        costs=costs, matched={pair.name: pair.card.matched.model_dump() for pair in study.pairs},
        chips={name: chip.about for name, chip in study.chips.items()}, sources=_sources(study, runs), exports=exports,
        notes=_notes(runs), wall_s=sum(record.wall_s for record in runs), folder=folder,
    )  # fmt: skip


def price_run(record: RunRecord, network: Network, name: str, chip: Chip) -> CostRow:
    """One row of costs: the network of `record` on one chip."""
    assert record.folder is not None
    trained = TrainingRun(
        record.rule, int(record.training["samples_seen"]), int(record.training["weight_updates"])
    )
    return cost_row(record.run_id, name, estimate_cost(network, read_activity(record.folder), chip, training=trained))


def _export(record: RunRecord, network: Network, spec: RunSpec, folder: Path) -> dict[str, str]:
    """Write the network as NIR and check the file on the whole test split; or say why it cannot be written."""
    said = {"run_id": record.run_id, "target": "nir", "path": "", "verdict": "", "peers": ""}
    reason = exporters["nir"]().why_not(network)
    if reason is not None:
        return {**said, "verdict": f"refused: {reason}"}
    path = folder / "exports" / f"{record.pair}-{record.half}-{record.rule}-{record.task}.nir"
    path.parent.mkdir(exist_ok=True)
    pair = load_pair(spec.pair_path)
    half = pair.rate if record.half == "rate" else pair.spiking
    try:
        export_network(network, path, "nir")
        x = encoded_split(half.encoder, load_task(record.task, record.seed), "test", record.seed).x
        verdict = str(verify_nir(network, path, x))
        peers = "; ".join(str(compare(network, path, x)) for compare in (compare_snntorch, compare_norse))
    except CannotRun as error:
        return {**said, "verdict": f"refused: {error}"}
    return {**said, "path": str(path.relative_to(folder)), "verdict": verdict, "peers": peers}


def _sources(study: LoadedStudy, runs: list[RunRecord]) -> list[str]:
    """Citation keys of every card, cell, rule and task that took part, in alphabetical order."""
    keys: set[str] = set()
    for pair in study.pairs:
        keys.update(pair.card.sources)
    for chip in study.chips.values():
        keys.update(chip.source_keys)
    for record in runs:
        if record.rule:
            keys.update(rules[record.rule].sources)
        keys.update(load_task(record.task, record.seed).sources if record.seed == runs[0].seed else ())
    return sorted(keys)


def _notes(runs: list[RunRecord]) -> list[str]:
    """How it was run: engines, machine, versions."""
    engines = sorted({f"{record.engine} for {record.network} by {record.rule_title}" for record in runs if record.engine})
    versions = next((record.versions for record in runs if record.versions), {})
    return [
        "engines: " + ", ".join(engines),
        f"machine: {platform.machine()}, {platform.system()}; devices: {', '.join(sorted({r.device for r in runs}))}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
