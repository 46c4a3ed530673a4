"""Encoder and decoder: some layers read a sequence, then others write one of another length.

A wire along reading delivers, in every frame of writing, what its source sent in the last frame of reading: the context C of
the lecture, given to the decoder as an input (as in Cho et al. 2014). Layers that hear one, directly or through others, write:
they start when reading has ended. All others read, and stop there. Nothing else passes from one to the other, except to layers
that remember (`remember`, as attention does) all that was sent while reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.reading_ends import Reading, earlier, later
from neurorec.models.running import NetworkState, Unroll, run_over_time
from neurorec.models.wires import INPUT, Structure, Wire

if TYPE_CHECKING:
    from neurorec.models.network import Network


def writers_of(names: list[str], wires: tuple[Wire, ...]) -> frozenset[str]:
    """The layers that write: targets of wires along reading, and whatever hears them.

    Raises
    ------
    InputError
        If a writing layer is read along reading, or hears a reading layer in another way.
    """
    found = {wire.target for wire in wires if wire.along == "reading"}
    more = found
    while more:
        more = {wire.target for wire in wires if wire.source in more} - found
        found |= more
    for wire in wires:
        crosses = wire.source != INPUT and (wire.source in found) != (wire.target in found)
        if (wire.along == "reading") != crosses:
            raise InputError(
                f"{wire}: a layer that writes ({', '.join(name for name in names if name in found)}) may hear one that reads "
                "only through hears_read, and hears_read may name only layers that read"
            )
    return frozenset(found)


def run_encoder_decoder(
    network: Network, x: Tensor, state: NetworkState | None, lengths: Tensor | None, unroll: Unroll | None,
    forced: Mapping[str, Tensor], reading: Structure | None,
) -> tuple[dict[str, Tensor], NetworkState]:  # fmt: skip
    """As `Network.run`; outputs are 0 where a layer does not run. `state` holds the state in which each layer starts to
    read or write.

    Raises
    ------
    InputError
        If `reading` is not the end of reading of every sample, or is impossible.
    """
    T, B, _ = x.shape
    reading = Reading(torch.full((B,), T // 2, device=x.device)) if reading is None else reading
    if not isinstance(reading, Reading):
        raise InputError(
            f"{network.title} first reads and then writes, so give a Reading (got {type(reading).__name__})"
        )
    ends = torch.full((B,), T, device=x.device) if lengths is None else lengths
    reading.check(ends)
    wires = [wire for wire in network.wires if wire.along == "reading"]
    readers = [name for name in network.layers if name not in network.writers]
    start = network.initial_state(B) if state is None else state
    sent, read = run_over_time(network, x, state, reading.ends, unroll, {}, only=readers)
    written = int((ends - reading.ends).max()) if B else 0
    brought = {
        wire: wire.carried(_context(network, wire, reading, sent, written)) * (wire not in network.cut)
        for wire in wires
    }
    start = NetworkState(dict(start.layers), start.delayed)
    for wire in wires:
        if hasattr(network[wire.target], "remember"):
            start.layers[wire.target] = network[wire.target].remember(sent[wire.source], reading.ends)
    sent_later, state_later = run_over_time(
        network, earlier(x, reading.ends, written), start, ends - reading.ends, unroll,
        {name: earlier(values, reading.ends, written) for name, values in forced.items()}, brought, network.writers,
    )  # fmt: skip
    sent |= {name: later(sent_later[name], reading.ends, T) for name in network.writers}
    layers = {**read.layers, **{name: state_later.layers[name] for name in network.writers}}
    return sent, NetworkState(layers, state_later.delayed)


def _context(network: Network, wire: Wire, reading: Reading, sent: Mapping[str, Tensor], steps: int) -> Tensor:
    """What a wire along reading delivers in each step of writing, [steps, B, H]."""
    held = Reading(reading.ends) if network[wire.source].holds else reading
    return held.context(sent[wire.source], steps)
