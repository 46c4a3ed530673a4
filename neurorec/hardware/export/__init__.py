"""Export of networks to files for other tools: one format per module, each verified by running the written file."""

from neurorec.basics.registry import import_members
from neurorec.hardware.export.exporter import Exporter, export_network, exporters

import_members(__name__, __path__)

__all__ = ["Exporter", "export_network", "exporters"]
