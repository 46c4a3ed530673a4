"""The contract of an analysis: from settings and a seed to numbers and figures. Add one as a file with `@analyses.register`.

An `Analysis` needs nothing trained (random networks, circuits, model systems); a `RunAnalysis` examines a trained network.
Both declare what they measure, so that cards, findings and pages need to know nothing else about them.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from neurorec.analysis.found import Found
from neurorec.basics.cards import Card, check_card
from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.basics.registry import Registry
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.environment import Environment
from neurorec.tasks.task import Task


@dataclass(frozen=True)
class Value:
    """A number that an analysis gives."""

    about: str
    unit: str = ""
    higher_is_better: bool | None = None  #: None: neither, so a claim about it needs `between` instead of `bar`


class AnyAnalysis(ABC):
    """What both kinds declare.

    Attributes
    ----------
    about : one sentence
    sources : citation keys
    Settings : the checked settings, a `Card`
    example : settings that take a second or less
    gives : the values by name
    """

    about: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    Settings: ClassVar[type[Card]]
    example: ClassVar[Mapping[str, Any]]
    gives: ClassVar[Mapping[str, Value]]

    @classmethod
    def settings(cls, given: Mapping[str, Any], where: str = "settings") -> Any:
        """The settings, checked. Raises `InputError`."""
        return check_card(dict(given), cls.Settings, where)


class Analysis(AnyAnalysis):
    """An analysis that needs nothing trained."""

    @abstractmethod
    def run(self, settings: Any, seed: int) -> Found:
        """The same numbers for the same settings and seed. Random numbers come from `basics/seeds.py`."""


class RunAnalysis(AnyAnalysis):
    """An analysis of a trained network. `through_time`: whether it needs a network in which each step follows the last one;
    networks on trees, and those that first read and then write, do not qualify. `of_episodes`: whether it examines
    networks that act in an environment, instead of those that answer samples."""

    through_time: ClassVar[bool] = True
    of_episodes: ClassVar[bool] = False

    def why_not(self, network: Network, task: Task) -> str | None:
        """Why it cannot examine this network on this task, or None if it can. Before the training, the network has
        no weights yet, and the task is not encoded."""
        if not isinstance(network, Network):
            return f"{network.title} is an energy model, which has no steps in time"
        if self.through_time and network.not_by_steps:
            return f"{network.title} {network.not_by_steps}, not step by step"
        episodes = isinstance(task.frames if isinstance(task, EncodedTask) else task, Environment)
        if episodes and not self.of_episodes:
            return "its samples are episodes"
        return "its samples are not episodes" if self.of_episodes and not episodes else None

    @abstractmethod
    def run(self, network: Network, task: EncodedTask, settings: Any, seed: int) -> Found:
        """`network` is a copy in evaluation mode. `task.split(name)` is encoded as for the training, in steps of the network;
        `task.frames.split(name)` is what the encoder was given."""


analyses: Registry[type[AnyAnalysis]] = Registry("analysis")


def analysis_of(name: str, kind: type[AnyAnalysis]) -> Any:
    """The registered analysis `name`. Raises `InputError` if it is of the other kind."""
    member = analyses[name]
    if not issubclass(member, kind):
        right = (
            "a study of trainings, with its pair, half, rule and task"
            if issubclass(member, RunAnalysis)
            else 'a study of kind "analysis"'
        )
        needs = "examines a trained network" if issubclass(member, RunAnalysis) else "needs nothing trained"
        raise InputError(f'analysis "{name}" {needs}: name it in {right}')
    return member


def analyse(name: str, settings: Mapping[str, Any], seed: int = 0) -> Found:
    """What the analysis `name` finds. Raises `InputError` for settings that are not allowed."""
    kind = analysis_of(name, Analysis)
    return complete(name, kind, lambda: kind().run(kind.settings(settings), seed), seed)


def analyse_network(
    name: str, network: Network, task: EncodedTask, settings: Mapping[str, Any], seed: int = 0
) -> Found:
    """What the analysis `name` of a trained network finds. Raises `CannotRun` if it cannot examine it."""
    kind = analysis_of(name, RunAnalysis)
    reason = kind().why_not(network, task)
    if reason is not None:
        raise CannotRun(f"analysis {name} of {network.title} on {task.name}: {reason}")
    network = copy.deepcopy(network).eval()
    return complete(name, kind, lambda: kind().run(network, task, kind.settings(settings), seed), seed)


def complete(name: str, kind: type[AnyAnalysis], run: Any, seed: int) -> Found:
    """The result of `run`, on one thread, with exactly the declared values."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # faster for small steps, and sums do not depend on the caller
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found: Found = run()
    finally:
        torch.set_num_threads(threads)
    if set(found.values) != set(kind.gives) or not set(found.baselines) <= set(kind.gives):
        came = ", ".join([*found.values, *found.baselines])
        raise RunFailed(f"analysis {name} gave {came}, but declares {', '.join(kind.gives)}; correct `gives`")
    return replace(found, values={name: float(found.values[name]) for name in kind.gives})
