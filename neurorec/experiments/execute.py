"""One run of a study, as a function of plain data that any executor can call: in this process, another, or on a cluster."""

import functools
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from neurorec.basics.errors import NeurorecError
from neurorec.engines.llvm.processor import processor
from neurorec.experiments.finished import Finished, finished
from neurorec.experiments.plan import RunSpec, versions
from neurorec.experiments.progress import Channel, Progress
from neurorec.experiments.results import RunRecord
from neurorec.learning.intervention import interventions
from neurorec.learning.rule import rules
from neurorec.models.architecture import READOUT, Architecture
from neurorec.tasks.objective import Objective, Split
from neurorec.tasks.task import Task, load_task, tasks
from neurorec.training import LoadedHalf, Run, best_baseline, health, pair_from_text, train


def execute(spec: RunSpec, channel: Channel) -> Finished:
    """Run `spec` with one thread (so that --jobs never changes a result). Nothing is read but data sets, and nothing is
    stored: that is the client's part. A failure is a result, too."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    health.log.disabled = True  # the record has the findings
    try:
        record, run = _baseline(spec) if spec.half == "baseline" else _trained(spec, channel)
        return finished(record, run, spec.card)
    except Exception as error:  # a bug in one run must not affect the others
        return failed(spec, why_failed(error), time.perf_counter() - start)
    finally:
        health.log.disabled = False


def why_failed(error: Exception) -> str:
    """The reason of a failure; anything but our own errors is a bug."""
    if isinstance(error, NeurorecError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__}: {error} (at {place}; this is a bug, please report it)"


def _trained(spec: RunSpec, channel: Channel) -> tuple[RunRecord, Run]:
    half, task = _half(spec), loaded(spec.task, spec.seed)

    def progress(epoch: int, epochs: int, score: float | None) -> None:
        channel.tell(spec.run_id, Progress(epoch, epochs, score))

    run = train(
        half, task, spec.rule, spec.seed, engine=spec.engine, device=spec.device, max_epochs=spec.max_epochs,
        freeze_recurrence=spec.control == "frozen recurrence", other_rounding=spec.control == "other rounding",
        intervention=spec.control if spec.control in interventions else None, max_samples=spec.max_samples,
        progress=progress,
    )  # fmt: skip
    return _record(spec, run, half.architecture), run


def _record(spec: RunSpec, run: Run, architecture: Architecture) -> RunRecord:
    found, objective = _baselines(spec.task, spec.seed), run.task.objective
    name, baseline = best_baseline(found, objective)
    return replace(
        _blank(spec, objective), network=run.network.title,
        layers={layer: card.name for layer, card in architecture.cards.items() if layer != READOUT},  # type: ignore[attr-defined]
        rule_title=run.rule_title, engine=run.engine, device=run.device, train_score=run.scores["train"],
        validation_score=run.scores["validation"], test_score=run.scores["test"], extra_scores=run.extra_scores,
        chance_score=found[objective.chance]["test"], baseline=name, baseline_score=baseline["test"],
        parameters=run.network.parameter_count, spikes_per_sample=run.activity.spikes_per_sample,
        judgements=[(judgement.stance, judgement.why) for judgement in run.judgements], wall_s=run.wall_s,
        training=run.training, inputs=run.task.inputs, outputs=run.task.outputs, dt_ms=getattr(run.network, "dt_ms", None),
        exhaustive=run.task.exhaustive, health=list(run.health),
    )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _made(make: Callable[[int], Task], seed: int) -> tuple[Task, dict[str, dict[Split, float]]]:
    task = make(seed)
    return task, task.baselines()


def loaded(task: str, seed: int) -> Task:
    """The task, loaded once per process for all runs on it."""
    return _made(tasks[task], seed)[0]


def _baselines(task: str, seed: int) -> dict[str, dict[Split, float]]:
    return _made(tasks[task], seed)[1]


def _baseline(spec: RunSpec) -> tuple[RunRecord, None]:
    start, objective = time.perf_counter(), loaded(spec.task, spec.seed).objective
    found = _baselines(spec.task, spec.seed)
    name, best = best_baseline(found, objective)
    scores = found[spec.control]
    return replace(
        _blank(spec, objective), network=spec.control, train_score=scores["train"], test_score=scores["test"],
        validation_score=scores["validation"], chance_score=found[objective.chance]["test"], baseline=name,
        baseline_score=best["test"], wall_s=time.perf_counter() - start,
    ), None  # fmt: skip


def _half(spec: RunSpec) -> LoadedHalf:
    half = pair_from_text(spec.card, Path(f"{spec.pair}.toml")).half(spec.half)
    return half.with_constants(spec.rule, spec.task, spec.settings) if spec.settings else half


def failed(spec: RunSpec, reason: str, wall_s: float = 0.0) -> Finished:
    """The record of a run that failed for `reason`."""
    objective, network = None, spec.pair or spec.control
    with suppress(NeurorecError):
        objective = load_task(spec.task, spec.seed).objective
        network = _half(spec).architecture.title if spec.pair else network
    rule_title = rules[spec.rule].title if spec.rule else ""
    record = _blank(spec, objective)
    return finished(
        replace(record, network=network, rule_title=rule_title, status="failed", reason=reason, wall_s=wall_s)
    )


def _processor(device: str) -> str:
    used = f"{torch.backends.cpu.get_cpu_capability()} ({processor().cpu})"
    return used if device == "cpu" else f"{torch.cuda.get_device_name()}, {used}"


def _blank(spec: RunSpec, objective: Objective | None) -> RunRecord:
    """The part of a run's record that is known before it starts."""
    return RunRecord(
        run_id=spec.run_id, pair=spec.pair, half=spec.half, control=spec.control, network="", layers={},  # type: ignore[arg-type]
        rule=spec.rule, rule_title="", task=spec.task, seed=spec.seed, engine=spec.engine, device=spec.device,
        metric=objective.metric if objective else "", unit=objective.unit if objective else "",
        higher_is_better=objective.higher_is_better if objective else True, train_score=0.0, validation_score=0.0,
        test_score=0.0, extra_scores={}, chance_score=0.0, baseline="", baseline_score=0.0, parameters=0,
        spikes_per_sample=0.0, judgements=[], status="done", reason="", wall_s=0.0, versions=versions(),
        processor=_processor(spec.device), settings=spec.settings,
    )  # fmt: skip
