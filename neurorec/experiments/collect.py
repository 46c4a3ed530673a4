"""From stored runs to study results: read records, price every network on every chip, export what can be exported."""

import math
import platform
from collections import Counter
from pathlib import Path
from typing import Any

from neurorec.basics.errors import CannotRun, InputError, needed
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.results import CostRow, RunRecord, StudyResults
from neurorec.experiments.store import RunStore, read_activity, read_pair, read_weights, stored_card
from neurorec.experiments.study import LoadedStudy
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.export import export_network, exporters
from neurorec.hardware.export.peers import compare_norse, compare_snntorch
from neurorec.hardware.export.verify import verify_nir
from neurorec.hardware.pricing.bill import Cost, TrainingCost
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.counting import Operations, count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.hardware.workload.workload import TrainingRun
from neurorec.learning.rule import rules
from neurorec.models.network import Network
from neurorec.tasks.task import load_task
from neurorec.training import LoadedHalf
from neurorec.training.fit import encoded_split

PARTS = ("compute", "memory", "communication", "static")


def stored_half(record: RunRecord, folder: Path) -> LoadedHalf:
    """The half of the pair that a stored run trained, from the copy of the card stored with it."""
    if record.half == "baseline":
        raise InputError(f"{folder}: this run is a baseline and has no network")
    return read_pair(record, folder).half(record.half)


def rebuild_network(record: RunRecord, folder: Path) -> Any:
    """The trained model of a stored run, from its copy of the card and its weights."""
    return _with_weights(stored_half(record, folder), record, folder)


def _with_weights(half: LoadedHalf, record: RunRecord, folder: Path) -> Any:
    half.check_memory(record.inputs, record.outputs)
    weights = read_weights(folder)
    network: Any = half.architecture.build(record.inputs, record.outputs, half.encoder.signal, None)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"{folder}: the weights do not fit the stored card ({error}); run the study again") from None
    if record.control == "frozen recurrence":
        network.freeze_recurrence()
    return network.eval()


def collect(study: LoadedStudy, specs: list[RunSpec], folder: Path, *, quick: bool) -> StudyResults:
    """Everything that the report needs, from those of the planned runs that are in `folder`."""
    store = RunStore(folder)
    records = [(spec, record) for spec in specs if (record := store.get(spec.run_id)) is not None]
    costs: list[CostRow] = []
    exports: list[dict[str, str]] = []
    halves: dict[
        tuple[str, str], LoadedHalf
    ] = {}  # by text and name: cards are parsed once, however many runs they have
    for spec, record in records:
        if record.status == "done" and record.folder is not None and spec.half != "baseline":
            key = stored_card(record, record.folder)[0], record.half
            if key not in halves:
                halves[key] = stored_half(record, record.folder)
            network = _with_weights(halves[key], record, record.folder)
            costs += price_run(record, network, study.chips)
            if spec.control == "" and spec.seed == specs[0].seed:
                exports.append(_export(record, network, folder, study.card.quick.max_samples if quick else None))
    runs = [record for _, record in records]
    return StudyResults(
        study=study.name, question=study.card.question, report_chip=study.card.report_chip, quick=quick, runs=runs,
        costs=costs, matched={pair.name: pair.card.matched.model_dump() for pair in study.pairs},
        chips={name: chip.about for name, chip in study.chips.items()}, sources=study.sources(), exports=exports,
        notes=_notes(runs), wall_s=sum(record.wall_s for record in runs), folder=folder,
    )  # fmt: skip


def trained_by(record: RunRecord) -> TrainingRun:
    """How much training the run took. Raises `InputError` if its record does not say."""
    names = ["samples_seen", "weight_updates", *rules[record.rule].reports]
    found = [record.training.get(name, math.nan) for name in names]
    if not all(map(math.isfinite, found)):
        raise InputError(f"run {record.run_id}: its record has no {' or '.join(names)}; run the study again")
    samples, updates, *more = map(int, found)
    return TrainingRun(record.rule, samples, updates, dict(zip(names[2:], more, strict=True)))


def price_run(record: RunRecord, network: Network, chips: dict[str, Chip]) -> list[CostRow]:
    """The network of `record` on every chip."""
    activity = read_activity(record.stored_in)
    work = trained_work(network, activity, trained_by(record))
    operations = count_work(work)
    return [cost_row(record.run_id, name, price(work, chip), operations) for name, chip in chips.items()]


