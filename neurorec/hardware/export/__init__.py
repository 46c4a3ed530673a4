"""Export of networks to files for other tools: one format per module, each verified by running the written file."""

from neurorec.hardware.export import nir
from neurorec.hardware.export.exporter import Exporter, export_network, exporters

__all__ = ["Exporter", "export_network", "exporters", "nir"]
