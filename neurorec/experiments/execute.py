"""One run of a study, as a function of plain data that any executor can call: this process, another, or a cluster."""

import os
import signal
import threading
import time
import traceback
from pathlib import Path

import torch

from neurorec.basics.errors import NeurorecError
from neurorec.experiments.plan import RunSpec, versions
from neurorec.experiments.results import RunRecord
from neurorec.experiments.store import Store
from neurorec.learning.rule import rules
from neurorec.models.cell import cells
from neurorec.tasks.task import load_task
from neurorec.training import Run, load_pair, ridge_on_input, train


def start_worker(parent: int) -> None:
    """Prepare a worker process: one thread each (so that --jobs never changes a result), Ctrl-C left to the parent, and
    an end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def execute(spec: RunSpec, folder: Path) -> tuple[str, str]:
    """Run `spec`, store what comes out, and return (run id, "" or the reason why it failed)."""
    torch.set_num_threads(1)
    store, start = Store(folder), time.perf_counter()
    try:
        record, run = _baseline(spec) if spec.half == "baseline" else _trained(spec, store)
    except NeurorecError as error:
        reason = str(error)
    except Exception as error:  # a defect in one run must not take the others down
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        reason = f"{type(error).__name__}: {error} (at {place}; this is a defect, please report it)"
    else:
        store.put(record, run, Path(spec.pair_path) if spec.pair else None)
        return spec.run_id, ""
    store.put_failed(_failed(spec, reason, time.perf_counter() - start))
    return spec.run_id, reason


def _trained(spec: RunSpec, store: Store) -> tuple[RunRecord, Run]:
    pair = load_pair(spec.pair_path)
    half = pair.rate if spec.half == "rate" else pair.spiking
    task = load_task(spec.task, spec.seed)

    def progress(epoch: int, epochs: int, score: float | None) -> None:
        seen = "" if score is None else f"{score:.3f}"
        (store.working / f"{spec.run_id}.progress").write_text(f"{epoch} {epochs} {seen}")

    run = train(
        half, task, spec.rule, spec.seed, engine=spec.engine, device=spec.device, max_epochs=spec.max_epochs,
        freeze_recurrence=spec.control == "frozen recurrence", max_samples=spec.max_samples, progress=progress,
    )  # fmt: skip
    return _record(spec, run), run


def _record(spec: RunSpec, run: Run) -> RunRecord:
    return RunRecord(
        run_id=spec.run_id, pair=spec.pair, half=spec.half, control=spec.control, network=run.network.cell.title,  # type: ignore[arg-type]
        cell=run.network.cell.card.name, rule=run.rule, rule_title=run.rule_title, task=spec.task, seed=spec.seed,
        engine=run.engine, device=run.device, metric="accuracy (readout)", train_score=run.scores["train"],
        validation_score=run.scores["validation"], test_score=run.scores["test"], extra_scores=run.extra_scores,
        chance_score=run.task.chance_score, baseline_score=ridge_on_input(run.task)["test"],
        parameters=run.network.parameter_count, spikes_per_sample=run.activity.spikes_per_sample,
        judgements=[(judgement.stance, judgement.why) for judgement in run.judgements], status="done", reason="",
        wall_s=run.wall_s, training=run.training, versions=versions(), dt_ms=getattr(run.network.cell.card, "dt_ms", None),
    )  # fmt: skip


def _baseline(spec: RunSpec) -> tuple[RunRecord, None]:
    start, task = time.perf_counter(), load_task(spec.task, spec.seed)
    ridge = ridge_on_input(task)
    if spec.control == "chance":
        train_score = validation_score = test_score = task.chance_score
        network, rule_title, parameters = "chance", "most frequent class", 0
    else:
        train_score, validation_score, test_score = ridge["train"], ridge["validation"], ridge["test"]
        network, rule_title = "ridge on the input", "least squares"
        parameters = (task.inputs * task.x.shape[0] + 1) * task.classes
    return RunRecord(
        run_id=spec.run_id, pair="", half="baseline", control=spec.control, network=network, cell="", rule="",
        rule_title=rule_title, task=spec.task, seed=spec.seed, engine="", device="cpu", metric="accuracy (readout)",
        train_score=train_score, validation_score=validation_score, test_score=test_score, extra_scores={},
        chance_score=task.chance_score, baseline_score=ridge["test"], parameters=parameters, spikes_per_sample=0.0,
        judgements=[], status="done", reason="", wall_s=time.perf_counter() - start, versions=versions(),
    ), None  # fmt: skip


def _failed(spec: RunSpec, reason: str, wall_s: float) -> RunRecord:
    try:
        pair = load_pair(spec.pair_path)
        cell = (pair.rate if spec.half == "rate" else pair.spiking).cell.name
        network = cells[cell].title
    except NeurorecError:
        cell, network = "", spec.pair
    return RunRecord(
        run_id=spec.run_id, pair=spec.pair, half=spec.half, control=spec.control, network=network, cell=cell,  # type: ignore[arg-type]
        rule=spec.rule, rule_title=rules[spec.rule].title if spec.rule else "", task=spec.task, seed=spec.seed,
        engine=spec.engine, device=spec.device, metric="accuracy (readout)", train_score=0.0, validation_score=0.0,
        test_score=0.0, extra_scores={}, chance_score=0.0, baseline_score=0.0, parameters=0, spikes_per_sample=0.0,
        judgements=[], status="failed", reason=reason, wall_s=wall_s, versions=versions(),
    )  # fmt: skip
