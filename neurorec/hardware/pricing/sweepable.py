"""A setting that can be varied: it changes the workload (`changed`) or, if that is unaffected, the chip (`on_chip`).

Each states its law, which is printed under the table. Nothing is scaled silently: what a card cannot price is refused by the
pricing, and the reason is given in the table.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from neurorec.basics.errors import InputError, shown
from neurorec.basics.registry import Registry
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.workload.workload import Workload

settings: Registry[type[Sweepable]] = Registry("sweep setting")


class Sweepable(ABC):
    """One setting that can be varied."""

    title: ClassVar[str]  #: on the axis, with its unit
    law: ClassVar[str]  #: what changes with it, and on what basis

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Any:
        """One value from the command line. Raises `InputError`."""

    @classmethod
    def parse_over(cls, text: str, over: str) -> Any:
        """One value of "NAME:OVER=VALUE", for settings that need a link."""
        if over:
            raise InputError(f'sweep: this setting takes nothing after a colon (got "{over}"); remove it')
        return cls.parse(text)

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        """The workload with that value. Raises `InputError` if it has no such setting."""
        return work

    @classmethod
    def on_chip(cls, work: Workload, chip: Chip, value: Any) -> Chip | str:
        """The chip with that value, or the reason why it has no such setting."""
        return chip

    @classmethod
    def label(cls, value: Any) -> str:
        return f"{value:g}"

    @classmethod
    def place(cls, value: Any) -> float | None:
        """The value on a numeric axis; None for a categorical axis."""
        return float(value) if isinstance(value, int | float) else None


def whole_number(name: str, text: str, most: int = 10**12) -> int:
    if not (text.isdecimal() and len(text) <= 20 and 1 <= int(text) <= most):
        raise InputError(f'sweep {name}: "{shown(text)}" must be a positive integer, at most {most:,}')
    return int(text)


def decimal_number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f'sweep {name}: "{shown(text)}" is not a number')
    return value