def cost_row(run_id: str, name: str, cost: Cost, operations: Operations) -> CostRow:
    """A `Cost` as a flat row of results.csv. Counts are included even if the chip cannot run the network."""
    counted: dict[str, Any] = {
        "synaptic_events_per_sample": operations.total.synaptic_events / operations.samples,
        "macs_per_sample": operations.total.macs / operations.samples,
    }
    if not cost.can_run:
        return CostRow(run_id, name, cost.scope, False, cost.why_not, **counted)
    energy_pJ = needed(cost.energy_pJ, f'chip "{name}" can run {run_id}, but has no energy for it: {cost.why_not}')
    parts: dict[str, Any] = {f"{part}_pJ": _value(getattr(cost.breakdown, part, None)) for part in PARTS}
    trained = cost.training or TrainingCost(None)
    return CostRow(
        run_id=run_id, chip=name, scope=cost.scope, can_run=True, why_not="", at_least=cost.at_least,
        total_pJ=energy_pJ.value, total_low_pJ=energy_pJ.low, total_high_pJ=energy_pJ.high,
        dynamic_pJ=_value(cost.dynamic_pJ), latency_us=_value(cost.latency_us),
        communication_bits=cost.communication_bits,
        training_total_pJ=_value(trained.energy_pJ), training_communication_bits=trained.communication_bits,
        training_low_pJ=trained.energy_pJ.low if trained.energy_pJ else None,
        training_high_pJ=trained.energy_pJ.high if trained.energy_pJ else None,
        training_dynamic_pJ=_value(trained.dynamic_pJ), training_static_pJ=_value(trained.static_pJ),
        training_unpriced=trained.unpriced, training_why_not=trained.why_not, unpriced=cost.unpriced,
        static_basis=cost.static_basis,
        **counted, **parts,
    )  # fmt: skip


def _value(band: Band | None) -> float | None:
    return None if band is None else band.value


def _export(record: RunRecord, network: Network, folder: Path, samples: int | None) -> dict[str, str]:
    """Write the network as NIR and verify the file on the test split (or its first `samples`), or give the reason why not."""
    said = {"run_id": record.run_id, "target": "nir", "path": "", "verdict": "", "peers": ""}
    reason = exporters["nir"]().why_not(network)
    if reason is not None:
        return {**said, "verdict": f"refused: {reason}"}
    path = folder / "exports" / f"{record.pair}-{record.half}-{record.rule}-{record.task}.nir"
    path.parent.mkdir(exist_ok=True)
    encoder = stored_half(record, record.stored_in).encoder
    try:
        export_network(network, path, "nir")
        x = encoded_split(encoder, load_task(record.task, record.seed), "test", record.seed, samples).x
        verdict = str(verify_nir(network, path, x))
        peers = "; ".join(str(compare(path, x)) for compare in (compare_snntorch, compare_norse))
    except CannotRun as error:
        return {**said, "verdict": f"refused: {error}"}
    return {**said, "path": str(path.relative_to(folder)), "verdict": verdict, "peers": peers}


def _notes(runs: list[RunRecord]) -> list[str]:
    """How it was run: engines, machine, versions."""
    engines: dict[str, set[str]] = {}
    for record in runs:
        if record.engine:
            engines.setdefault(record.engine, set()).add(f"{record.network} by {record.rule_title}")
    versions = next((record.versions for record in runs if record.versions), {})
    return [
        "engines: " + "; ".join(f"{name} for {', '.join(sorted(engines[name]))}" for name in sorted(engines)),
        f"machine: {platform.machine()}, {platform.system()}; devices: {', '.join(sorted({r.device for r in runs}))}",
        _processors(runs),
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]


def _processors(runs: list[RunRecord]) -> str:
    """The types of processor; runs are the same bit for bit only on the same one."""
    found = Counter(run.processor for run in runs if run.processor)
    if len(found) < 2:
        return f"processor: {''.join(found) or 'not recorded'}"
    counts = "; ".join(f"{name}: {count} runs" for name, count in sorted(found.items()))
    return (
        f"MIXED PROCESSORS: {counts}. Sums are rounded differently on each, so scores may differ for this reason alone"
    )
