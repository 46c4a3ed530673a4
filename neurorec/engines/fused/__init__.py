"""The fast engine: a layer's own step compiled, inside time loops that follow spikes instead of multiplying by zeros.

From the layer to the result:
record.py     runs the layer's `step` on symbols (step_graph.py), and differentiates what it wrote down
step_code.py  makes vector code of both, in milliseconds (engines/llvm)
known.py      keeps both for a layer, until something that its step reads is replaced
loops.py      the two time loops (forward.py, backward.py; numba, compiled once and kept: cache.py), on spikes as bits
              (bits.py) and on inner loops in vectors.py (emit.py)
unroll.py     all this as one torch operation with a gradient
The engine itself is engines/on_fused.py: what it can run, and why it rejects a layer.

numba and llvmlite load at first use. How it was made fast, and how to add a neuron type: docs/engines_fused.md.
"""
