"""The extent of a described network, computed from its card before it is expanded: layers, connections, memory."""

from neurorec.basics.errors import InputError
from neurorec.basics.memory_limit import refuse_memory
from neurorec.hardware.workload.description.network_card import Description
from neurorec.models.wires import INPUT

MOST_LAYERS = 1_000
MOST_CONNECTIONS = 100_000  #: between layers
BYTES_PER_UNIT = 160  #: measured: 24 to count it, about 100 to place it on many cores
BYTES_PER_DRAWN_SYNAPSE = 32  #: measured: 13 to 33, depending on the chip


def check_extent(net: Description) -> None:
    """Raises `InputError` for more layers or connections than can be placed, or units and synapses than memory holds."""
    layers = sum(layer.depth * layer.copies for layer in net.layer)
    if layers > MOST_LAYERS:
        raise InputError(f"depth and copies make {layers:,} layers; at most {MOST_LAYERS:,} can be described")
    connections = _connections(net)
    if connections > MOST_CONNECTIONS:
        raise InputError(
            f"depth, copies and hears make {connections:,} connections between layers; at most {MOST_CONNECTIONS:,} can be "
            "described"
        )
    units = (net.input.size if net.input else 0) + sum(layer.size * layer.depth * layer.copies for layer in net.layer)
    drawn = sum(
        layer.size * (sum(layer.random_fan_in.values()) + ((layer.recurrent_fan_in or 0) if layer.lattice else 0))
        for layer in net.layer
    )
    what = f"a network of {units:,} units and input lines" + (f" with {drawn:,} drawn synapses" if drawn else "")
    refuse_memory(BYTES_PER_UNIT * units + BYTES_PER_DRAWN_SYNAPSE * drawn, what, "describe a smaller network")


def _connections(net: Description) -> int:
    """Connections between layers, apart from those drawn at random."""
    ends, before, found = {INPUT: 1 if net.input else 0}, INPUT, 0
    for layer in net.layer:
        named = layer.hears if layer.hears is not None else [] if layer.random_fan_in else [before]
        found += layer.copies * (sum(ends[name] for name in named) + layer.depth - 1)
        ends[layer.name], before = layer.copies, layer.name
    return found
