"""Turing machines as recurrent networks. turing_machine.py runs a transition table; stack_network.py compiles it into a network
of saturated-linear units with rational weights: exact in fractions, but not in floating point once its stacks are deep."""
