"""Verification of a written NIR file with our interpreter."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from neurorec.engines.on_nir import NirOptions, promised_options, read_nir, run_nir
from neurorec.hardware.export.exporter import exporters
from neurorec.hardware.export.nir import neuron_of
from neurorec.models.network import Network


@dataclass(frozen=True)
class NirVerdict:
    """The file, run by the interpreter, compared with the network, run by torch, on the same input."""

    mismatches: dict[str, int]  #: layer -> entries of [T, B, H] where the two differ
    spikes: dict[str, int]  #: layer -> spikes of the torch run
    entries: dict[str, int]  #: layer -> T B H
    readout_difference: float  #: largest |difference| of the readout, of the order of float32 rounding

    @property
    def exact(self) -> bool:
        return not any(self.mismatches.values())

    def __str__(self) -> str:
        layers = [
            f"{layer}: {wrong:,} of {self.entries[layer]:,} entries differ ({self.spikes[layer]:,} spikes)"
            for layer, wrong in self.mismatches.items()
        ]
        return f"{'; '.join(layers)}; readout within {self.readout_difference:.2g}"


@torch.no_grad()
def verify_nir(network: Network, path: str | Path, x: Tensor, options: NirOptions | None = None) -> NirVerdict:
    """Read the file back with `nir`, run it and `network` on all of x [T, B, I], and count every difference.

    `options`: default: those stored in the file.
    """
    exporters["nir"]().check(network)
    graph = read_nir(path)
    run = run_nir(graph, x, options or promised_options(graph.metadata, graph.where))
    sent, _ = network.run(x)
    answer = sent[network.output]
    if graph.metadata.get("neurorec", {}).get("leaky") == "left_out":  # the file ends with the weighted sum
        readout, (heard,) = network[network.output], network.wires_into(network.output)
        answer = torch.nn.functional.linear(sent[heard.source], readout.weight, readout.bias)
    hidden = {neuron_of(name): sent[name].cpu() for name in network.hidden}
    return NirVerdict(
        mismatches={name: int((run.spikes[name] != spikes).sum()) for name, spikes in hidden.items()},
        spikes={name: int(spikes.sum()) for name, spikes in hidden.items()},
        entries={name: spikes.numel() for name, spikes in hidden.items()},
        readout_difference=float((run.output - answer.cpu()).abs().max()),
    )
