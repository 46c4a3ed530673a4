"""Errors a user can act on: each says where, what was given, what was expected and what to do."""

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def printable(text: str) -> str:
    """`text` with control characters escaped."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class NeurorecError(Exception):
    """Base of all errors raised on purpose. The message is one or two readable sentences; control characters that a file or
    a name brought into it are escaped."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(map(printable, str(message).split("\n"))))


class InputError(NeurorecError):
    """Invalid input (a card, a name, a file, a folder). Nothing was started."""

    exit_code = 2


class CannotRun(InputError):
    """A combination that cannot work, found before anything runs (a rule that cannot train a network, a refused export)."""


class RunFailed(NeurorecError):
    """A run failed (NaN, no spikes). It is marked as failed; the others continue."""


class CannotStore(NeurorecError):
    """A result could not be written, for example because the disk is full. All that was stored before is complete."""


class Stopped(NeurorecError):
    """Stopped by Ctrl-C: finished runs are stored; the message says how to continue."""

    exit_code = 130


def needed(value: T | None, missing: str) -> T:
    """`value` if it is present. Raises `InputError` saying what is missing and what to do."""
    if value is None:
        raise InputError(missing)
    return value


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """' (did you mean "x"?)' for the closest known name, or all that are equally close ("x" or "y"); empty if none is close,
    and for anything that is not a name."""
    close = difflib.get_close_matches(name, list(known), n=5, cutoff=0.5) if isinstance(name, str) else []
    best = [each for each in close if _likeness(name, each) == _likeness(name, close[0])]
    quoted = " or ".join(f'"{each}"' for each in sorted(best))
    return f" (did you mean {quoted}?)" if best else ""


def _likeness(name: str, known: str) -> float:
    return difflib.SequenceMatcher(None, known, name).ratio()


def shown(value: Any, most: int = 60) -> str:
    """`value` on one line of a message: control characters escaped, and cut after `most` characters."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits; lists in lists in lists
        return f"{type(value).__name__} too long to show"
    text = printable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 3]}..."
