"""The runs that a study needs, each with an id that covers everything that determines its result."""

import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.files import file_stem
from neurorec.basics.plugins import plugin_digests
from neurorec.engines.asked import asked_engines
from neurorec.engines.engine import Engine, choose_engine, engines
from neurorec.engines.event_engine import EventEngine, event_engines
from neurorec.experiments.study import LoadedStudy
from neurorec.learning.intervention import interventions, why_not_intervene
from neurorec.learning.rule import TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.task import Task, load_task, tasks
from neurorec.training import LoadedHalf, LoadedPair
from neurorec.training.fit import pick_device

CODE_THAT_DECIDES = ("basics", "models", "tasks", "engines", "learning", "training")
STORED_FORMAT = 5  # increase when the contents of a run's folder change, so that older runs are repeated
MOST_SEEDS = 10_000
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "norse", "numba", "llvmlite", "brian2")


@dataclass(frozen=True)
class RunSpec:
    """One run, as plain data that can be sent to another process or machine."""

    run_id: str
    pair: str  #: card name, "" for baselines
    card: str = field(repr=False)  #: text of the pair card, as checked; "" for baselines
    half: str  #: "rate", "spiking" or "baseline"
    rule: str
    task: str
    seed: int
    control: str  #: "", "frozen recurrence", "other rounding", or the name of a baseline
    engine: str  #: the event engine if the rule uses one (unless the other kind was requested), else the cell engine
    device: str
    max_epochs: int | None
    max_samples: int | None
    settings: dict[str, Any] = field(default_factory=dict)  #: constants chosen by a search, instead of the card's

    @property
    def title(self) -> str:
        """One line for display."""
        what = f"{self.pair} {self.half} {self.rule}" if self.pair else self.control
        return f"{what}{f' ({self.control})' if self.pair and self.control else ''} {self.task} seed {self.seed}"


@dataclass(frozen=True)
class Options:
    """Settings of a study that the command line may change."""

    seeds: tuple[int, ...]
    engine: str = "auto"
    device: str = "auto"
    max_epochs: int | None = None
    max_samples: int | None = None

    @classmethod
    def of(cls, study: LoadedStudy, *, quick: bool, seeds: int | None, engine: str, device: str) -> "Options":
        """Options for a full or quick run; `seeds`: number of seeds (0, 1, ... after those of the card)."""
        card = study.card
        chosen = chosen_seeds(card.quick.seeds if quick else card.seeds, seeds)
        caps = (card.quick.max_epochs, card.quick.max_samples) if quick else (None, None)
        return cls(chosen, engine, pick_device(device), *caps)


def chosen_seeds(of_card: Sequence[int], seeds: int | None) -> tuple[int, ...]:
    """The seeds of the card, or as many as requested: fewer of them, or also 0, 1, ..."""
    chosen = tuple(of_card)
    if seeds is None:
        return chosen
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: at least one seed is needed")
    if seeds > MOST_SEEDS:
        raise InputError(f"--seeds {seeds}: at most {MOST_SEEDS:,} seeds are planned at once")
    spare = (number for number in range(10**6) if number not in chosen)
    return (*chosen, *(next(spare) for _ in range(seeds - len(chosen))))[:seeds]


def versions() -> dict[str, str]:
    """Versions on which results depend, besides cards and code."""
    return {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}


@functools.cache
def _version(library: str) -> str:
    return importlib.metadata.version(library)


@functools.cache
def code_digest() -> str:
    """A hash of all source code that affects results."""
    return source_digest(CODE_THAT_DECIDES)


def source_digest(folders: tuple[str, ...]) -> str:
    """A hash of the source code in these folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def plan_runs(study: LoadedStudy, options: Options) -> list[RunSpec]:
    """All runs of the study, in the order of its card. Raises `CannotRun` if the requested engine can run none of them."""
    _check_engine(study, options.engine)
    asked, specs = study.card.controls, []
    named = sorted({training.task for pair in study.pairs for half in pair.halves for training in half.trainings})
    frozen_on = named if study.card.frozen_on is None else study.card.frozen_on
    loaded = {name: load_task(name, options.seeds[0]) for name in named}
    for pair in study.pairs:
        for half in pair.halves:
            for number, training in enumerate(half.trainings):
                rule, task = rules[training.rule], loaded[training.task]
                rule.check(probe(half), task)
                half.check_memory(task.inputs, task.outputs)
                controls = {"": options.seeds}
                frozen = "frozen recurrence" in asked and training.task in frozen_on
                if frozen and rule.recurrent_frozen_control and _recurrent(half):
                    controls["frozen recurrence"] = options.seeds
                if "other rounding" in asked and rule.order_free and training.batch_size > 1:
                    controls["other rounding"] = options.seeds[:1]
                if study.card.interventions_on is None or training.task in study.card.interventions_on:
                    able = [name for name in asked if name in interventions]
                    able = [name for name in able if why_not_intervene(name, rule, probe(half)) is None]
                    controls |= dict.fromkeys(able, options.seeds)
                engine = _engine_for(half, training, options.engine, options.device)
                for control, seeds in controls.items():
                    specs += [_spec(pair, half, number, engine, seed, control, options) for seed in seeds]
    if "baselines" in asked:
        found = {name: _baseline_names(tasks[name]) for name in named}
        for control in dict.fromkeys(each for names in found.values() for each in names):
            specs += [
                _baseline(task, seed, control) for task in found if control in found[task] for seed in options.seeds
            ]
    return specs


def probe(half: LoadedHalf) -> Any:
    """The half's model with one input and one output and undrawn weights, for checks that do not depend on the task."""
    return half.architecture.build(1, 1, half.encoder.signal, None)


