"""Networks as files that other tools read: one target a file, each verified by running what was written."""

from neurorec.hardware.export import nir
from neurorec.hardware.export.exporter import Exporter, export_network, exporters

__all__ = ["Exporter", "export_network", "exporters", "nir"]
