"""The argument of `neurorec cost` as a workload: a stored run, a description, or a NIR file with its input."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import options_from_text, read_nir
from neurorec.experiments.collect import rebuild_network, trained_by
from neurorec.experiments.finished import RECORD
from neurorec.experiments.manifest import MANIFEST
from neurorec.experiments.store import read_activity, read_history, read_run
from neurorec.hardware.pricing.bill import Outcome
from neurorec.hardware.workload.description import described_work, load_description
from neurorec.hardware.workload.graph import ObservedGraph, observe_graph, observed_work, read_recording, signal_of
from neurorec.hardware.workload.trained import trained_work
from neurorec.hardware.workload.workload import Workload


@dataclass(frozen=True)
class NamedWork:
    """`outcome`: scores of a run. `seen`: the observed run of a NIR graph."""

    name: str
    work: Workload
    outcome: Outcome | None = None
    seen: ObservedGraph | None = None


@dataclass(frozen=True)
class Heard:
    """Options that determine the spikes of a network that has not been run. Each applies to one kind of file."""

    spikes: Path | None = None  #: for a description: recorded spikes instead of the stated rates
    recording: Path | None = None  #: for a NIR file: its input
    signal: str = "auto"  #: what the recording holds
    options: tuple[str, ...] = ()  #: for a NIR file: simulation settings, NAME=VALUE

    def refuse(self, door: str, *, spikes: bool = False, graph: bool = False) -> None:
        """Raises `InputError` for options that do not apply to `door`."""
        given = {"--spikes": self.spikes and not spikes, "--input": self.recording and not graph,
                 "--nir": self.options and not graph, "--signal": self.signal != "auto" and not graph}  # fmt: skip
        for flag, wrong in given.items():
            if wrong:
                belongs = "a description (.toml)" if flag == "--spikes" else "a NIR file"
                raise InputError(f"{flag} applies to {belongs}, not to {door}")


def read_work(path: Path, heard: Heard = Heard(), **setting: Any) -> NamedWork:
    """The workload of `path`, of any of the three kinds. `setting`: see `Setting`; None: default.

    Raises
    ------
    InputError
        If it is none of them, or an option does not apply to it.
    """
    if path.suffix == ".nir":
        asked = _graph(path, heard)
    elif path.suffix == ".toml":
        heard.refuse("a description", spikes=True)
        asked = NamedWork(path.stem, described_work(load_description(path), heard.spikes))
    else:
        heard.refuse("a finished run")
        if not any((path / name).is_file() for name in (RECORD, MANIFEST)):
            raise InputError(
                f"{path}: this is not the folder of a finished run (no run.json; see runs/STUDY/done/), nor a NIR file "
                "(.nir) or a description (.toml)"
            )
        asked = stored_work(path)
    if setting.get("batch") is not None and setting["batch"] < 1:
        raise InputError(f"--batch {setting['batch']}: must be at least 1")
    work = asked.work.with_setting(**{key: value for key, value in setting.items() if value is not None})
    return NamedWork(asked.name, work, asked.outcome, asked.seen)


def stored_work(folder: Path) -> NamedWork:
    """The network of a stored run with its activity, training and scores."""
    record = read_run(folder)
    network = rebuild_network(record, folder)
    trained, epochs = trained_by(record), record.training.get("epochs", 1)
    if not math.isfinite(epochs):
        raise InputError(f"{folder}: the record has an impossible number of epochs; run the study again")
    accuracy = record.test_score if record.metric == "accuracy" else None
    outcome = Outcome(accuracy, record.validation_score, int(epochs), read_history(folder))
    return NamedWork(folder.name, trained_work(network, read_activity(folder), trained), outcome)


def _graph(path: Path, heard: Heard) -> NamedWork:
    heard.refuse("a NIR file", graph=True)
    if heard.recording is None:
        raise InputError(
            f"{path}: the cost of a network depends on its spikes, so give its input: --input RECORDING.npy "
            "([T, B, ...] or [T, ...])"
        )
    graph = read_nir(path)
    x = read_recording(heard.recording)
    options = options_from_text(list(heard.options), graph.metadata, graph.where)
    seen = observe_graph(graph, x, options, signal_of(x, heard.signal, graph.where))
    return NamedWork(path.stem, observed_work(seen), seen=seen)