def _recurrent(half: LoadedHalf) -> bool:
    """Whether the network has trainable recurrent weights, or feedback wires."""
    network = probe(half)
    return bool(network.recurrent_wires) or any(weight.requires_grad for weight in network.recurrent_weights())


def _check_engine(study: LoadedStudy, engine: str) -> None:
    for_cells, for_events = asked_engines(engine)
    if for_events != "auto" and not any(
        _learner(half, training, for_events)
        for pair in study.pairs
        for half in pair.halves
        for training in half.trainings
    ):
        raise CannotRun(
            f"engine {engine} can run no training of study {study.name}: it runs rules whose weights change at spikes, such "
            "as stdp; use --engine auto"
        )
    if for_cells == "auto":
        return
    member = engines[engine]()
    models = [probe(half) for pair in study.pairs for half in pair.halves]
    reasons = [_why_not(member, model) for model in models if isinstance(model, Network)]
    if all(reasons):
        why = reasons[0] if reasons else "it has only energy models, which are relaxed"
        raise CannotRun(f"engine {engine} can run no network of study {study.name}: {why}")


def _why_not(engine: Engine, network: Network) -> str | None:
    reasons = (engine.why_not(layer) for layer in network.hidden.values())
    return next((reason for reason in reasons if reason is not None), None)


def _learner(half: LoadedHalf, training: TrainingCard, asked: str) -> EventEngine | None:
    """The event engine that a training's rule uses, if any."""
    return rules[training.rule](training, asked).event_engine_for(probe(half))


def _engine_for(half: LoadedHalf, training: TrainingCard, asked: str, device: str) -> str:
    for_cells, for_events = asked_engines(asked)
    model = probe(half).to(device)
    if not isinstance(model, Network):
        return "auto"
    if for_cells != "auto" and _why_not(engines[for_cells](), model) is None:
        return for_cells
    learner = _learner(half, training, for_events)
    if learner:
        return event_engines.name_of(type(learner)) or learner.title
    chosen = choose_engine("auto", model).title
    return chosen if chosen in engines else "auto"


def _spec(
    pair: LoadedPair, half: LoadedHalf, number: int, engine: str, seed: int, control: str, options: Options
) -> RunSpec:
    training = half.trainings[number]
    decides = {
        "architecture": half.architecture.as_data(),
        "encoder": half.encoder.card.model_dump(),
        "training": training.model_dump(),
        "engine": engine,
        "device": options.device,
        "caps": [options.max_epochs, options.max_samples],
    }
    suffix = f"-{control.replace(' ', '_') if control in interventions else control.split()[0]}" if control else ""
    name = f"{pair.name}-{half.half}-{training.rule}{suffix}-{training.task}"
    return RunSpec(
        _run_id(name, seed, decides), pair.name, pair.text, half.half, training.rule, training.task, seed,
        control, engine, options.device, options.max_epochs, options.max_samples,
        dict(half.constants.get((training.rule, training.task), {})),
    )  # fmt: skip


@functools.cache
def _baseline_names(make: Callable[[int], Task]) -> tuple[str, ...]:
    """The names of a task's baselines, which do not depend on its seed; to know them, they are computed once."""
    return tuple(make(0).baselines())


def _baseline(task: str, seed: int, control: str) -> RunSpec:
    name = f"{control.replace(' ', '_')}-{task}"
    return RunSpec(_run_id(name, seed, {}), "", "", "baseline", "", task, seed, control, "", "cpu", None, None)


def _run_id(name: str, seed: int, decides: dict) -> str:
    everything = {"name": name, "seed": seed, "versions": versions(), "code": code_digest(), "format": STORED_FORMAT}
    everything |= decides | ({"plugins": plugin_digests()} if plugin_digests() else {})
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"{file_stem(name)}-seed{seed}-{digest[:10]}"


def plan_as_data(specs: list[RunSpec]) -> list[dict]:
    """For people to read: without the texts of the cards."""
    return [{key: value for key, value in asdict(spec).items() if key != "card"} for spec in specs]
