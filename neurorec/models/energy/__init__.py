"""Energy models, one per file. Importing this folder registers them all."""

from neurorec.models.energy import hopfield

__all__ = ["hopfield"]
