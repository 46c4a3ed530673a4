"""Analyses of model systems and of trained networks, one per file. Importing this folder registers them."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
