"""Errors a user can act on: each says where, what came, what was expected, what to do."""

import difflib
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class NeurorecError(Exception):
    """Anything neurorec refuses. The message is one readable sentence or two, never a traceback's tail."""

    exit_code = 1


class InputError(NeurorecError):
    """The input is at fault (a card, a name, a file, a folder). Nothing was started."""

    exit_code = 2


class CannotRun(InputError):
    """A combination that cannot work, found before anything runs (a rule that cannot train a net, a refused export)."""


class RunFailed(NeurorecError):
    """A run went wrong on the way (NaN, silence). It is marked failed, the others go on."""


class Stopped(NeurorecError):
    """Ctrl-C: what had finished is stored; the message says how to continue."""

    exit_code = 130


def needed(value: T | None, missing: str) -> T:
    """`value`, which may be absent elsewhere but not here; or `InputError` saying what is missing and what to do."""
    if value is None:
        raise InputError(missing)
    return value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' (did you mean "x"?)' for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""
