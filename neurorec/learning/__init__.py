"""How weights change. Importing this folder registers the rules."""

from neurorec.learning import assignment, bptt, competitive, ridge, stdp

__all__ = ["assignment", "bptt", "competitive", "ridge", "stdp"]
