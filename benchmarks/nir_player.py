"""Runs NIR files in another simulator, inside that simulator's own environment; called by `benchmarks.nir_peers`.

Imports nothing of neurorec, whose version of nir may not be the simulator's. Arguments: simulator, file, input (.npy,
[T, B, ...]), output (.npy), length of a step in the file's unit. Prints one line of JSON: versions, and the error, if any.
"""

import contextlib
import importlib.metadata
import io
import json
import sys
import warnings
from typing import Any

import numpy as np


def norse(graph: Any, x: np.ndarray, dt: float) -> np.ndarray:
    import torch
    from norse.torch import from_nir
    from norse.torch.functional.reset import reset_subtract, reset_value

    rule = reset_subtract if graph.metadata.get("neurorec", {}).get("reset") == "subtract" else reset_value
    return _step(from_nir(graph, ignore_warnings=True, dt=dt, reset_method=rule), torch.as_tensor(x))


def snntorch(graph: Any, x: np.ndarray, dt: float) -> np.ndarray:
    import torch
    from snntorch.import_nir import import_from_nir

    return _step(import_from_nir(graph), torch.as_tensor(x))


def spyx(graph: Any, x: np.ndarray, dt: float) -> np.ndarray:
    import jax
    from spyx.nir import from_nir

    jax.config.update("jax_platforms", "cpu")
    _, outputs = from_nir(graph, x, dt=dt)
    return np.asarray(outputs)


def sinabs(graph: Any, x: np.ndarray, dt: float) -> np.ndarray:
    import torch
    from sinabs.nir import from_nir

    T, B = x.shape[:2]
    samples_first = torch.as_tensor(x).transpose(0, 1)
    y = from_nir(graph, batch_size=B)(samples_first.reshape(B * T, *x.shape[2:]))
    y = y[0] if isinstance(y, tuple) else y
    return y.reshape(B, T, *y.shape[1:]).transpose(0, 1).numpy()


def rockpool(graph: Any, x: np.ndarray, dt: float) -> np.ndarray:
    import torch
    from rockpool.nn.modules.torch.nir import from_nir

    y = from_nir(graph)(torch.as_tensor(x).transpose(0, 1))
    while isinstance(y, tuple):
        y = y[0]
    return y.transpose(0, 1).numpy()


def _step(module: Any, x: Any) -> np.ndarray:
    state, sent = None, []
    for x_t in x:
        z, state = module(x_t, state)
        sent.append(z.numpy())
    return np.stack(sent)


PLAYERS = {"norse": norse, "snntorch": snntorch, "spyx": spyx, "sinabs": sinabs, "rockpool": rockpool}


def main() -> None:
    peer, path, x, out, dt = sys.argv[1:]
    found: dict[str, Any] = {"nir": importlib.metadata.version("nir"), "version": importlib.metadata.version(peer)}
    import nir

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            with _without_gradients(peer):
                np.save(out, PLAYERS[peer](nir.read(path), np.load(x), float(dt)))
        except Exception as error:  # whatever a foreign importer raises is the result
            found["trouble"] = f"{type(error).__name__}: {error}"
    print(json.dumps(found))


def _without_gradients(peer: str) -> Any:
    if peer == "spyx":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


if __name__ == "__main__":
    main()
