"""Learning rules: how weights change. Importing this folder registers them all."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
