"""Kinds of study: a card says its own by `kind = "..."`; a card without one is a training study.

A kind is one loader here (`@study_kinds.register("name")`) and what runs and reports it in `report/studies.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from neurorec.basics.cards import find_card, read_toml
from neurorec.basics.registry import Registry
from neurorec.experiments.communication.study import load_communication
from neurorec.experiments.study import load_study


class AnyStudy(Protocol):
    """What every kind's loader returns: the card (with `about` and `question`), checked, and what it must cite."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def card(self) -> Any: ...
    def sources(self) -> list[str]: ...


study_kinds: Registry[Callable[[str | Path], AnyStudy]] = Registry("study kind")
study_kinds.register("training")(load_study)
study_kinds.register("communication")(load_communication)


def kind_of(name: str | Path) -> str:
    """The kind of the study card `name` (from the catalogue, or a path)."""
    return str(read_toml(find_card("experiments", name)).get("kind", "training"))


def load_any_study(name: str | Path) -> AnyStudy:
    """The study `name`, of whatever kind, checked.

    Raises
    ------
    InputError
        For an unknown name or kind, or a card that its kind's loader refuses.
    """
    return study_kinds[kind_of(name)](name)
