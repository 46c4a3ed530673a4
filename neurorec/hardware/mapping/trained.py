"""A trained network as a `Net`: its layer and readout, the spikes that were observed, its wires where they are sparse."""

from __future__ import annotations

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.placement import Mapping, place
from neurorec.hardware.mapping.wiring import INPUT, Group, Net, Regular, Wires
from neurorec.models.network import Network

HIDDEN, READOUT = 0, 1


def place_network(
    network: Network, activity: Activity, chip: Chip, partitioned: bool = False, annealed: bool = False
) -> Mapping:
    """Place `network` on `chip` and count what its spikes travel. Raises as `place` does."""
    return place(net_of(network, activity, chip), chip, partitioned, annealed)


def net_of(network: Network, activity: Activity, chip: Chip) -> Net:
    """Spikes of the last step are sent too, although nothing reads them. Input of values sends no spikes."""
    cell, declared, H = network.cell, network.cell.operations(), network.cell.size
    spiking = network.input_signal == "spikes"
    inputs = np.where(declared.input_fan_out > 0, activity.input_spikes, 0) if spiking else np.zeros(cell.input_size)
    groups = (
        Group("hidden", H, chip.units_of(cell.card.name), activity.hidden_spikes.astype(np.int64), False),
        Group("readout", network.readout.size, 1, np.zeros(network.readout.size, np.int64), True),
    )
    regular, wired, sizes = [Regular(HIDDEN, READOUT, H)], {}, {INPUT: cell.input_size, HIDDEN: H}
    for source, fan_out in ((INPUT, declared.input_fan_out), (HIDDEN, declared.recurrent_fan_out)):
        weight = _weight(network, source)
        sparse = fan_out.sum() > 0 and fan_out.min(initial=H) < H - 1
        if sparse and weight is not None and np.array_equal((weight != 0).sum(0), fan_out):
            wired[source] = weight != 0
        elif fan_out.sum():
            regular.append(Regular(source, HIDDEN, sizes[source]))
    synapses = np.full(H, -(-int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum()) // H))
    if wired:
        synapses = sum(w.sum(1) for w in wired.values()) + sum(r.fan_in for r in regular if r.target == HIDDEN)
    return Net(
        groups=groups,
        input_spikes=inputs.astype(np.int64),
        regular=tuple(regular),
        synapses=np.concatenate([synapses, np.full(network.readout.size, H)]).astype(np.int64),
        wired=frozenset((source, HIDDEN) for source in wired),
        draw=(lambda: _wires(wired, network)) if wired else None,
    )


def _weight(network: Network, source: int) -> np.ndarray | None:
    """The weights [H, lines] of a cell that has one matrix from the input and one from its own units."""
    weight = getattr(network.cell, "w_in" if source == INPUT else "w_rec", None)
    return None if weight is None else weight.detach().cpu().numpy()


def _wires(wired: dict[int, np.ndarray], network: Network) -> Wires:
    inputs, H = network.cell.input_size, network.cell.size
    none = np.zeros((H, 0), bool)
    exists = np.concatenate([wired.get(INPUT, np.zeros((H, inputs), bool)), wired.get(HIDDEN, none)], axis=1)
    exists = np.concatenate([exists, np.zeros((network.readout.size, exists.shape[1]), bool)])
    return Wires(
        np.concatenate([[0], np.cumsum(exists.sum(1))]).astype(np.int64), np.nonzero(exists)[1].astype(np.int32)
    )
