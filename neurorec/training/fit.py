"""One training from start to scores: every choice on validation data, the test split read once at the end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.basics.seeds import torch_generator
from neurorec.engines.activity import Activity
from neurorec.engines.asked import asked_engines
from neurorec.engines.engine import Engine, choose_engine
from neurorec.learning.assignment import fit_count_readout, label_assignment_scores
from neurorec.learning.rule import Judgement, Rule, TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.task import Batch, Split, Task, accuracy, batches, masked_mean
from neurorec.training.pairs import LoadedHalf

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Progress = Callable[[int, int, float | None], None]  #: epoch, epochs, validation score if known


@dataclass
class Run:
    """A trained network and everything observed about it.

    scores: accuracy by split of the readout; extra_scores: further metrics, each by split. `activity` was counted on the
    whole test split, in one pass.
    """

    network: Network
    pair: str
    half: str
    rule: str
    rule_title: str
    task: Task
    seed: int
    engine: str
    device: str
    encoder: Encoder
    scores: dict[str, float]
    extra_scores: dict[str, dict[str, float]]
    history: list[dict[str, float]]
    activity: Activity
    judgements: tuple[Judgement, ...]
    training: dict[str, float] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def test_accuracy(self) -> float:
        return self.scores["test"]


def pick_device(name: str) -> str:
    """ "cpu", "cuda", or for "auto" cuda where there is one."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f'device "{name}" is not known; use cpu, cuda or auto')
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: torch sees no CUDA device here; use --device cpu or auto")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


@contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread: small steps are faster so, and a run's sums do not depend on who called it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def train(
    half: LoadedHalf,
    task: Task,
    rule: str,
    seed: int,
    *,
    engine: str = "auto",
    device: str = "auto",
    freeze_recurrence: bool = False,
    max_epochs: int | None = None,
    max_samples: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train `half` on `task` by the training its card states for `rule`.

    Parameters
    ----------
    engine : "auto", or the name of an engine: of one that steps cells and can run this one, or of an event engine, for a
        rule whose weights change at spikes; what it does not name is chosen as for "auto"
    freeze_recurrence : the control with recurrent weights at zero
    max_epochs, max_samples : caps for quick looks; a run under a cap is not a result

    Raises
    ------
    InputError, CannotRun
        If the combination cannot work; nothing was started.
    RunFailed
        If the loss became NaN, or the trained network is silent.
    """
    start = time.perf_counter()
    card, device = half.training(rule, task.name), pick_device(device)
    network = half.build(task.inputs, task.classes, torch_generator(seed, "weights"))
    if freeze_recurrence:
        network.cell.freeze_recurrence()
    network.to(device)
    for_cells, for_events = asked_engines(engine)
    method = rules[rule](card, for_events)
    method.check(network)
    if for_events != "auto" and method.event_engine_for(network) is None:
        raise CannotRun(
            f"engine {engine} runs rules whose weights change at spikes, not {method.title}; use --engine auto"
        )
    if task.lengths is not None and method.whole_split:
        raise CannotRun(
            f"rule {method.title} presents samples of one length, and those of task {task.name} differ; use bptt or ridge"
        )
    stepper = choose_engine(for_cells, network.cell)
    data = _encoded(half.encoder, task, seed, device, max_samples)
    epochs = card.epochs if max_epochs is None else min(card.epochs, max_epochs)
    history, learned = _fit(network, method, stepper, data, epochs, torch_generator(seed, "training"), progress)
    extra = _read_counts(network, method, stepper, data, card, learned)
    scores, activity = _evaluate(network, stepper, data)
    if network.cell.output_signal == "spikes" and activity.hidden_spikes.sum() == 0:
        raise RunFailed(_silence(network))
    return Run(
        network=network, pair=half.pair, half=half.half, rule=rule, rule_title=method.title_for(network), task=task,
        seed=seed, engine=method.engine_name(stepper), device=device, encoder=half.encoder, scores=scores,
        extra_scores=extra, history=history, activity=activity, judgements=method.judgements(network), training=learned,
        wall_s=time.perf_counter() - start,
    )  # fmt: skip


def encoded_split(encoder: Encoder, task: Task, split: Split, seed: int, max_samples: int | None = None) -> Batch:
    """A split as the network sees it, in steps; `max_samples` caps it. Random encoders draw from `seed` and the split."""
    batch = task.split(split)
    if max_samples is not None:
        batch = batch.take(torch.arange(min(max_samples, batch.size)))
    return encoder.encode_batch(batch, torch_generator(seed, f"encoder {split}"))


def _encoded(encoder: Encoder, task: Task, seed: int, device: str, max_samples: int | None) -> dict[Split, Batch]:
    caps: dict[Split, int | None] = {"train": max_samples, "validation": None, "test": None}
    return {split: encoded_split(encoder, task, split, seed, caps[split]).to(device) for split in SPLITS}


def _fit(
    network: Network, method: Rule, engine: Engine, data: dict[Split, Batch], epochs: int, generator: torch.Generator,
    progress: Progress | None,
) -> tuple[list[dict[str, float]], dict[str, float]]:  # fmt: skip
    """All epochs; where the rule can be scored after each, the weights of the best validation score are kept."""
    state, history = method.init(network, engine, generator), []
    learned = {"samples_seen": 0.0, "weight_updates": 0.0, "epochs": float(epochs)}
    best_score, best_weights = -1.0, None
    size = data["train"].size if method.whole_split else method.card.batch_size
    for epoch in range(epochs):
        losses = []
        for batch in batches(data["train"], size, generator):
            state, info = method.step(network, state, batch)
            learned["samples_seen"] += batch.size
            learned["weight_updates"] += info.updates
            losses += [] if info.loss is None else [info.loss]
        score = None
        if method.scored_each_epoch:
            score = _score(network, engine, data["validation"])
            history.append({"epoch": epoch + 1, "loss": sum(losses) / len(losses), "validation_score": score})
            if score >= best_score:  # of equal scores the later, better settled one
                best_score = score
                best_weights = {name: value.clone() for name, value in network.state_dict().items()}
                learned["best_epoch"] = float(epoch + 1)
        if progress is not None:
            progress(epoch + 1, epochs, score)
    if best_weights is not None:
        network.load_state_dict(best_weights)
    learned.update(method.finish(network, state, data["validation"]))
    return history, learned


@torch.no_grad()
def _score(network: Network, engine: Engine, batch: Batch) -> float:
    return accuracy(engine.answers(network, batch.x, batch.mask, batch.lengths), batch.target)


@torch.no_grad()
def _evaluate(network: Network, engine: Engine, data: dict[Split, Batch]) -> tuple[dict[str, float], Activity]:
    scores = {split: _score(network, engine, data[split]) for split in ("train", "validation")}
    test = data["test"]
    seen = engine.run(network, test.x, test.lengths)
    scores["test"] = accuracy(masked_mean(seen.outputs, test.mask), test.target)
    return cast(dict[str, float], scores), seen.activity


@torch.no_grad()
def _read_counts(
    network: Network, method: Rule, engine: Engine, data: dict[Split, Batch], card: TrainingCard, learned: dict[str, float]
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Fit the readout anew on spike counts where the card asks for it; unsupervised rules are scored by labels too."""
    if card.count_readout_penalties is not None:
        learned["penalty"] = fit_count_readout(
            network, engine, data["train"], data["validation"], card.count_readout_penalties
        )
    if not method.unsupervised:
        return {}
    counts = {split: _counts(network, engine, data[split].x) for split in SPLITS}
    targets = {split: data[split].target for split in SPLITS}
    scores = label_assignment_scores(counts["train"], data["train"].target, counts, targets)
    return {"accuracy (label assignment)": scores}


def _counts(network: Network, engine: Engine, x: Tensor) -> Tensor:
    """Spikes of each unit to each sample [B, H]."""
    return engine.weighted_sums(network.cell, x, x.new_ones(1, len(x)))[0]


def _silence(network: Network) -> str:
    card: Any = network.cell.card
    return (
        f"no neuron of the {network.cell.title} layer spiked on the whole test split (a silent network): raise input_gain "
        f"(now {getattr(card, 'input_gain', 'not in this card')}) or lower v_threshold (now {card.v_threshold:g}) in the pair "
        "card, or pull the rate up with rate_target and rate_weight"
    )
