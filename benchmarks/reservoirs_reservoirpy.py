"""`python -m benchmarks.reservoirs_reservoirpy`: an echo state network on one long series, ours against ReservoirPy.

1,000 tanh units (density 0.1) with the same weights in both programs; 50,000 steps to fit a linear readout by ridge
regression, then 50,000 steps to run. Needs `pip install reservoirpy`. Each round runs both programs in turn in one process, on
one thread (set OMP_NUM_THREADS=1); times are processor time, and the ratio is the median over rounds of ReservoirPy / ours.
ReservoirPy gets its recurrent weights as a SciPy CSR matrix, the faster of its formats; its states are always float64. Ours are
float32, as everywhere in neurorec, and float64 for comparison. Writes benchmarks/results/reservoirs_reservoirpy.json.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array

from neurorec.basics.least_squares import solve_ridge
from neurorec.engines.engine import choose_engine
from neurorec.learning.ridge import write_readout
from neurorec.models.architecture import read_architecture
from neurorec.models.network import Network
from neurorec.tasks.narma import narma

FILE = Path(__file__).parent / "results" / "reservoirs_reservoirpy.json"
UNITS, STEPS, WASHOUT, PENALTY, ROUNDS, BAR = 1000, 50_000, 200, 1e-8, 3, 4.0
CELL = {"name": "echo_state", "size": UNITS, "spectral_radius": 0.95, "leak": 0.5, "density": 0.1, "input_scale": 0.1,
        "bias_scale": 0.5}  # fmt: skip

Program = Callable[[], tuple[np.ndarray, float]]  #: predictions [STEPS] for the second series, and seconds to fit


def made() -> Network:
    architecture = read_architecture({"cell": CELL, "readout": {"name": "linear"}}, "benchmark")
    return architecture.build(1, 1, "values", torch.Generator().manual_seed(0))  # type: ignore[return-value]


def ours(network: Network, x: np.ndarray, y: np.ndarray, later: np.ndarray) -> Program:
    kind = network["hidden"].w_rec.dtype
    x_t, y_t, later_t = (torch.from_numpy(series).to(kind) for series in (x, y, later))

    @torch.no_grad()
    def program() -> tuple[np.ndarray, float]:
        start, engine = time.process_time(), choose_engine("auto", network)
        states = engine.unroll(network["hidden"], x_t[:, None])[0][WASHOUT:, 0]
        features = torch.cat([states, states.new_ones(len(states), 1)], 1)
        write_readout(network, solve_ridge(features, y_t[WASHOUT:], PENALTY).to(kind))
        fitted = time.process_time() - start
        hidden = engine.unroll(network["hidden"], later_t[:, None])[0]
        return network["readout"](hidden)[0][:, 0, 0].numpy(), fitted

    return program


def reservoirpy(network: Network, x: np.ndarray, y: np.ndarray, later: np.ndarray) -> Program:
    from reservoirpy.nodes import Reservoir, Ridge

    cell = network["hidden"]
    w_rec, w_in, bias = (weight.double().numpy() for weight in (cell.w_rec, cell.w_in, cell.bias))

    def program() -> tuple[np.ndarray, float]:
        start = time.process_time()
        reservoir = Reservoir(W=csr_array(w_rec), Win=w_in, bias=bias, lr=CELL["leak"])
        model = reservoir >> Ridge(ridge=PENALTY * (len(x) - WASHOUT))
        model.fit(x, y, warmup=WASHOUT)
        fitted = time.process_time() - start
        model.reset()
        return np.asarray(model.run(later))[:, 0], fitted

    return program


def states_apart(network: Network, x: np.ndarray) -> float:
    """Largest difference between the states of both programs."""
    from reservoirpy.nodes import Reservoir

    cell = network["hidden"]
    w_rec, w_in, bias = (weight.double().numpy() for weight in (cell.w_rec, cell.w_in, cell.bias))
    theirs = Reservoir(W=csr_array(w_rec), Win=w_in, bias=bias, lr=CELL["leak"]).run(x)
    with torch.no_grad():
        found, _ = choose_engine("auto", network).unroll(cell, torch.from_numpy(x).to(cell.w_rec.dtype)[:, None])
    return float(np.abs(found[:, 0].double().numpy() - theirs).max())


def main() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    load, single, double = os.getloadavg()[0], made(), made().double()
    u = 0.4 * np.random.default_rng(0).random(2 * STEPS)
    wanted = narma(u)
    x, later = u[:STEPS, None], u[STEPS:, None]
    y, answers = wanted[:STEPS, None], wanted[STEPS:]
    programs = {
        "ours, float32": ours(single, x, y, later), "ours, float64": ours(double, x, y, later),
        "reservoirpy": reservoirpy(double, x, y, later),
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    fit: dict[str, list[float]] = {name: [] for name in programs}
    errors: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, program in programs.items():
            start = time.process_time()
            predicted, fitted = program()
            seconds[name].append(time.process_time() - start)
            fit[name].append(fitted)
            errors[name] = float(np.mean((predicted - answers)[WASHOUT:] ** 2) / np.var(answers[WASHOUT:]))
            print(name, round(seconds[name][-1], 2), "s, error", errors[name], flush=True)
    found: dict[str, Any] = {
        "units": UNITS, "steps": [STEPS, STEPS], "bar": BAR, "machine": machine(load), "programs": {
            name: {
                "seconds": round(statistics.median(taken), 2), "of_which_fit": round(statistics.median(fit[name]), 2),
                "normalised_mean_squared_error": errors[name],
                "reservoirpy_over_this": round(ratio(seconds["reservoirpy"], taken), 2),
            } for name, taken in seconds.items()
        },
        "largest_difference_of_states": {
            "float32": states_apart(single, x[:5000]), "float64": states_apart(double, x[:5000]),
        },
    }  # fmt: skip
    FILE.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def ratio(peer: list[float], own: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(peer, own, strict=True))


def machine(load: float) -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "threads": os.environ.get("OMP_NUM_THREADS", "1"), "load_before": round(load, 1),
        "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__, "scipy": version("scipy"),
        "reservoirpy": version("reservoirpy"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
