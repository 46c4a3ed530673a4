"""One training from start to scores: all choices use validation data; the test split is read once, at the end."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.basics.seeds import torch_generator
from neurorec.engines.activity import Activity
from neurorec.engines.asked import asked_engines
from neurorec.engines.engine import can_sum, choose_engine
from neurorec.engines.relaxation import Relaxation
from neurorec.learning.intervention import intervened, why_not_intervene
from neurorec.learning.rule import Rule, TrainingCard
from neurorec.models.energy.model import EnergyModel
from neurorec.models.network import Network
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.environment import Environment
from neurorec.tasks.task import SPLITS, Task
from neurorec.training.course import Course, Episodes, Samples, Scores, encoded_split
from neurorec.training.health import check_health, trained_weights
from neurorec.training.reading_counts import read_counts, scores_by_labels
from neurorec.training.run import Run
from neurorec.training.subject import Subject, find_rule, subject_of

__all__ = ["Progress", "Run", "encoded_split", "pick_device", "train"]

Progress = Callable[[int, int, float | None], None]  #: epoch, epochs, validation score if known


def pick_device(name: str) -> str:
    """ "cpu" or "cuda"; for "auto", cuda if available."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f'device "{name}" is not known; use cpu, cuda or auto')
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: torch finds no CUDA device; use --device cpu or auto")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


@contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread: faster for small steps, and a run's sums do not depend on the caller."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def train(
    model: Any,
    task: Task,
    rule: str | type[Rule],
    seed: int = 0,
    *,
    settings: Mapping[str, Any] | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    engine: str = "auto",
    device: str = "auto",
    freeze_recurrence: bool = False,
    other_rounding: bool = False,
    intervention: str | None = None,
    max_epochs: int | None = None,
    max_samples: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train `model` on `task` by `rule`.

    Parameters
    ----------
    model : half of a pair, whose card defines the training; or your own `Network`, `Cell`, `EnergyModel` or torch module
        (input [T, B, I] to output [T, B, O], counted by torch's FLOP counter), trained in place. A cell gets a linear
        readout and weights drawn with `seed`; networks and modules start from their current weights
    rule : a registered name, or your own `Rule` class
    settings : the keys of a [[training]] table, instead of those of a pair card; required for your own model
    encoder : for your own model, as an object or as the keys of an encoder table; default: none
    engine : "auto", or the name of an engine: one that steps cells and can run this one, or an event engine, for a
        rule whose weights change at spikes; the other kind is then chosen as for "auto"
    freeze_recurrence : the control with recurrent weights fixed at zero
    other_rounding : the control with the samples of each batch in reverse order: the same mathematics, but sums round
        differently
    intervention : an experiment on one objection to backpropagation, by its registered name
    max_epochs, max_samples : limits for smoke tests; such a run is not a result

    Raises
    ------
    InputError, CannotRun
        If the combination cannot work; nothing was started.
    RunFailed
        If the loss becomes NaN, or the trained network never spikes.
    """
    start = time.perf_counter()
    if not isinstance(task, Task):
        raise InputError(
            f"task must be a Task, as from nr.load_task or nr.Task.from_arrays (got {type(task).__name__})"
        )
    subject = subject_of(model, encoder)
    rule_name, rule_class = find_rule(rule)
    device = pick_device(device)
    network = subject.build(task, torch_generator(seed, "weights"))
    rule_class.check(network, task)  # before the settings, so that an unsuitable rule is reported first
    card = subject.training(rule_name, rule_class, task, settings)
    for_cells, for_events = asked_engines(engine)
    if intervention is not None and (reason := why_not_intervene(intervention, rule_class, network)) is not None:
        raise CannotRun(f"{intervention}: rule {rule_class.title} on {network.title}: {reason}")
    method = (rule_class if intervention is None else intervened(intervention, rule_class))(card, for_events)
    if for_events != "auto" and method.event_engine_for(network) is None:
        raise CannotRun(
            f"engine {engine} runs rules whose weights change at spikes, not {method.title}; use --engine auto"
        )
    _check(network, task, card, freeze_recurrence)
    if freeze_recurrence:
        network.freeze_recurrence()
    network.to(device)
    stepper = Relaxation(seed) if isinstance(network, EnergyModel) else choose_engine(for_cells, network)
    course = _course(network, task, subject, stepper, seed, device, max_samples, other_rounding, rule_class.in_parts)
    epochs = card.epochs if max_epochs is None else min(card.epochs, max_epochs)
    before = trained_weights(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for the user's own modules: everything else draws from generators
        history, learned = _fit(
            network, method, stepper, course, task, epochs, torch_generator(seed, "training"), progress
        )
    extra = read_counts(network, method, stepper, course, learned)
    scores, further, activity = _evaluate(course, task)
    if activity.hidden and not any(seen.spikes.sum() for seen in activity.hidden.values()):
        raise RunFailed(_silence(network))
    return Run(
        network=network, pair=subject.pair, half=subject.half, rule=rule_name, rule_title=method.titled(network),
        task=task, seed=seed, engine=method.engine_name(stepper), device=device, encoder=subject.encoder, scores=scores,
        extra_scores=further | extra, history=history, activity=activity, judgements=method.judged(network),
        method=rule_class, training=learned, wall_s=time.perf_counter() - start,
        health=check_health(network, stepper, before, activity, course),
    )  # fmt: skip


def _check(network: Any, task: Task, card: TrainingCard, freeze_recurrence: bool) -> None:
    """Raises `CannotRun` if an energy model is asked for something only layers can do, or for counts without a readout."""
    layered = isinstance(network, Network)
    if not layered and (freeze_recurrence or isinstance(task, Environment)):
        what = (
            "has no recurrent weights to freeze"
            if freeze_recurrence
            else f"cannot act step by step in task {task.name}"
        )
        raise CannotRun(f"{network.title} {what}: it is an energy model, which settles as a whole")
    if card.count_readout_penalties is None:
        return
    if not task.objective.pooled:
        raise CannotRun(
            "count_readout_penalties: spike counts are read out once per sample, but this task has targets in every frame"
        )
    if not layered or not can_sum(network) or not network[network.output].trained:
        raise CannotRun(f"count_readout_penalties: {network.title} has no plain readout to refit")


def _course(
    network: Any, task: Task, subject: Subject, engine: Any, seed: int, device: str, max_samples: int | None, reverse: bool,
    in_parts: bool,
) -> Course:  # fmt: skip
    if isinstance(task, Environment):
        return Episodes(network, task, subject.encoder, engine, device, max_samples)
    return Samples(network, task, subject.encoder, engine, seed, device, max_samples, reverse, in_parts)


def _fit(
    network: Any, method: Rule, engine: Any, course: Course, task: Task, epochs: int, generator: torch.Generator,
    progress: Progress | None,
) -> tuple[list[dict[str, float]], dict[str, float]]:  # fmt: skip
    """All epochs; if the rule can be scored after each, the weights with the best validation score are kept, unless the task
    is exhaustive."""
    objective = task.objective
    respected = network.constraints.respected if isinstance(network, Network) and network.constraints else nullcontext
    with respected():  # your own network may start from any weights
        pass
    state, history = method.init(network, engine, objective, generator), []
    learned = {"samples_seen": 0.0, "weight_updates": 0.0, "epochs": float(epochs)}
    best_score, best_weights = None, None
    size = None if method.whole_split else method.card.batch_size
    for epoch in range(epochs):
        losses = []
        network.train()
        for batch in course.epoch(epoch, size, generator):
            with respected():
                state, info = method.step(network, state, method.as_shown(batch, objective))
            learned["samples_seen"] += batch.size
            for name, number in {"weight_updates": info.updates, **info.more}.items():
                learned[name] = learned.get(name, 0.0) + number
            losses += [] if info.loss is None else [info.loss]
        score = None
        network.eval()
        if method.scored_each_epoch:
            score = course.scores("validation")[objective.metric]
            loss = sum(losses) / len(losses) if losses else float("nan")
            history.append({"epoch": epoch + 1, "loss": loss, "validation_score": score})
            better = best_score is None or objective.is_better(score, best_score)  # of equal scores the later one
            if better and not task.exhaustive:
                best_score = score
                best_weights = {name: value.clone() for name, value in network.state_dict().items()}
                learned["best_epoch"] = float(epoch + 1)
        elif method.read_by_labels and isinstance(course, Samples):  # for the curve only: nothing is chosen by it
            score = scores_by_labels(network, engine, course, ("train", "validation"))["validation"]
            history.append({"epoch": epoch + 1, "loss": float("nan"), "validation_score": score})
        if progress is not None:
            progress(epoch + 1, epochs, score)
    if best_weights is not None:
        network.load_state_dict(best_weights)
    if isinstance(course, Samples):
        with respected():
            learned.update(method.finish(network, state, method.as_shown(course.data["validation"], objective)))
    return history, learned


def _evaluate(course: Course, task: Task) -> tuple[dict[str, float], dict[str, dict[str, float]], Activity]:
    """The metric per split, all other scores by name and split, and the activity on the test split."""
    found: dict[str, Scores] = {split: course.scores(split) for split in ("train", "validation")}
    found["test"], activity = course.test()
    metric = task.objective.metric
    others = {name: {split: found[split][name] for split in SPLITS} for name in found["test"] if name != metric}
    return {split: found[split][metric] for split in SPLITS}, others, activity


def _silence(network: Any) -> str:
    card: Any = next(layer.card for layer in network.hidden.values() if layer.output_signal == "spikes")
    gain = getattr(card, "input_gain", "not in this card")
    threshold = f"{card.v_threshold:g}" if hasattr(card, "v_threshold") else "not in this card"
    return (
        f"no neuron of the {network.title} layer spiked on the whole test split: raise input_gain "
        f"(now {gain}) or lower v_threshold (now {threshold}) in the pair "
        "card, or regularise the rate with rate_target and rate_weight"
    )
