"""Counts of eligibility traces, and of errors that are broadcast in every step, shared by the rules that use them."""

from typing import Any

from torch import Tensor

from neurorec.basics.counts import Counts, Kind, Store
from neurorec.learning.gradient_counts import adam, clip
from neurorec.models.network import Network

LOW_PASS = 2  #: operations: a product and a sum


def synapses_of(layer: Any) -> tuple[int, int]:
    """Number of trained synapses of a layer, and of their input lines; biases are synapses of one line more."""
    declared, recurrent = layer.operations(), any(weight.requires_grad for weight in layer.recurrent_weights())
    biases = sum(weight.numel() for weight in layer.traced_weights() if weight.dim() == 1)
    synapses = int(declared.input_fan_out.sum()) + recurrent * int(declared.recurrent_fan_out.sum()) + biases
    return synapses, layer.input_size + recurrent * layer.size + bool(biases)


def traces_of(layer: Any) -> int:
    """Number of traces of a layer's lines and synapses."""
    return sum(trace.numel() for trace in layer.start_traces(1) if isinstance(trace, Tensor))


def trace_words(network: Network) -> dict[str, int]:
    """Traces per sample of each layer, with those that the readout's filter needs, if it has one."""
    readout = network[network.output]
    filtered = readout.rate != 1
    words = {name: traces_of(layer) + filtered * synapses_of(layer)[0] for name, layer in network.hidden.items()}
    return words | {network.output: filtered * readout.input_size}


def hidden_counts(layer: Any, runs: int, readout: Any) -> Counts:
    (synapses, lines), own, filtered = synapses_of(layer), layer.trace_operations(), readout.rate != 1
    traces = runs * (traces_of(layer) + filtered * synapses)  # and the low-pass of each eligibility
    return Counts(
        macs=runs * synapses,
        dense_macs=runs * synapses,
        values_sent=runs * readout.size,
        elementwise=runs * (own.per_line * lines + (own.per_synapse + filtered * LOW_PASS) * synapses),
        nonlinearities=runs * layer.size,
        trace_reads=traces,
        trace_writes=traces,
        trace_updates=traces,
        gradient_reads=runs * synapses,
        gradient_writes=runs * synapses,
    )


def readout_counts(readout: Any, runs: int, learned: int = 0) -> Counts:
    """`learned`: feedback weights that change as the readout's do."""
    heard, synapses, filtered = readout.input_size, readout.input_size * readout.size, readout.rate != 1
    changes = runs * (synapses + learned)
    return Counts(
        macs=runs * synapses + changes,
        dense_macs=runs * synapses + changes,
        elementwise=runs * filtered * LOW_PASS * heard,
        weight_reads=runs * synapses,
        trace_reads=runs * filtered * heard,
        trace_writes=runs * filtered * heard,
        trace_updates=runs * filtered * heard,
        gradient_reads=changes,
        gradient_writes=changes,
    )


def feedback_stores(readout: str, weights: int, learned: int) -> tuple[Store, ...]:
    """Feedback weights that are not the readout's own; for those that are learned, also a gradient and Adam's moments."""
    held: dict[Kind, int] = {"weight": weights, "gradient": learned, "moment": 2 * learned}
    return tuple(Store(readout, kind, words) for kind, words in held.items() if words)


def feedback_update(changes: int) -> Counts:
    """Adam and clipping for the changes of feedback weights; then each shrinks, as does the readout weight beside it."""
    shrunk = Counts(elementwise=2 * changes, weight_reads=2 * changes, weight_writes=2 * changes)
    return adam(changes) + clip(changes) + shrunk
