"""Options that every command has."""

import importlib
from typing import Annotated

import typer


def _use_plugins(names: list[str] | None) -> list[str] | None:
    if names:
        from neurorec.basics.plugins import load_plugins, name_plugins

        name_plugins(names)
        importlib.import_module("neurorec.training")  # all that plugins build upon, and then the plugins
        load_plugins()
    return names


Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Plugin = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin", metavar="MODULE", callback=_use_plugins,
        help="A module with cells, rules, tasks, ... of your own, for cards to name; may be repeated.",
    ),
]  # fmt: skip
