"""What a worker elsewhere must have in common with the client, so that its results are those of the client."""

import functools
import importlib.metadata
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from neurorec.basics.errors import InputError, NeurorecError
from neurorec.basics.plugins import NAMES, load_plugins, name_plugins, plugin_digests
from neurorec.engines.event_engine import event_engines
from neurorec.experiments.plan import CODE_THAT_DECIDES, RunSpec, source_digest, versions
from neurorec.tasks.task import load_task

REMEDY = (
    "give them what the client has (versions, code, plugins; data sets through NEUROREC_DATA), restart them and repeat the "
    "command"
)


@dataclass(frozen=True)
class Demand:
    """What a worker needs so that its results are those of the client."""

    versions: tuple[tuple[str, str], ...]
    code: str
    plugins: tuple[tuple[str, str], ...]
    engines: tuple[tuple[str, str], ...]  #: event engines by name, each with its title, which names how it computes
    tasks: tuple[tuple[str, int], ...]  #: with a seed
    cuda: bool

    @classmethod
    def of(cls, specs: Sequence[RunSpec]) -> "Demand":
        used = {spec.engine for spec in specs if spec.engine in event_engines}
        tasks = {spec.task: spec.seed for spec in specs}
        cuda = any(spec.device.startswith("cuda") for spec in specs)
        return cls(
            _versions(), _code(), tuple(plugin_digests().items()), tuple((n, event_engines[n]().title) for n in sorted(used)),
            tuple(sorted(tasks.items())), cuda,
        )  # fmt: skip


def _versions() -> tuple[tuple[str, str], ...]:
    return (*versions().items(), ("distributed", importlib.metadata.version("distributed")))


@functools.cache
def _code() -> str:  # what is imported, even if the files change while a worker runs
    return source_digest((*CODE_THAT_DECIDES, "experiments"))


_met: set[Demand] = set()  #: demands that this worker was found to meet


def differences(demand: Demand, threads: int) -> list[str]:
    """How this process, a worker with so many threads, differs from what is demanded."""
    if demand in _met:
        return []
    own = dict(_versions())
    found = [f"{name} {own.get(name)} (client: {asked})" for name, asked in demand.versions if own.get(name) != asked]
    if demand.code != _code():
        found.append(f"neurorec's code {_code()[:8]} (client: {demand.code[:8]})")
    if threads != 1:
        found.append(f"{threads} threads; start it with --nthreads 1")
    if demand.cuda and not torch.cuda.is_available():
        found.append("no CUDA device")
    found += [] if found else [*_plugin_differences(demand), *_engine_differences(demand), *_missing_data(demand)]
    if not found:
        _met.add(demand)
    return found


def _plugin_differences(demand: Demand) -> list[str]:
    before = os.environ.get(NAMES, "")
    try:
        name_plugins([name for name, _ in demand.plugins])
        load_plugins()
    except InputError as error:
        os.environ[NAMES] = before  # or no other client could use this worker
        return [str(error)]
    own = plugin_digests()
    return [f"plugin {name} has other code" for name, digest in demand.plugins if own.get(name) != digest]


def _engine_differences(demand: Demand) -> list[str]:
    """Brian2 with and without a compiler gives other spikes."""
    own = {name: event_engines[name]().title for name, _ in demand.engines}
    return [f"engine {own[name]} (client: {title})" for name, title in demand.engines if own[name] != title]


def _missing_data(demand: Demand) -> list[str]:
    found = []
    for name, seed in demand.tasks:
        try:
            load_task(name, seed)
        except Exception as error:  # a plugin may raise anything
            said = str(error) if isinstance(error, NeurorecError) else f"{type(error).__name__}: {error}"
            found.append(f'task "{name}" cannot be loaded: {said}')
    return found


def refusal(found: Mapping[str, list[str]]) -> str:
    """One message; workers that differ in the same way share a line."""
    workers: dict[str, list[str]] = {}
    for address, reasons in sorted(found.items()):
        workers.setdefault("; ".join(reasons), []).append(address)
    lines = [f"  {', '.join(names)}: {reasons}" for reasons, names in workers.items()]
    return "\n".join(["these workers of the cluster cannot do what the client asks:", *lines, REMEDY])
