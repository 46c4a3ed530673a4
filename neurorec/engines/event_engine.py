"""Engines that change weights while spikes pass, by name; "auto" takes the compiled one wherever it can run the rule."""

import logging
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines import on_brian2
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.on_brian2 import Presentation

log = logging.getLogger(__name__)
event_engines: Registry[type["EventEngine"]] = Registry("event engine")


class EventEngine(ABC):
    """Presents samples to a layer under a plasticity rule; all give the same spikes, weights and thresholds."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def title(self) -> str:
        """The engine and how it was compiled, for the record."""

    @abstractmethod
    def why_not(self, cell: Any, plasticity: EventEquations) -> str | None:
        """Why this engine cannot run the rule on the cell, or None if it can."""

    @abstractmethod
    def present(self, cell: Any, x: Tensor, plasticity: EventEquations) -> Presentation:
        """Input spikes x [T, B, I], sample by sample; the cell is read, never written."""


@event_engines.register("plastic")
class Plastic(EventEngine):
    name = "plastic"

    @property
    def title(self) -> str:
        return "plastic (LLVM)"

    def why_not(self, cell: Any, plasticity: EventEquations) -> str | None:
        from neurorec.engines.plastic.present import why_not

        return why_not(cell, plasticity)

    def present(self, cell: Any, x: Tensor, plasticity: EventEquations) -> Presentation:
        from neurorec.engines.plastic.present import present

        return present(cell, x, plasticity)


@event_engines.register("brian2")
class Brian2(EventEngine):
    """The reference, and the engine of arbitrary equations. `target` is "cython", "numpy" or "auto"."""

    name = "brian2"

    def __init__(self, target: str = "auto") -> None:
        self.target = on_brian2.code_target() if target == "auto" else target

    @property
    def title(self) -> str:
        return f"brian2 ({self.target})"

    def why_not(self, cell: Any, plasticity: EventEquations) -> str | None:
        reason = on_brian2.why_not(cell)
        return reason and f"{reason}; use the cell competitive_lif"

    def present(self, cell: Any, x: Tensor, plasticity: EventEquations) -> Presentation:
        return on_brian2.present(cell, x, plasticity, self.target)


def choose_event_engine(name: str, cell: Any, plasticity: EventEquations) -> EventEngine:
    """The event engine called `name`, or for "auto" the first in preference order that runs the rule; says which.

    Raises
    ------
    InputError, CannotRun
        For an unknown engine, or one that cannot run the rule. There is no silent fallback.
    """
    for candidate in ("plastic", "brian2") if name == "auto" else (name,):
        engine = event_engines[candidate]()
        reason = engine.why_not(cell, plasticity)
        if reason is None:
            log.info("plasticity runs in %s", engine.title)
            return engine
        if name != "auto":
            raise CannotRun(f"engine {name} cannot run {cell.title}: {reason}")
        log.info("engine %s is passed over: %s", candidate, reason)
    raise CannotRun(f"no event engine runs {cell.title}; use the cell competitive_lif")
