"""The decoder of a network, which writes from a code alone: with codes from the prior, it draws samples."""

from dataclasses import replace

from neurorec.basics.errors import InputError
from neurorec.models.network import Network
from neurorec.models.wires import INPUT


def drawing_part(network: Network) -> Network:
    """A network of the layers of `network` that write, with the same weights; its input, in every step, is the code.

    Raises
    ------
    InputError
        If they hear anything else, or if what they hear from reading is not a code that is held.
    """
    codes = {wire.source for wire in network.wires if wire.along == "reading"}
    wires = [wire for wire in network.wires if wire.target in network.writers]
    if len(codes) != 1 or not network[code := codes.pop()].holds or any(wire.source == INPUT for wire in wires):
        raise InputError(
            f"{network.title} does not write from a single code alone, so it cannot draw samples; let its decoder hear only a "
            'layer such as "gaussian_code", by hears_read'
        )
    layers = {name: layer for name, layer in network.named_layers() if name in network.writers}
    heard = [replace(wire, source=INPUT, along="time") if wire.along == "reading" else wire for wire in wires]
    return Network(layers, tuple(heard), network[code].output_signal, network[code].size, network.output)
