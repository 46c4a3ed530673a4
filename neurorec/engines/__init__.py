"""How time is stepped. Importing this folder registers the engines; Norse, Brian2 and the compilers load only when used."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
