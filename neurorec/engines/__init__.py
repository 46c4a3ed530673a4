"""How time is stepped. Importing this folder registers the engines; Norse and Brian2 load only when used."""

from neurorec.engines import on_norse, on_torch

__all__ = ["on_norse", "on_torch"]
