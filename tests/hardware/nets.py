"""Tiny networks of every registered cell, with random input of either kind."""

from typing import Any

import torch

from neurorec.basics.cards import check_card
from neurorec.engines.activity import Activity, observe
from neurorec.models import cells as _cells  # noqa: F401 (importing registers)
from neurorec.models import reservoirs as _reservoirs  # noqa: F401
from neurorec.models.cell import Signal, cells
from neurorec.models.network import Network, build_network
from neurorec.models.readout import readouts

LIF = {
    "dt_ms": 1.0,
    "tau_mem_ms": 5.0,
    "tau_syn_ms": 5.0,
    "v_threshold": 0.1,
    "v_leak": 0.0,
    "v_reset": 0.0,
    "surrogate": "superspike",
    "slope": 5.0,
}
SPIKING = LIF | {"reset": "zero", "input_gain": 2.0, "recurrent_gain": 1.0}
SETTINGS: dict[str, dict[str, Any]] = {
    "lif": SPIKING | {"learn_time_constants": False},
    "adaptive_lif": SPIKING | {"learn_time_constants": False, "tau_adapt_ms": 50.0, "adaptation": 0.02},
    "liquid_state": SPIKING | {"excitatory_share": 0.8, "density": 0.4, "input_density": 0.6, "inhibition": 2.0},
    "competitive_lif": LIF | {"weight_sum": 3.0, "inhibition": 0.1},
    "leaky_integrator": {
        "dt_ms": 1.0,
        "tau_mem_ms": 5.0,
        "tau_syn_ms": 5.0,
        "v_leak": 0.0,
        "learn_time_constants": False,
        "input_gain": 2.0,
    },
    "elman": {"input_gain": 1.0, "recurrent_gain": 1.0},
    "lstm": {"input_gain": 1.0, "recurrent_gain": 1.0, "forget_bias": 1.0},
    "echo_state": {"spectral_radius": 0.9, "leak": 0.5, "density": 0.4, "input_scale": 0.5, "bias_scale": 0.1},
    "competitive": {"start_low": 0.0, "start_high": 1.0},
}


def make_net(
    cell: str, *, inputs: int = 5, size: int = 7, outputs: int = 3, signal: Signal = "spikes", readout: str = "linear"
) -> Network:
    cell_card = check_card({"name": cell, "size": size} | SETTINGS[cell], cells[cell].Card, "test")
    extra = {"tau_ms": 10.0, "dt_ms": 1.0} if readout == "leaky" else {}
    readout_card = check_card({"name": readout} | extra, readouts[readout].Card, "test")
    return build_network(cell_card, readout_card, inputs, outputs, signal, torch.Generator().manual_seed(3))


def run(
    network: Network, *, steps: int = 6, samples: int = 4, rate: float = 0.4
) -> tuple[Activity, torch.Tensor, torch.Tensor]:
    """The activity, the input [T, B, I] and the hidden output [T, B, H] of one run on random input."""
    draw = torch.rand(steps, samples, network.cell.input_size, generator=torch.Generator().manual_seed(5))
    x = (draw < rate).float() if network.input_signal == "spikes" else draw
    with torch.no_grad():
        hidden, _ = network.cell(x)
    return observe(network, x, hidden), x, hidden
