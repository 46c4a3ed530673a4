"""`neurorec list`: everything that is available, one line each."""

import inspect
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

import neurorec.analysis
import neurorec.engines
import neurorec.training  # noqa: F401  (these three register every member)
from neurorec.analysis.analysis import RunAnalysis, analyses
from neurorec.basics.cards import card_names, find_card, read_toml
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines import on_nir
from neurorec.engines.engine import engines
from neurorec.engines.event_engine import event_engines
from neurorec.hardware.chips.link import LINKS, link_names
from neurorec.hardware.export import exporters
from neurorec.learning.rule import rules
from neurorec.models.cell import cells
from neurorec.models.energy.model import energy_models
from neurorec.tasks.encoders import encoders
from neurorec.tasks.environment import Environment
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import tasks

#: kind -> name -> one-line description
KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "pairs": lambda: {name: _card("models", name) for name in card_names("models")},
    "chips": lambda: {name: _card("hardware", name) for name in card_names("hardware")},
    "links": lambda: {name: _card(LINKS, name) for name in link_names()},
    "studies": lambda: {name: _card("experiments", name) for name in card_names("experiments")},
    "tasks": lambda: {name: _first_line(tasks[name]) for name in tasks if not _is_environment(name)},
    "environments": lambda: {name: _first_line(tasks[name]) for name in tasks if _is_environment(name)},
    "objectives": lambda: {name: _first_line(objectives[name]) for name in objectives},
    "rules": lambda: {name: f"{rules[name].title} ({', '.join(rules[name].sources)})" for name in rules},
    "engines": lambda: {name: _first_line(module) for name, module in engine_modules().items()},
    "cells": lambda: {name: f"{cells[name].title} ({', '.join(cells[name].sources)})" for name in cells},
    "energy_models": lambda: {
        name: f"{energy_models[name].title} ({', '.join(energy_models[name].sources)})" for name in energy_models
    },
    "encoders": lambda: {name: encoders[name].about for name in encoders},
    "analyses": lambda: {name: f"{analyses[name].about}{_on(analyses[name])}" for name in analyses},
    "exporters": lambda: {name: _first_line(exporters[name]) for name in exporters},
}


def _on(analysis: Any) -> str:
    return " (of trained networks)" if issubclass(analysis, RunAnalysis) else ""


def engine_modules() -> dict[str, Any]:
    """Engines that step cells, those that run event networks, and the one that runs NIR graphs."""
    members = {name: engines[name] for name in engines} | {name: event_engines[name] for name in event_engines}
    return {name: inspect.getmodule(member) for name, member in members.items()} | {"nir": on_nir}


def _is_environment(name: str) -> bool:
    member: Any = tasks[name]
    return isinstance(member, type) and issubclass(member, Environment)


def _card(folder: str, name: str) -> str:
    return str(read_toml(find_card(folder, name)).get("about", ""))


def _first_line(member: Any) -> str:
    return (inspect.getdoc(member) or "").split("\n")[0]


def print_catalogue(kind: str) -> None:
    """Print all kinds, or the members of one."""
    if kind and kind not in KINDS:
        raise InputError(f'there is no kind "{kind}"{did_you_mean(kind, KINDS)}; kinds: {", ".join(KINDS)}')
    console = Console(markup=False)
    for each in [kind] if kind else KINDS:
        table = Table(title=each, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, about in KINDS[each]().items():
            table.add_row(name, about)
        console.print(table)
        console.print()
