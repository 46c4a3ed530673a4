"""Figures of two machines, or of two sets of libraries, never stand in one table."""

from collections.abc import Mapping
from typing import Any

from neurorec.basics.errors import InputError

PASSING = ("load_before", "load_after", "note")  #: what may differ between parts measured on one machine


def refuse_mixed(kept: Mapping[str, Mapping[str, Any]], here: Mapping[str, Any], file: object) -> None:
    """Raises `InputError` if any of the kept parts (part -> machine) was measured on another machine than `here`."""
    for part, machine in kept.items():
        known = [key for key in {**machine, **here} if key not in PASSING]
        different = [
            f"{key} {machine.get(key, 'not stated')} (now {here.get(key, 'not stated')})"
            for key in known
            if machine.get(key) != here.get(key)
        ]
        if different:
            raise InputError(
                f'{file}: part "{part}" was measured on another machine: {"; ".join(different)}; one table must come from one '
                "machine, so measure all parts here"
            )


def refuse_mixed_parts(machines: Mapping[str, Mapping[str, Any]], file: object) -> None:
    """Raises `InputError` if the parts of a result file (part -> machine) were measured on several machines."""
    if machines:
        refuse_mixed(machines, next(iter(machines.values())), file)
