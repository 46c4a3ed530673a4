"""How time is stepped. Importing this folder registers the engines; Norse, Brian2 and the compilers load only when used."""

from neurorec.engines import on_brian2, on_fused, on_norse, on_plastic, on_torch

__all__ = ["on_brian2", "on_fused", "on_norse", "on_plastic", "on_torch"]
