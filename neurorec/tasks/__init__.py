"""Tasks, their objectives, and the encoders that turn frames into spikes."""

from neurorec.basics.registry import import_members

import_members(__name__, __path__)
