"""The contract of an exporter: a file that reproduces the reference run, or a refusal with the reason."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from neurorec.basics.errors import CannotRun, InputError, did_you_mean
from neurorec.basics.registry import Registry
from neurorec.models.network import Network

exporters: Registry[type["Exporter"]] = Registry("exporter")


@dataclass(frozen=True)
class NamedProfile:
    """A choice of the format's options that has a name."""

    profile: Any
    about: str  #: one line


class Exporter(ABC):
    """Writes networks to files of one format. What the format cannot express is refused, never approximated."""

    title: ClassVar[str]
    Profile: ClassVar[type[Any] | None] = None  #: a dataclass of the format's options
    profiles: ClassVar[Mapping[str, NamedProfile]] = {}  #: choices of them by name

    @abstractmethod
    def why_not(self, network: Network) -> str | None:
        """Why `network` cannot be written, with the closest network that can; None if it can."""

    @abstractmethod
    def write(self, network: Network, path: Path, profile: Any = None) -> None:
        """Write `network`; `profile` has the format's options (None: defaults).

        Raises
        ------
        CannotRun, InputError
            If the network or the profile cannot be written, or the folder is not writable.
        """

    def profile_of(self, choices: Mapping[str, Any]) -> Any:
        """A profile with these fields. Raises `InputError` for an unknown field."""
        known = [field.name for field in fields(self.Profile)] if self.Profile else []
        for name in choices:
            if name not in known:
                said = ", ".join(known) or "none"
                raise InputError(f'{self.title}: a profile has no "{name}"{did_you_mean(name, known)}; known: {said}')
        return self.Profile(**choices) if self.Profile else None

    def profile_named(self, name: str) -> Any:
        """The profile called `name`. Raises `InputError` for any other name."""
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            hint = did_you_mean(name, self.profiles)
            raise InputError(f'{self.title}: there is no profile "{name}"{hint}; known: {known}')
        return self.profiles[name].profile

    def check(self, network: Network) -> None:
        reason = self.why_not(network)
        if reason is not None:
            raise CannotRun(f"{self.title} cannot hold {_name(network)}: {reason}")


def export_network(network: Network, path: str | Path, to: str = "nir", profile: Any = None, **choices: Any) -> None:
    """Write `network` to the file `path` in the format `to`, or raise an error with the reason.

    The format's options are a `profile` (or its name), or its fields by name:

    >>> export_network(network, "net.nir", nir_version="legacy-1.0.4")  # doctest: +SKIP
    """
    path = Path(path)
    exporter = exporters[to]()
    exporter.check(network)
    if isinstance(profile, str):
        profile = exporter.profile_named(profile)
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first")
    if choices and profile is not None:
        raise InputError(f"{path}: give a profile or its options ({', '.join(choices)}), not both")
    exporter.write(network, path, exporter.profile_of(choices) if choices else profile)


def _name(network: Any) -> str:
    return network.title if isinstance(network, Network) else type(network).__name__
