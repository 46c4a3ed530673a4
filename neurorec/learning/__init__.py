"""How weights change. Importing this folder registers the rules."""

from neurorec.learning import bptt, ridge

__all__ = ["bptt", "ridge"]
