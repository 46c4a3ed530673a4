"""The two time loops, which are independent of the neuron type.

Samples are taken in tiles of TILE_ROWS, each through all time steps, so that a tile's state stays in the cache. Rows of
hidden numbers are `width` long: H rounded up to whole vectors, padded with zeros. Spikes are bits, 64 per word;
a set bit is an event, and costs one row of weights.
"""

from neurorec.engines.fused.backward import backward_rows
from neurorec.engines.fused.forward import SEGMENT, forward_rows

__all__ = ["SEGMENT", "backward_rows", "forward_rows"]
