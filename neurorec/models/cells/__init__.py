"""One cell a file. Importing this folder registers them all."""

from neurorec.models.cells import adaptive_lif, competitive, competitive_lif, elman, leaky_integrator, lif, lstm

__all__ = ["adaptive_lif", "competitive", "competitive_lif", "elman", "leaky_integrator", "lif", "lstm"]
