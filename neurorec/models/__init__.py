"""What is computed: cells, readouts, networks, energy models, and the pair cards in models/ at the top level."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
