"""Fixed random recurrent layers; only their readout is trained. Importing this folder registers them."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
