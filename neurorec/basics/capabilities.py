"""Capabilities that cells, readouts and rules may need and chips may offer: one vocabulary for both.

Ordered from specific to general: a chip refuses with its reason for the first capability that it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable

from neurorec.basics.errors import InputError, did_you_mean

UNDECLARED = "undeclared"

#: needed to run a network; whether units send spikes or values follows from their `output_signal`
RUNNING: dict[str, str] = {
    "gates": "real values are multiplied with each other inside a unit",
    "winner-take-all": "units compare their values and only the largest is active",
    "adaptive thresholds": "a neuron's threshold changes with its own spikes",
    "dynamic synapses": "the strength of a synapse changes with the recent spikes of its source",
    "quadratic membranes": "a neuron's update squares its potential",
    "membranes": "potentials and currents decay from step to step",
    "values": "units send real numbers",
    "spikes": "units send spikes",
}
#: needed to change weights, beyond running the network
LEARNING: dict[str, str] = {
    UNDECLARED: "the rule does not declare what it needs",
    "backward pass": "every step is stored, and errors are propagated back through all of them",
    "state derivatives": "every unit keeps the derivatives of its state with respect to all weights of the network",
    "linear solve": "a linear system is solved",
    "winner update": "the winner's weights move towards the values of its input",
    "product update": "a weight changes by the product of the values that its two units send",
    "synapse traces": "every synapse keeps its own trace and multiplies it by a signal that is broadcast in every step",
    "spike traces": "lines and neurons keep traces of their spikes; a synapse reads the trace at one end when the other spikes",
}
#: needed to run a network, but no chip is priced for it
UNCOUNTED: dict[str, str] = {
    "attention": "the work of every step grows with what was read before, which is not counted",
}
CAPABILITIES = UNCOUNTED | RUNNING | LEARNING


def capabilities(*names: str) -> frozenset[str]:
    """The named capabilities. Raises `InputError` for an unknown name."""
    check_capabilities(names)
    return frozenset(names)


def check_capabilities(names: Iterable[str], *others: str) -> None:
    """Raises `InputError` for a name that is neither a capability nor one of `others`."""
    known = (*CAPABILITIES, *others)
    for name in names:
        if name not in known:
            raise InputError(f'capability "{name}" is not known{did_you_mean(name, known)}; known: {", ".join(known)}')
