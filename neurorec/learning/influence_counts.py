"""Counts of real-time recurrent learning: the derivative of every state with respect to every weight that influences it.

Per sample and step, N being the number of trained weights that influence a layer's output:
  through  W P over the recurrent synapses (in all steps but the first) and over those of wires from influenced layers: one
           multiply-accumulate per synapse and weight: H^2 N = O(H^4) for H recurrent units, O(H^3) per unit
  local    one product per weight and forward elementwise operation or nonlinearity, one surrogate derivative per spiking
           neuron; one sum per weight of the layer itself, of what its synapse hears
  P        state values x N derivatives, each read and written once; weights are read once per step
  dL/dw    += sum over outputs k of dL/dy_k dy_k/dw, counted as published, with an error in every step
Where a layer's output does not return to it (no recurrence), a weight of its own influences only its own unit.
"""

from __future__ import annotations

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire


class Influences:
    """Which weights influence which layers.

    Attributes
    ----------
    dense : by layer, trained numbers that influence all of its units
    own : by layer, trained numbers of the layer that influence only their own unit
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        reached = {name: self._upstream(name) for name in network.layers}
        recurs = {name: name in reached[name] or self._recurs_inside(name) for name in network.layers}
        trained = network.trained_numbers
        self.dense = {
            name: sum(trained(other) for other in reached[name] - {name}) + recurs[name] * trained(name)
            for name in network.layers
        }
        self.own = {name: 0 if recurs[name] else trained(name) for name in network.layers}

    def numbers(self, source: str) -> int:
        """Trained numbers that influence what `source` sends."""
        return 0 if source == INPUT else self.dense[source] + self.own[source]

    def per_unit(self, name: str) -> int:
        """Derivatives per number of the layer's state: those of all units for a dense weight, of one unit for its own."""
        return self.dense[name] + self.own[name] // max(1, self.network[name].size)

    def heard(self, name: str) -> list[Wire]:
        return [wire for wire in self.network.wires_into(name) if wire not in self.network.cut and wire.source != INPUT]

    def _recurs_inside(self, name: str) -> bool:
        return bool(self.network[name].operations().recurrent_fan_out.any())

    def _upstream(self, name: str) -> set[str]:
        """Layers whose output reaches `name` over wires."""
        found: set[str] = set()
        new = {wire.source for wire in self.heard(name)}
        while new:
            found |= new
            new = {wire.source for one in new for wire in self.heard(one)} - found
        return found


def influence_counts(network: Network, forward: ForwardPass) -> LayerCounts:
    """Over the observed samples."""
    influences = Influences(network)
    return LayerCounts({name: _counts(network, name, influences, forward) for name in network.layers})


def influence_stores(network: Network, batch: int) -> tuple[Store, ...]:
    """The derivatives of `batch` samples."""
    influences = Influences(network)
    words = {
        name: batch * layer.operations().state_values * influences.per_unit(name)
        for name, layer in network.named_layers()
    }
    return tuple(Store(name, "trace", number) for name, number in words.items() if number)


def _counts(network: Network, name: str, influences: Influences, forward: ForwardPass) -> Counts:
    layer, runs = network[name], forward.of(name).steps
    declared, back = layer.operations(), max(0, runs - forward.of(name).starts)
    recurrent = back * int(declared.recurrent_fan_out.sum())
    reads, macs = recurrent, recurrent * influences.dense[name]
    for wire in influences.heard(name):
        synapses = (back if wire.delay else runs) * int(declared.input_fan_out[network.lines_of(wire)].sum())
        reads, macs = reads + synapses, macs + synapses * influences.numbers(wire.source)
    each, traces = influences.per_unit(name), runs * declared.state_values * influences.per_unit(name)
    changed = 0
    if name == network.output:
        changed = runs * (influences.dense[name] + influences.own[name])
        macs += runs * (layer.size * influences.dense[name] + influences.own[name])
    return Counts(
        macs=macs,
        dense_macs=macs,
        values_sent=0 if name == network.output else runs * layer.size * each,
        elementwise=runs * ((declared.elementwise + declared.nonlinearities) * each + network.trained_numbers(name)),
        nonlinearities=runs * layer.size if layer.output_signal == "spikes" else 0,
        weight_reads=reads,
        trace_reads=traces,
        trace_writes=traces,
        trace_updates=traces,
        gradient_reads=changed,
        gradient_writes=changed,
    )
