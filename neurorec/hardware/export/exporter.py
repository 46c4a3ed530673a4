"""The contract of an exporter: a file that reproduces the reference run, or a refusal that says why."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.registry import Registry
from neurorec.models.network import Network

exporters: Registry[type["Exporter"]] = Registry("exporter")


class Exporter(ABC):
    """Writes networks to files of one format. Never a lookalike: what the format cannot say is refused."""

    title: ClassVar[str]

    @abstractmethod
    def why_not(self, network: Network) -> str | None:
        """Why `network` cannot be written, with the closest thing that can; None if it can."""

    @abstractmethod
    def write(self, network: Network, path: Path, profile: Any = None) -> None:
        """Write `network`; `profile` holds what the format leaves to choose, None meaning the format's plainest form.

        Raises
        ------
        CannotRun, InputError
            If the network or the profile cannot be written, or the folder cannot be written to.
        """

    def check(self, network: Network) -> None:
        reason = self.why_not(network)
        if reason is not None:
            raise CannotRun(f"{self.title} cannot hold {_name(network)}: {reason}")


def export_network(network: Network, path: str | Path, to: str = "nir", profile: Any = None) -> None:
    """Write `network` to the file `path` in the format `to`, or raise saying why it cannot be done.

    >>> export_network(network, "net.nir", to="nir", profile=NirProfile(nir_version="legacy-1.0.4"))  # doctest: +SKIP
    """
    path = Path(path)
    exporter = exporters[to]()
    exporter.check(network)
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first")
    exporter.write(network, path, profile)


def _name(network: Any) -> str:
    cell = getattr(network, "cell", None)
    return getattr(cell, "title", type(network).__name__)
