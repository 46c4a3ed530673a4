"""Small networks of every registered cell, from one set of card values, for tests that run over all of them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from neurorec.basics.cards import card_names, find_card, read_toml
from neurorec.models.architecture import CHAIN, READOUT, NetworkArchitecture
from neurorec.models.cell import CellCard, cells
from neurorec.models.energy.model import EnergyModel, energy_models
from neurorec.models.network import Network
from neurorec.models.readout import readouts
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.objective import objectives

CLASSES = objectives["classification"]()

VALUES = {
    "dt_ms": 1.0, "tau_mem_ms": 8.0, "tau_syn_ms": 4.0, "v_threshold": 1.0, "v_leak": 0.0, "v_reset": 0.0,
    "reset": "zero", "learn_time_constants": False,
    "surrogate": "superspike", "slope": 5.0, "input_gain": 4.0, "recurrent_gain": 1.0, "tau_adapt_ms": 64.0,
    "adaptation": 0.25, "forget_bias": 1.0, "spectral_radius": 0.9, "leak": 0.5, "density": 0.3, "input_scale": 1.0,
    "bias_scale": 0.2, "excitatory_share": 0.8, "input_density": 0.6, "inhibition": 4.0,
}  # fmt: skip
"""One value for each key that many cells' cards have; a key of its own stands in the cell's `example`, or in a pair card."""


def cell_card(name: str, size: int, **changes) -> CellCard:
    """A card of the cell `name`; keys that VALUES does not know are read from the pair cards."""
    schema = cells[name].Card
    known = {**_values_in_cards(name), **cells[name].example, **VALUES, **changes}
    needed = {key: known[key] for key, field in schema.model_fields.items() if key in known or field.is_required()
              if key not in ("name", "size")}  # fmt: skip
    return schema(name=name, size=size, **needed)


@cache
def _values_in_cards(name: str) -> Mapping[str, Any]:
    for pair in card_names("models"):
        for half in ("rate", "spiking"):
            table = read_toml(find_card("models", pair)).get(half, {}).get("cell") or {}
            if table.get("name") == name:
                return {key: value for key, value in table.items() if key not in VALUES}
    return {}


def network(name: str, I: int = 5, H: int = 7, O: int = 3, seed: int = 0, readout: str = "", **changes) -> Network:  # noqa: E741
    spiking = cells[name].output_signal == "spikes"
    kind = readout or ("leaky" if spiking else "linear")
    schema = readouts[kind].Card
    readout_card = schema(**{"name": kind, **readouts[kind].example})
    wires = (Wire(INPUT, CHAIN), Wire(CHAIN, READOUT))
    architecture = NetworkArchitecture({CHAIN: cell_card(name, H, **changes)}, readout_card, wires)
    return architecture.build(I, O, "spikes" if spiking else "values", torch.Generator().manual_seed(seed))


def energy_model(name: str, size: int = 5) -> EnergyModel:
    kind = energy_models[name]
    return kind(kind.Card(name=name, **kind.example), size)


def inputs(network: Network, T: int, B: int, seed: int = 0, share: float = 0.3) -> torch.Tensor:
    """Random input of the kind the network takes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(T, B, network.input_size, generator=generator)
    return (x < share).float() if network.input_signal == "spikes" else x


def on_dyadic_grid(network: Network, bits: int = 8) -> Network:
    """Round every weight to a multiple of 2^-bits, so that sums are exact in any order and spikes can be compared."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.round(weight * 2**bits) / 2**bits)
    return network
