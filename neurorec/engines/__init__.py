"""How time is stepped. Importing this folder registers the engines; Norse, Brian2 and the compilers load only when used."""

from neurorec.engines import on_norse, on_torch
from neurorec.engines.fused import engine as on_fused

__all__ = ["on_fused", "on_norse", "on_torch"]
