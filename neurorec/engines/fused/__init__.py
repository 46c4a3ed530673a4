"""The engine `fused`: a layer's own step, compiled, inside time loops that process spikes instead of multiplying by zeros.

From the layer to the result:
record.py     runs the layer's `step` on symbols (step_graph.py), and differentiates the recorded operations
step_code.py  compiles both to vector code, in milliseconds (engines/llvm)
known.py      caches both per layer, until something that its step reads is replaced
loops.py      the two time loops (forward.py, backward.py; numba, compiled once and kept: cache.py), on spikes as bits
              (bits.py) and on inner loops in vectors.py (emit.py)
unroll.py     everything as one torch operation with a gradient
The engine itself is engines/on_fused.py: what it can run, and why it rejects a layer.

numba and llvmlite are loaded on first use. What makes it fast, and how to add a neuron type: docs/engines_fused.md.
"""
