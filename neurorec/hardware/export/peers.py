"""Comparison with other tools that run the same NIR file, spike by spike.

The graph is compared up to the recurrent layer: Norse 1.1.0 silently skips an LI node, snnTorch 1.0.0 refuses one, and both
show only the graph's output.
"""

import contextlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.engines.on_nir import NirOptions, promised_options, read_nir, run_nir
from neurorec.hardware.export.nir import INTEGRATORS, READOUT, loop_of


@dataclass(frozen=True)
class PeerVerdict:
    """A peer's spikes compared with those of our interpreter, or why there are none."""

    peer: str  #: name and version
    differing: int | None  #: entries of [T, B, H] where the two differ; None if the peer did not run the file
    entries: int  #: T B H
    spikes: int  #: of our interpreter
    peer_spikes: int | None
    trouble: str = ""  #: the peer's error instead of a run

    def __str__(self) -> str:
        if self.differing is None:
            return f"{self.peer}: {self.trouble}"
        return (
            f"{self.peer}: {self.differing:,} of {self.entries:,} entries differ "
            f"({self.peer_spikes:,} spikes compared with {self.spikes:,})"
        )


def compare_norse(path: str | Path, x: Tensor, options: NirOptions | None = None) -> PeerVerdict:
    """Norse's `from_nir` compared with our interpreter on x [T, B, I], with the file's options unless `options` are given."""
    return _compare("norse", _norse, path, x, options)


def compare_snntorch(path: str | Path, x: Tensor, options: NirOptions | None = None) -> PeerVerdict:
    """snnTorch's `import_from_nir` (whose dt is always 1e-4 s) compared with our interpreter on x [T, B, I].

    Write the file with the profile `SNNTORCH`; with any other, snnTorch refuses r or reads different time constants.
    """
    return _compare("snntorch", _snntorch, path, x, options)


def _norse(graph: Any, x: Tensor, options: NirOptions) -> Tensor:
    from norse.torch import from_nir

    module, state, spikes = from_nir(graph, ignore_warnings=True, dt=options.dt), None, []
    for x_t in x:
        z, state = module(x_t, state)
        spikes.append(z)
    return torch.stack(spikes)


def _snntorch(graph: Any, x: Tensor, options: NirOptions) -> Tensor:
    from snntorch.import_nir import import_from_nir

    module, state, spikes = import_from_nir(graph), None, []
    for x_t in x:
        z, state = module(x_t, state)
        spikes.append(z)
    return torch.stack(spikes)


@torch.no_grad()
def _compare(
    peer: str,
    play: Callable[[Any, Tensor, NirOptions], Tensor],
    path: str | Path,
    x: Tensor,
    options: NirOptions | None,
) -> PeerVerdict:
    graph = read_nir(path)
    options = options or promised_options(graph.metadata, graph.where)
    recorded = run_nir(graph, x, options).spikes
    if len(recorded) != 1:
        return PeerVerdict(
            peer, None, 0, 0, None, f"not compared: the file has {len(recorded)} spiking layers, peers show one"
        )
    (neuron,) = recorded
    ours = recorded[neuron]
    entries, spikes = ours.numel(), int(ours.sum())
    try:
        name = f"{peer} {importlib.metadata.version(peer)}"
    except importlib.metadata.PackageNotFoundError:
        return PeerVerdict(peer, None, entries, spikes, None, f"not installed (pip install {peer})")
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # deprecations inside the peer
            theirs = play(recurrent_layer(path, neuron), x, options)
    except Exception as error:  # any failure of a foreign importer is a result to report
        return PeerVerdict(
            name, None, entries, spikes, None, f"could not read the file: {type(error).__name__}: {error}"
        )
    if theirs.shape != ours.shape:
        return PeerVerdict(
            name, None, entries, spikes, None, f"ran the file, but sent {list(theirs.shape)} instead of spikes"
        )
    return PeerVerdict(name, int((theirs != ours).sum()), entries, spikes, int(theirs.sum()))


def recurrent_layer(path: str | Path, neuron: str) -> Any:
    """The file's graph with everything after the recurrent neurons replaced by an Output."""
    import nir

    whole = nir.read(path)
    neurons: Any = whole.nodes[neuron]
    after = (READOUT, INTEGRATORS, loop_of(INTEGRATORS))
    kept = {name: node for name, node in whole.nodes.items() if name not in after}
    kept["output"] = nir.Output({"output": np.array(neurons.v_threshold.shape)})
    edges = [(a, b) for a, b in whole.edges if a in kept and b in kept and b != "output"]
    return nir.NIRGraph(kept, [*edges, (neuron, "output")], metadata=whole.metadata)
