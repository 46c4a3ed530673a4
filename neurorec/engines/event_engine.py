"""Engines for event networks, whose weights may change at spikes; "auto" takes the first that can run one."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines.event_network import EventNetwork, EventRun

log = logging.getLogger(__name__)
event_engines: Registry[type["EventEngine"]] = Registry("event engine")


class EventEngine(ABC):
    """Runs event networks; for given input spikes, all engines give the same spikes and weights."""

    priority: ClassVar[int]  #: "auto" tries the engine with the highest priority first
    title: str  #: the engine and how it was compiled, for the record

    @abstractmethod
    def why_not(self, network: EventNetwork) -> str | None:
        """Why this engine cannot run `network`, or None if it can."""

    @abstractmethod
    def run_network(
        self, network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None
    ) -> EventRun:
        """Run `steps` steps of dt_ms from the network's initial state, and record spikes of `record` (None: all populations).

        The same seed gives the same spikes in the same engine. `network` is not modified.
        """


def choose_event_engine(name: str, network: EventNetwork, title: str = "this network") -> EventEngine:
    """The event engine called `name`, or for "auto" the first that can run `network`; logs which.

    Raises
    ------
    InputError, CannotRun
        For an unknown engine, or one that cannot run the network. There is no silent fallback.
    """
    for candidate in (
        sorted(event_engines, key=lambda each: -event_engines[each].priority) if name == "auto" else (name,)
    ):
        engine = event_engines[candidate]()
        reason = engine.why_not(network)
        if reason is None:
            log.info("plasticity runs in %s", engine.title)
            return engine
        if name != "auto":
            raise CannotRun(f"engine {name} cannot run {title}: {reason}")
        log.info("engine %s cannot run it: %s", candidate, reason)
    raise CannotRun(f"no event engine runs {title}")
