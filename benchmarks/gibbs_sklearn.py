"""`python -m benchmarks.gibbs_sklearn`: block Gibbs sampling of a restricted Boltzmann machine, ours against scikit-learn.

784 visible and 500 hidden units. Each round runs one sweep of all chains in turn by each program, on one thread (set
OMP_NUM_THREADS=1); times are wall clock, and the ratio is the median over rounds of scikit-learn / ours within the round.
scikit-learn's `BernoulliRBM` keeps the type of its data, so it is run in both. Weights are small, and biases set the share of
active units: 0.15, as in images of digits, and 0.5. Writes benchmarks/results/gibbs_sklearn.json.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import BernoulliRBM

from neurorec.engines.gibbs.bipartite import BipartiteChains

FILE = Path(__file__).parent / "results" / "gibbs_sklearn.json"
V, H, ROUNDS, BAR = 784, 500, 15, 10.0


def sklearn_sweep(weight: np.ndarray, biases: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> Callable[[], Any]:
    """One Gibbs step of scikit-learn, as `BernoulliRBM.gibbs` does it."""
    machine = BernoulliRBM(n_components=H, random_state=0)
    machine.components_ = np.ascontiguousarray(weight.T.astype(x.dtype))
    machine.intercept_visible_, machine.intercept_hidden_ = (bias.astype(x.dtype) for bias in biases)
    machine.n_features_in_, machine.random_state_ = V, np.random.RandomState(0)
    return lambda: machine.gibbs(x)


def case(active: float, chains: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    weight = random.normal(0, 0.01, (V, H)).astype(np.float32)
    biases = (np.full(V, np.log(active / (1 - active))), np.full(H, np.log(active / (1 - active))))
    x = (random.random((chains, V)) < active).astype(np.float32)
    ours = BipartiteChains(weight, *biases)
    programs = {
        "ours": lambda: ours.sweep(x, 1, seed=1),
        "float32": sklearn_sweep(weight, biases, x),
        "float64": sklearn_sweep(weight, biases, x.astype(np.float64)),
    }
    repeats = max(1, 2000 // chains)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(ROUNDS + 1):
        for name, program in programs.items():
            start = time.perf_counter()
            for _ in range(repeats):
                program()
            if turn:  # the first round warms up
                times[name].append((time.perf_counter() - start) / repeats / chains * 1e6)
    found: dict[str, Any] = {"active": active, "chains": chains}
    for name, taken in times.items():
        found[f"{name}_us_per_sample"] = round(statistics.median(taken), 2)
        if name != "ours":
            ratios = [peer / own for peer, own in zip(taken, times["ours"], strict=True)]
            found[f"{name}_over_ours"] = round(statistics.median(ratios), 2)
    return found


def main() -> None:
    load = os.getloadavg()[0]
    cases = [case(active, chains) for active in (0.15, 0.5) for chains in (10, 100, 1000)]
    machine = {
        "processor": platform.processor() or platform.machine(),
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "load_before": round(load, 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }
    FILE.write_text(json.dumps({"size": [V, H], "bar": BAR, "machine": machine, "cases": cases}, indent=1) + "\n")
    for one in cases:
        print(one)


if __name__ == "__main__":
    main()
