"""Circuits as networks: each gate a unit, each wire a weight, one step of delay per gate.

The lecture "ML Tutorial 3 - RNNs" calls sigma(1000 x1 + 1000 x2 - 100) a NOR gate, but this is 1 if x1 or x2 is: an OR gate.
NOR needs the opposite signs, sigma(-1000 x1 - 1000 x2 + 100), which are used here. At sums so large sigma is exactly 0 or 1 in
single precision, so no error can build up.
"""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.models.cells.dense import Dense, DenseCard
from neurorec.models.cells.lif import LIF, LIFCard
from neurorec.models.circuits.netlist import Netlist
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire

WEIGHT, BIAS = -1000.0, 100.0  #: the lecture's, with the signs of NOR
GATES, READOUT = "gates", "readout"


def rate_network(netlist: Netlist) -> Network:
    """Sigmoid units. Outputs: the wires of the netlist's outputs, in order."""
    connections = _tensor(netlist.connections)
    card = DenseCard(name="dense", size=len(connections), activation="sigmoid", input_gain=1.0)
    gates = Dense(card, connections.shape[1])
    with torch.no_grad():
        gates.w_in.copy_(WEIGHT * connections)
        gates.bias.fill_(BIAS)
    wires = (Wire(INPUT, GATES), Wire(GATES, GATES, delay=1), Wire(GATES, READOUT))
    return Network({GATES: gates, READOUT: _readout(netlist)}, wires, "values", len(netlist.inputs), READOUT)


def spiking_network(netlist: Netlist, dt_ms: float = 1.0) -> Network:
    """LIF neurons that a tonic drive lets spike in every step in which no inhibitory spike arrives; a spike is a 1.

    The resting potential lies above the threshold, by D = v_leak - v_threshold, and each input of weight -3/2 D lowers it. With
    a = dt/tau_mem = 1 - 1/(2 F) for gates of up to F inputs, a neuron spikes within one step of its last inhibition,
    a v_leak + (1 - a) (v_leak - 3/2 F D) = v_threshold + D/4, and one spike suffices to silence it even at rest,
    v_leak - 3/2 a D < v_threshold. Currents last one step (tau_syn = dt).
    """
    fan_in = max(netlist.fan_in, 2)
    rate = 1 - 1 / (2 * fan_in)
    card = LIFCard(
        name="lif", size=len(netlist.gates), dt_ms=dt_ms, tau_mem_ms=dt_ms / rate, tau_syn_ms=dt_ms, v_threshold=1.0,
        v_leak=2.0, v_reset=0.0, reset="zero", surrogate="superspike", slope=10.0, input_gain=1.0, recurrent_gain=1.0,
        learn_time_constants=False,
    )  # fmt: skip
    inputs = len(netlist.inputs)
    gates = LIF(card, inputs)
    weights = -1.5 * (card.v_leak - card.v_threshold) * _tensor(netlist.connections)
    with torch.no_grad():
        gates.w_in.copy_(weights[:, :inputs])
        gates.w_rec.copy_(weights[:, inputs:])
    wires = (Wire(INPUT, GATES), Wire(GATES, READOUT))
    return Network({GATES: gates, READOUT: _readout(netlist)}, wires, "spikes", inputs, READOUT)


def _readout(netlist: Netlist) -> LinearReadout:
    """Picks the output wires. Raises `CannotRun` if an output is an input wire, which no unit sends."""
    wires = [wire for bus in netlist.outputs.values() for wire in bus]
    first = len(netlist.inputs)
    for wire in wires:
        if wire < first:
            said = f'output wire {wire} is the input "{netlist.line(wire)}"'
            raise CannotRun(f"{said}; let a gate send it: nor(nor(wire))")
    readout = LinearReadout(ReadoutCard(name="linear"), len(netlist.gates), len(wires))
    with torch.no_grad():
        readout.weight.zero_()
        readout.weight[range(len(wires)), [wire - first for wire in wires]] = 1
        readout.bias.zero_()
    return readout


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(torch.get_default_dtype())
