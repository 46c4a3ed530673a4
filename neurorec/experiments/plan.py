"""Which runs a study needs, each with an id that covers everything that determines its result."""

import functools
import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.asked import asked_engines
from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.event_engine import EventEngine
from neurorec.experiments.study import LoadedStudy
from neurorec.learning.rule import TrainingCard, rules
from neurorec.training import LoadedHalf, LoadedPair
from neurorec.training.fit import pick_device

CODE_THAT_DECIDES = ("basics", "models", "tasks", "engines", "learning", "training")
STORED_FORMAT = 2  # raise it when what a run's folder holds changes, so that older runs are made anew
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "norse", "numba", "llvmlite", "brian2")


@dataclass(frozen=True)
class RunSpec:
    """One run, as plain data that another process (or machine) can be given."""

    run_id: str
    pair: str  #: card name, "" for baselines
    pair_path: str
    half: str  #: "rate", "spiking" or "baseline"
    rule: str
    task: str
    seed: int
    control: str  #: "", "frozen recurrence", "chance" or "ridge on input"
    engine: str  #: the event engine where the rule learns in one, unless another kind was asked for; else what steps the cell
    device: str
    max_epochs: int | None
    max_samples: int | None

    @property
    def title(self) -> str:
        """One line for people."""
        what = f"{self.pair} {self.half} {self.rule}" if self.pair else self.control
        return f"{what}{' (frozen)' if self.control == 'frozen recurrence' else ''} {self.task} seed {self.seed}"


@dataclass(frozen=True)
class Options:
    """What the command line may change about a study."""

    seeds: tuple[int, ...]
    engine: str = "auto"
    device: str = "auto"
    max_epochs: int | None = None
    max_samples: int | None = None

    @classmethod
    def of(cls, study: LoadedStudy, *, quick: bool, seeds: int | None, engine: str, device: str) -> "Options":
        """Options for a full or a quick run; `seeds` asks for that many seeds (0, 1, ... beyond those of the card)."""
        card = study.card
        chosen = tuple(card.quick.seeds if quick else card.seeds)
        if seeds is not None:
            if seeds < 1:
                raise InputError(f"--seeds {seeds}: at least one seed is needed")
            spare = (number for number in range(10**6) if number not in chosen)
            chosen = (*chosen, *(next(spare) for _ in range(seeds - len(chosen))))[:seeds]
        caps = (card.quick.max_epochs, card.quick.max_samples) if quick else (None, None)
        return cls(chosen, engine, pick_device(device), *caps)


def versions() -> dict[str, str]:
    """What the results depend on besides cards and code."""
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found}


@functools.cache
def code_digest() -> str:
    """One number for the source of everything that decides a result."""
    digest = hashlib.sha256()
    for folder in CODE_THAT_DECIDES:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def plan_runs(study: LoadedStudy, options: Options) -> list[RunSpec]:
    """Every run of the study, in the order of its card. Raises `CannotRun` if the asked engine can run none of its networks."""
    _check_engine(study, options.engine)
    specs = []
    for pair in study.pairs:
        for half in pair.halves:
            for number, training in enumerate(half.trainings):
                controls = [""]
                if rules[training.rule].recurrent_frozen_control and _recurrent(half):
                    controls += ["frozen recurrence"] * ("frozen recurrence" in study.card.controls)
                for control in controls:
                    for seed in options.seeds:
                        specs.append(_spec(pair, half, number, seed, control, options))
    tasks = sorted({training.task for pair in study.pairs for half in pair.halves for training in half.trainings})
    for control in study.card.controls:
        if control != "frozen recurrence":
            specs += [_baseline(task, seed, control) for task in tasks for seed in options.seeds]
    return specs


def _recurrent(half: LoadedHalf) -> bool:
    """Whether the cell has recurrent weights that training changes."""
    cell = half.build(1, 1, torch.Generator().manual_seed(0)).cell
    return any(weight.requires_grad for weight in cell.recurrent_weights())


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
    cells = [half.build(1, 1, torch.Generator().manual_seed(0)).cell for pair in study.pairs for half in pair.halves]
    reasons = {cell.title: member.why_not(cell) for cell in cells}
    if all(reasons.values()):
        raise CannotRun(f"engine {engine} can run no network of study {study.name}: {next(iter(reasons.values()))}")


def _learner(half: LoadedHalf, training: TrainingCard, asked: str) -> EventEngine | None:
    """The event engine in which a training's rule learns, if it does."""
    network = half.build(1, 1, torch.Generator().manual_seed(0))
    return rules[training.rule](training, asked).event_engine_for(network)


def _engine_for(half: LoadedHalf, training: TrainingCard, asked: str, device: str) -> str:
    for_cells, for_events = asked_engines(asked)
    cell = half.build(1, 1, torch.Generator().manual_seed(0)).cell.to(device)
    if for_cells != "auto" and engines[for_cells]().why_not(cell) is None:
        return for_cells
    learner = _learner(half, training, for_events)
    return learner.name if learner else choose_engine("auto", cell).title


def _spec(pair: LoadedPair, half: LoadedHalf, number: int, seed: int, control: str, options: Options) -> RunSpec:
    training = half.trainings[number]
    engine = _engine_for(half, training, options.engine, options.device)
    decides = {
        "cell": half.cell.model_dump(),
        "readout": half.readout.model_dump(),
        "encoder": half.encoder.card.model_dump(),
        "training": training.model_dump(),
        "engine": engine,
        "device": options.device,
        "caps": [options.max_epochs, options.max_samples],
    }
    name = f"{pair.name}-{half.half}-{training.rule}{'-frozen' if control else ''}-{training.task}"
    return RunSpec(
        _run_id(name, seed, decides), pair.name, str(pair.path.resolve()), half.half, training.rule, training.task, seed,
        control, engine, options.device, options.max_epochs, options.max_samples,
    )  # fmt: skip


def _baseline(task: str, seed: int, control: str) -> RunSpec:
    name = f"{control.replace(' ', '_')}-{task}"
    return RunSpec(_run_id(name, seed, {}), "", "", "baseline", "", task, seed, control, "", "cpu", None, None)


def _run_id(name: str, seed: int, decides: dict) -> str:
    everything = {"name": name, "seed": seed, "versions": versions(), "code": code_digest(), "format": STORED_FORMAT}
    everything |= decides
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"{name}-seed{seed}-{digest[:10]}"


def plan_as_data(specs: list[RunSpec]) -> list[dict]:
    return [asdict(spec) | {"pair_path": Path(spec.pair_path).name} for spec in specs]
