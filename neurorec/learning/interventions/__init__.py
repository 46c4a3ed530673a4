"""Experiments on the six objections, one per file. Importing this folder registers them all."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
