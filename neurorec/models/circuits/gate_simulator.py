"""The reference: gates as Booleans, without weights."""

import numpy as np

from neurorec.models.circuits.netlist import Bus, Netlist


def simulate(netlist: Netlist, x: np.ndarray, state: np.ndarray | None = None) -> np.ndarray:
    """Inputs x [T, I], 0 or 1, to the outputs of all gates [T, G]; `state` [G]: the step before the first, all 0 if None."""
    I, G = len(netlist.inputs), len(netlist.gates)  # noqa: E741
    heard = np.full((G, netlist.fan_in or 1), I + G)  # one more wire, always 0, fills up
    for k, wires in enumerate(netlist.gates):
        heard[k, : len(wires)] = wires
    wires, found = np.zeros(I + G + 1, bool), np.zeros((len(x), G), bool)
    wires[I : I + G] = 0 if state is None else state
    for t, given in enumerate(np.asarray(x, bool)):
        wires[:I] = given
        wires[I : I + G] = found[t] = ~wires[heard].any(1)
    return found


def number(netlist: Netlist, bus: Bus, x: np.ndarray, gates: np.ndarray) -> np.ndarray:
    """The number that a bus carries in each step: [T]."""
    wires = np.concatenate([np.asarray(x, bool), gates], 1)
    return wires[:, list(bus)] @ (1 << np.arange(len(bus)))
