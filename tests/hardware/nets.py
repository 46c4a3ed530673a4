"""Tiny networks of every registered cell, lively enough to spike, with random input of either kind."""

import numpy as np
import torch

from neurorec.engines.activity import Activity, LayerActivity
from neurorec.engines.observing import observe
from neurorec.hardware.workload.counting import Operations, count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.architecture import CHAIN, READOUT, NetworkArchitecture
from neurorec.models.layer import Signal
from neurorec.models.network import Network
from neurorec.models.readout import readouts
from neurorec.models.wires import INPUT, Wire
from tests.nets import cell_card

LIVELY = {
    "tau_mem_ms": 5.0, "tau_syn_ms": 5.0, "v_threshold": 0.1, "slope": 5.0, "tau_adapt_ms": 50.0, "adaptation": 0.02,
    "density": 0.4, "inhibition": 0.1, "input_gain": 2.0, "weight_sum": 3.0,
}  # fmt: skip
CHAINED = (Wire(INPUT, CHAIN), Wire(CHAIN, READOUT))


def make_net(
    cell: str, *, inputs: int = 5, size: int = 7, outputs: int = 3, signal: Signal = "spikes", readout: str = "linear",
    **changes,
) -> Network:  # fmt: skip
    """Input, one layer called "hidden", a readout. `changes` go into the cell's card."""
    card = readouts[readout].Card(**{"name": readout, **readouts[readout].example})
    architecture = NetworkArchitecture({CHAIN: cell_card(cell, size, **LIVELY | changes)}, card, CHAINED)
    return architecture.build(inputs, outputs, signal, torch.Generator().manual_seed(3))


def wired(
    layers: dict[str, tuple[str, int]], wires: tuple[Wire, ...], *, inputs: int = 5, outputs: int = 3,
    signal: Signal = "spikes",
) -> Network:  # fmt: skip
    """Layers by name, each a cell and a size, and a linear readout."""
    cards = {name: cell_card(cell, size, **LIVELY) for name, (cell, size) in layers.items()}
    architecture = NetworkArchitecture(cards, readouts["linear"].Card(name="linear"), wires)
    return architecture.build(inputs, outputs, signal, torch.Generator().manual_seed(3))


def run(
    network: Network, *, steps: int = 6, samples: int = 4, rate: float = 0.4
) -> tuple[Activity, torch.Tensor, torch.Tensor]:
    """The activity, the input [T, B, I] and what the first layer sent [T, B, H] in one run on random input."""
    activity, x, sent = run_all(network, steps=steps, samples=samples, rate=rate)
    return activity, x, next(iter(sent.values()))


def run_all(
    network: Network, *, steps: int = 6, samples: int = 4, rate: float = 0.4
) -> tuple[Activity, torch.Tensor, dict[str, torch.Tensor]]:
    """As `run`, with what every layer sent."""
    draw = torch.rand(steps, samples, network.input_size, generator=torch.Generator().manual_seed(5))
    x = (draw < rate).float() if network.input_signal == "spikes" else draw
    with torch.no_grad():
        sent, _ = network.run(x)
    return observe(network, x, sent), x, {name: sent[name] for name, _ in network.named_layers()}


def counts_of(network: Network, activity: Activity) -> Operations:
    return count_work(trained_work(network, activity))


def totals(
    samples: int, steps: int, arriving: list[int], sent: list[int], passed_on: list[int], outputs: int
) -> Activity:
    """Made-up spikes of a chain, nothing of them known step by step; every count is of one sample and line."""

    def seen(spikes: list[int], later: list[int], signal: Signal = "spikes") -> LayerActivity:
        return LayerActivity(signal, np.array(spikes) * samples, np.array(later) * samples, np.zeros((0, 0, 0), bool))

    layers = {INPUT: seen(arriving, arriving), CHAIN: seen(sent, passed_on)}
    return Activity(samples, steps, layers | {READOUT: seen([0] * outputs, [0] * outputs, "values")})
