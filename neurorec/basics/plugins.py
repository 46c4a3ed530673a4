"""Plugins: the user's modules that register cells, rules, tasks and other members, so that cards may name them.

A distribution names its module in the entry-point group `neurorec.plugins`; any other module is named with `--plugin` or in
NEUROREC_PLUGINS (comma-separated names), which worker processes inherit.
"""

import hashlib
import importlib
import importlib.metadata
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import InputError

GROUP = "neurorec.plugins"
NAMES = "NEUROREC_PLUGINS"

_loaded: dict[str, ModuleType | None] = {}  #: None while a plugin is being imported


def load_plugins() -> None:
    """Import every plugin that has not been imported yet.

    Raises
    ------
    InputError
        For a plugin that does not exist or cannot be imported.
    """
    for entry in importlib.metadata.entry_points(group=GROUP):
        owner = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
        _load(entry.module, f'plugin "{entry.name}"{owner}', "fix or uninstall it")
    named = [name for name in os.environ.get(NAMES, "").split(",") if name]
    if named and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # as `python -m` does
    for name in named:
        _load(name, f'plugin "{name}"', f"fix it, or remove it from --plugin and {NAMES}")


def name_plugins(names: list[str]) -> None:
    """Have the next `load_plugins`, here and in worker processes, load these modules as well."""
    before = [name for name in os.environ.get(NAMES, "").split(",") if name]
    os.environ[NAMES] = ",".join(dict.fromkeys([*before, *names]))


def plugin_digests() -> dict[str, str]:
    """A hash of each plugin's source: its file, or all files of its package."""
    return {name: _digest(module) for name, module in sorted(_loaded.items()) if module is not None}


def _load(name: str, what: str, remedy: str) -> None:
    if name in _loaded:
        return
    _loaded[name] = None
    try:
        _loaded[name] = importlib.import_module(name)
    except Exception as error:
        del _loaded[name]
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise InputError(
                f"{what}: there is no module {name}, neither in this folder nor installed; {remedy}"
            ) from None
        raise InputError(
            f"{what}: importing {name} failed with {type(error).__name__}: {error} (at {_place(error)}); {remedy}"
        ) from error


def _place(error: Exception) -> str:
    """The last line of the traceback that is neither in this package nor in Python."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [frame for frame in frames if not frame.filename.startswith((str(PACKAGE), "<frozen")) and frame.line]
    foreign = [frame for frame in foreign if Path(frame.filename) != Path(importlib.__file__)]
    last = (foreign or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _digest(module: ModuleType) -> str:
    whole = sys.modules[module.__name__.partition(".")[0]]
    files = [Path(module.__file__ or "")]
    if hasattr(whole, "__path__"):
        files = sorted(path for folder in whole.__path__ for path in Path(folder).rglob("*.py"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
