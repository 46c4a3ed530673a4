"""One run of a study, as a function of plain data that any executor can call: in this process, another, or on a cluster."""

import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from neurorec.basics.errors import NeurorecError
from neurorec.experiments.plan import RunSpec, versions
from neurorec.experiments.results import RunRecord
from neurorec.experiments.store import RunStore
from neurorec.learning.rule import rules
from neurorec.models.architecture import READOUT, Architecture
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import load_task
from neurorec.training import Run, best_baseline, load_pair, train


def start_worker(parent: int) -> None:
    """Prepare a worker process: one thread (so that --jobs never changes a result), Ctrl-C handled by the parent, and exit
    when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def execute(spec: RunSpec, folder: Path) -> tuple[str, str]:
    """Run `spec`, store the result, and return (run id, "" or the reason of failure)."""
    torch.set_num_threads(1)
    store, start = RunStore(folder), time.perf_counter()
    try:
        record, run = _baseline(spec) if spec.half == "baseline" else _trained(spec, store)
    except NeurorecError as error:
        reason = str(error)
    except Exception as error:  # a bug in one run must not affect the others
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        reason = f"{type(error).__name__}: {error} (at {place}; this is a bug, please report it)"
    else:
        store.put(record, run, Path(spec.pair_path) if spec.pair else None)
        return spec.run_id, ""
    store.put_failed(_failed(spec, reason, time.perf_counter() - start))
    return spec.run_id, reason


def _trained(spec: RunSpec, store: RunStore) -> tuple[RunRecord, Run]:
    pair = load_pair(spec.pair_path)
    half = pair.half(spec.half)
    task = load_task(spec.task, spec.seed)

    def progress(epoch: int, epochs: int, score: float | None) -> None:
        seen = "" if score is None else f"{score:.3f}"
        (store.working / f"{spec.run_id}.progress").write_text(f"{epoch} {epochs} {seen}")

    run = train(
        half, task, spec.rule, spec.seed, engine=spec.engine, device=spec.device, max_epochs=spec.max_epochs,
        freeze_recurrence=spec.control == "frozen recurrence", other_rounding=spec.control == "other rounding",
        max_samples=spec.max_samples, progress=progress,
    )  # fmt: skip
    return _record(spec, run, half.architecture), run


def _record(spec: RunSpec, run: Run, architecture: Architecture) -> RunRecord:
    name, baseline = best_baseline(run.task)
    return replace(
        _blank(spec, run.task.objective), network=run.network.title,
        layers={layer: card.name for layer, card in architecture.cards.items() if layer != READOUT},  # type: ignore[attr-defined]
        rule_title=run.rule_title, engine=run.engine, device=run.device, train_score=run.scores["train"],
        validation_score=run.scores["validation"], test_score=run.scores["test"], extra_scores=run.extra_scores,
        chance_score=run.task.chance_score, baseline=name, baseline_score=baseline["test"],
        parameters=run.network.parameter_count, spikes_per_sample=run.activity.spikes_per_sample,
        judgements=[(judgement.stance, judgement.why) for judgement in run.judgements], wall_s=run.wall_s,
        training=run.training, dt_ms=getattr(run.network, "dt_ms", None),
    )  # fmt: skip


def _baseline(spec: RunSpec) -> tuple[RunRecord, None]:
    start, task = time.perf_counter(), load_task(spec.task, spec.seed)
    found, (name, best) = task.baselines(), best_baseline(task)
    scores = found[spec.control]
    return replace(
        _blank(spec, task.objective), network=spec.control, train_score=scores["train"], test_score=scores["test"],
        validation_score=scores["validation"], chance_score=found[task.objective.chance]["test"], baseline=name,
        baseline_score=best["test"], wall_s=time.perf_counter() - start,
    ), None  # fmt: skip


def _failed(spec: RunSpec, reason: str, wall_s: float) -> RunRecord:
    objective, network = None, spec.pair or spec.control
    with suppress(NeurorecError):
        objective = load_task(spec.task, spec.seed).objective
        network = load_pair(spec.pair_path).half(spec.half).architecture.title if spec.pair else network
    rule_title = rules[spec.rule].title if spec.rule else ""
    return replace(
        _blank(spec, objective), network=network, rule_title=rule_title, status="failed", reason=reason, wall_s=wall_s
    )


def _blank(spec: RunSpec, objective: Objective | None) -> RunRecord:
    """The part of a run's record that is known before it starts."""
    return RunRecord(
        run_id=spec.run_id, pair=spec.pair, half=spec.half, control=spec.control, network="", layers={},  # type: ignore[arg-type]
        rule=spec.rule, rule_title="", task=spec.task, seed=spec.seed, engine=spec.engine, device=spec.device,
        metric=objective.metric if objective else "", unit=objective.unit if objective else "",
        higher_is_better=objective.higher_is_better if objective else True, train_score=0.0, validation_score=0.0,
        test_score=0.0, extra_scores={}, chance_score=0.0, baseline="", baseline_score=0.0, parameters=0,
        spikes_per_sample=0.0, judgements=[], status="done", reason="", wall_s=0.0, versions=versions(),
    )  # fmt: skip
