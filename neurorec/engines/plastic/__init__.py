"""Event networks compiled for one CPU core; LLVM is loaded when a network first runs.

From the network to the result:
language.py            parsing of equations
network_plan.py        which variables are updated in every step and which are decayed when they are read
kernel_source.py       the loop over time as text (population_source.py, projection_source.py, writing.py), in plain Python
runtime.py             functions called by that text: Poisson lines, recorded spikes, normalised weights
to_llvm.py             a small compiler of that Python (kernel_code.py: to machine code)
arrays.py              parameters and state to arrays and back
The engine itself is engines/on_plastic.py.

How to write a network, and how to add a neuron type or a rule: docs/plastic_engine.md.
"""
