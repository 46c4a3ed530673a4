"""Event networks compiled for one CPU core; LLVM loads when a network runs, not before.

From the network to the result:
language.py            the equations that it reads
network_plan.py        which variables move at every step and which are decayed when they are read
kernel_source.py       the loop over time as text (population_source.py, projection_source.py, writing.py), in plain Python
runtime.py             what that text calls: Poisson lines, recorded spikes, scaled weights
to_llvm.py             a small compiler of that Python (kernel_code.py: to machine code)
arrays.py              numbers to arrays and back
The engine itself is engines/on_plastic.py.

How to write a network, and how to add a neuron type or a rule: docs/plastic_engine.md.
"""
