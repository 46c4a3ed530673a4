"""A small network of every registered cell, and spikes to run it on."""

import torch

from neurorec.hardware.export import export_network
from neurorec.hardware.export.verify import verify_nir
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import LeakyCard, ReadoutCard, readouts
from neurorec.models.wires import INPUT, Wire
from tests.nets import cell_card

LIVELY = {
    "dt_ms": 1.0,
    "tau_mem_ms": 10.0,
    "tau_syn_ms": 5.0,
    "v_threshold": 0.9,
    "v_leak": 0.0,
    "v_reset": 0.0,
    "reset": "zero",
    "surrogate": "superspike",
    "slope": 10.0,
    "input_gain": 3.0,
    "recurrent_gain": 1.5,
    "excitatory_share": 0.8,
    "density": 0.3,
    "input_density": 0.5,
    "inhibition": 2.0,
}
EXPORTED = ("lif", "liquid_state")


def build(name="lif", size=17, inputs=5, outputs=3, readout="leaky", seed=0, **changes):
    cell = cells[name](cell_card(name, size, **{**LIVELY, **changes}), inputs)
    card = LeakyCard(name="leaky", tau_ms=20.0, dt_ms=changes.get("dt_ms", 1.0)) if readout == "leaky" else None
    out = readouts[readout](card or ReadoutCard(name="linear"), size, outputs)
    generator = torch.Generator().manual_seed(seed)
    cell.reset_parameters(generator)
    out.reset_parameters(generator)
    with torch.no_grad():
        out.bias.uniform_(-1, 1, generator=generator)
    wires = (Wire(INPUT, "hidden"), Wire("hidden", "readout"))
    return Network({"hidden": cell, "readout": out}, wires, "spikes", inputs)


def spikes_in(T=40, B=6, inputs=5, seed=1):
    return (torch.rand(T, B, inputs, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def roundtrip(network, x, path, profile=None):
    export_network(network, path, profile=profile)
    return verify_nir(network, path, x)
