"""Engines: how time is stepped. Importing this folder registers them; Norse, Brian2 and the compilers load on first use."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
