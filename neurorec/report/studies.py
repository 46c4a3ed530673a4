"""What runs a study and reports it, by kind of study (see `experiments/kinds.py`)."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry
from neurorec.experiments.kinds import kind_of
from neurorec.experiments.verbs import prepare_study
from neurorec.report.communication import live as communication
from neurorec.report.live import rebuild, run_and_report


@dataclass(frozen=True)
class Asked:
    """What the command line asked of `neurorec run`; None where it said nothing."""

    study: str
    quick: bool = False
    out: Path | None = None
    seeds: int | None = None
    jobs: int | None = None
    device: str | None = None
    engine: str | None = None

    def refuse_training_options(self, why: str) -> None:
        """For kinds that train nothing. Raises `InputError` if an option of trainings was given."""
        given = [
            f.name for f in fields(self) if f.name in ("seeds", "jobs", "device", "engine") and getattr(self, f.name)
        ]
        if given:
            raise InputError(f"--{given[0]}: {self.study} {why}; leave it out")


@dataclass(frozen=True)
class Reporter:
    run: Callable[[Asked], int]  #: run, print, write the page; returns how many runs failed
    rebuild: Callable[[Path], None]  #: tables and page again, from a folder of results


reporters: Registry[Reporter] = Registry("study kind")


def run_trainings(asked: Asked) -> int:
    prepared = prepare_study(
        asked.study, quick=asked.quick, seeds=asked.seeds, jobs=asked.jobs, device=asked.device or "auto",
        engine=asked.engine or "auto", out=asked.out,
    )  # fmt: skip
    return run_and_report(prepared)


def run_communication(asked: Asked) -> int:
    asked.refuse_training_options("takes its seeds from its card and trains on the CPU")
    return communication.run_and_report(asked.study, asked.out, asked.quick)


reporters.register("training")(Reporter(run_trainings, rebuild))
reporters.register("communication")(Reporter(run_communication, communication.rebuild))


def run_asked(asked: Asked) -> int:
    """Run the study that was asked for and report it. Returns how many runs failed."""
    return reporters[kind_of(asked.study)].run(asked)


def rebuild_folder(folder: Path) -> None:
    """The `report` verb, for the kind that the study card in `folder` says."""
    card = folder / "study.toml"
    reporters[kind_of(card) if card.is_file() else "training"].rebuild(folder)
