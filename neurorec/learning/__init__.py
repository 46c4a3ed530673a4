"""How weights change. Importing this folder registers the rules."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
