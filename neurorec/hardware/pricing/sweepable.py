"""A setting that can be varied: what it does to the net (`changed`) or, where the net stays as it is, to the chip (`on_chip`).

Each says its law, which is printed under the table. Nothing is scaled silently: what a card cannot say is refused by the
pricing itself, and the reason stands in the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.workload.workload import Workload

settings: Registry[type[Sweepable]] = Registry("sweep setting")


class Sweepable(ABC):
    """One setting that can be varied."""

    title: ClassVar[str]  #: on the axis, with its unit
    law: ClassVar[str]  #: what changes with it, by which rule or source

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Any:
        """One value from the command line. Raises `InputError`."""

    @classmethod
    def parse_over(cls, text: str, over: str) -> Any:
        """One value of "NAME:OVER=VALUE", for settings that need to be told over what."""
        if over:
            raise InputError(f'--sweep: nothing stands behind a colon here, but "{over}" does; leave it out')
        return cls.parse(text)

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        """The net under that value. Raises `InputError` where this net has no such setting."""
        return work

    @classmethod
    def on_chip(cls, work: Workload, chip: Chip, value: Any) -> Chip | str:
        """The chip under that value, or the reason why it has no such setting."""
        return chip

    @classmethod
    def label(cls, value: Any) -> str:
        return f"{value:g}"

    @classmethod
    def place(cls, value: Any) -> float | None:
        """Where the value stands on an axis of numbers; None if values stand side by side."""
        return float(value) if isinstance(value, int | float) else None


def whole_number(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f'--sweep {name}: "{text}" is no whole number from 1 on')
    return int(text)


def decimal_number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f'--sweep {name}: "{text}" is no number') from None
