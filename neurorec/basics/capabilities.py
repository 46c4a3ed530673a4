"""What cells, readouts and rules can need of a chip, and chips can offer: one vocabulary for both sides.

It stands from the special to the general: the first capability that a chip lacks is the reason it gives.
"""

from __future__ import annotations

from collections.abc import Iterable

from neurorec.basics.errors import InputError, did_you_mean

#: what running a network can need; whether units send spikes or values follows from their `output_signal`
RUNNING: dict[str, str] = {
    "gates": "values are multiplied with values inside a unit",
    "winner-take-all": "units compare their values and only the largest counts",
    "adaptive thresholds": "a neuron's threshold moves with its own spikes",
    "membranes": "potentials and currents decay from step to step",
    "values": "units send real numbers",
    "spikes": "units send spikes",
}
#: what changing weights can need beyond running the network
LEARNING: dict[str, str] = {
    "undeclared": "the rule does not say what it needs",
    "backward pass": "every step is kept, and errors go back through all of them",
    "linear solve": "a linear system is solved",
    "winner update": "the winner's weights move towards the values of its input",
    "product update": "a weight changes by the product of the values that its two ends send",
    "synapse traces": "every synapse keeps a trace of its own and multiplies it by a signal that is broadcast in every step",
    "spike traces": "lines and neurons keep traces of their spikes; a synapse reads the other end's when one end spikes",
}
CAPABILITIES = RUNNING | LEARNING


def capabilities(*names: str) -> frozenset[str]:
    """The named capabilities, checked."""
    check_capabilities(names)
    return frozenset(names)


def check_capabilities(names: Iterable[str], *others: str) -> None:
    """Raises `InputError` for a name that is neither a capability nor one of `others`."""
    known = (*CAPABILITIES, *others)
    for name in names:
        if name not in known:
            raise InputError(f'capability "{name}" is not known{did_you_mean(name, known)}; known: {", ".join(known)}')
