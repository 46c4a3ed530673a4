"""The fast engine: a cell's own step compiled, inside time loops that follow spikes instead of multiplying by zeros.

From the cell to the result:
record.py    runs the cell's `step` on symbols (graph.py), and differentiates what it wrote down
compiled.py  makes vector code of both, in milliseconds (machine.py: what the processor offers)
known.py     keeps both for a cell, until something that its step reads is replaced
loops.py     the two time loops (forward.py, backward.py; numba, compiled once and kept: cache.py), on spikes as bits
             (bits.py) and on inner loops in vectors.py (emit.py)
unroll.py    all this as one torch operation with a gradient
engine.py    the engine `fused`: what it can run, and in whose words it refuses

numba and llvmlite load at first use. How it was made fast, and how to add a neuron type: docs/engines_fused.md.
"""
