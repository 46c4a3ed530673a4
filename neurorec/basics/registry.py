"""Named members of one kind: cells, rules, tasks, engines. The error for an unknown name lists the known ones."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from neurorec.basics.errors import InputError, did_you_mean, shown

Member = TypeVar("Member")
Put = TypeVar("Put")  # so that a registered class keeps its own type


class Registry(Generic[Member]):
    """`@registry.register("name")` adds a member; `registry[name]` looks it up.

    Raises
    ------
    InputError
        For an unknown name, or anything that is not a name; the message suggests the closest name and lists all.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._members: dict[str, Member] = {}

    def register(self, name: str) -> Callable[[Put], Put]:
        def put(member: Put) -> Put:
            if name in self._members:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._members[name] = member  # type: ignore[assignment]
            return member

        return put

    def __getitem__(self, name: str) -> Member:
        if name not in self:
            known = f"known: {', '.join(sorted(self._members))}"
            if not isinstance(name, str):
                raise InputError(f"{self.kind} must be a name (got {shown(name)}); {known}")
            raise InputError(
                f'{self.kind} "{shown(name)}" is not known{did_you_mean(name, self._members)}; {known}; '
                "one of your own needs --plugin MODULE"
            )
        return self._members[name]

    def name_of(self, member: Member) -> str | None:
        """The name under which `member` is registered, or None."""
        return next((name for name, each in self._members.items() if each is member), None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))


def look_up(table: Mapping[str, Any], registry: Registry[Member], where: str, key: str = "name") -> Member:
    """The member that a card's table names under `key`; errors say where in the card.

    Raises
    ------
    InputError
        If the key is missing or its value is not a registered name.
    """
    if key not in table:
        raise InputError(f'{where}: the key "{key}" is missing; known: {", ".join(registry)}')
    try:
        return registry[table[key]]
    except InputError as error:
        raise InputError(f"{where}.{key}: {error}") from None


def import_members(package: str, path: Iterable[str]) -> None:
    """Import every file of a folder so that its members register themselves: a new member is one new file."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
