"""The contract of a kind of study, and the common path that runs, measures and stores every kind.

A kind is one `StudyKind` here and one page in `report/` (`@page_of.register(ITS_RESULTS)`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from neurorec.basics.errors import InputError
from neurorec.basics.plain import read_plain, write_plain
from neurorec.basics.registry import Registry
from neurorec.experiments.findings import FindingCard, Findings, Measured, digest_of, judge, machine
from neurorec.experiments.folder import held
from neurorec.experiments.runner import Watcher


class AnyStudy(Protocol):
    """A loaded study of any kind: the checked card (with `about`, `question`, `finding` and `remarks`) and its sources."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def card(self) -> Any: ...
    def sources(self) -> list[str]: ...


class AnyResults(Protocol):
    """The results of any kind: a dataclass of plain data, from which the page can be rebuilt at any time."""

    @property
    def study(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def quick(self) -> bool: ...
    @property
    def folder(self) -> Path: ...
    @property
    def findings(self) -> Findings | None: ...
    @property
    def failures(self) -> list[str]:
        """One line per failure; everything else is complete."""
        ...


NO_MATTER = ("study", "out", "jobs", "cluster")


@dataclass(frozen=True)
class Asked:
    """The arguments of `neurorec run`; None for options that were not given."""

    study: str
    quick: bool = False
    out: Path | None = None
    seeds: int | None = None
    jobs: int | None = None
    device: str | None = None
    engine: str | None = None
    cluster: str | None = None

    def refuse(self, options: tuple[str, ...], why: str) -> None:
        """Raises `InputError` if one of these options, which do not apply to this kind, was given."""
        given = [name for name in options if getattr(self, name)]
        if given:
            raise InputError(f"--{given[0]}: {self.study} {why}; omit this option")

    @property
    def command(self) -> str:
        """The command that gives the same result (output folder, cluster and number of parallel runs do not matter)."""
        said = {name: value for name, value in asdict(self).items() if value and name not in NO_MATTER}
        return " ".join(
            ["neurorec run", self.study, *(f"--{n}" if v is True else f"--{n} {v}" for n, v in said.items())]
        )


@dataclass(frozen=True)
class Prepared:
    """A study, checked; nothing has run."""

    study: Any  #: what the kind's `load` returned
    folder: Path
    quick: bool
    command: str

    def check_folder(self) -> None:
        """Raises `InputError` if the results would overwrite the card; results that are rebuilt lie beside its copy."""
        if Path(self.folder).resolve() == self.study.path.resolve().parent:
            raise InputError(
                f"--out {self.folder}: this is the folder of the study's card; choose another for the results"
            )

    @property
    def plan(self) -> list[str]:
        """A summary of what will be done, in a few lines."""
        return []


Results = TypeVar("Results", bound=Any)


class StudyKind(ABC):
    """How studies of one kind are loaded, checked, run, stored and measured."""

    results: ClassVar[type]  #: the dataclass that `run` returns
    has_quick: ClassVar[bool] = True  #: whether it takes so long that it has a quick form

    @abstractmethod
    def load(self, name: str | Path) -> AnyStudy:
        """The checked study. Raises `InputError` if anything in it cannot work."""

    @abstractmethod
    def prepare(self, asked: Asked) -> Prepared:
        """Check everything that can be checked before the run (raises `InputError`)."""

    @abstractmethod
    def run(self, prepared: Any, watcher: Watcher) -> Any:
        """Do what is missing and collect the results, without findings."""

    @abstractmethod
    def measure(self, results: Any, claim: Any) -> Measured | None:
        """Our numbers for one claim of the card, or None if this run has none."""

    @abstractmethod
    def fingerprint(self, results: Any) -> Any:
        """Everything measured, as plain data that must not change in a rerun on the same type of CPU."""

    def seeds(self, results: Any) -> tuple[int, ...]:
        return ()

    def versions(self, results: Any) -> Mapping[str, str]:
        return {}

    def store(self, results: Any) -> None:
        write_plain(results, results.folder / "results.json", sealed=True)

    def restore(self, folder: Path) -> Any:
        """The results that `store` wrote to the folder."""
        return read_results(self.results, folder)


study_kinds: Registry[type[StudyKind]] = Registry("study kind")


def run_kind(kind: StudyKind, prepared: Prepared, watcher: Watcher) -> Any:
    """Run a prepared study, add its findings and store everything in its folder, which no other command may use meanwhile."""
    with held(prepared.folder):
        results = with_findings(kind, prepared, kind.run(prepared, watcher))
        kind.store(results)
    return results


def with_findings(kind: StudyKind, prepared: Prepared, results: Results) -> Results:
    """The results with a finding for each claim of the card."""
    card = prepared.study.card
    measured: list[tuple[FindingCard, Measured | None]] = [
        (claim, kind.measure(results, claim)) for claim in ([] if prepared.quick else card.finding)
    ]
    remarks = (
        ("Claims are not judged, because a quick run is not a result.",) if prepared.quick else tuple(card.remarks)
    )
    findings = Findings(
        study=results.study, question=results.question, command=prepared.command, machine=machine(),
        versions=dict(kind.versions(results)), seeds=kind.seeds(results), digest=digest_of(kind.fingerprint(results)),
        findings=tuple(judge(claim, found) for claim, found in measured if found is not None and found.values),
        not_measured=tuple(claim.claim for claim, found in measured if found is None or not found.values),
        remarks=remarks,
    )  # fmt: skip
    return replace(results, findings=findings)


def read_results(kind: type[Results], folder: Path) -> Results:
    """The results of this type in `folder`. Raises `InputError` if there are none from this version."""
    path = Path(folder) / "results.json"
    if not path.is_file():
        raise InputError(f"{folder}: there is no results.json; give the folder that `neurorec run` wrote")
    return read_plain(kind, path, "a results file", "run the study again", sealed=True)
