"""Drawings of the figures that analyses find, one file per type; importing this folder registers them."""

from neurorec.basics.registry import import_members
from neurorec.report.plots.figure_part import part_of

import_members(__name__, __path__)

__all__ = ["part_of"]
