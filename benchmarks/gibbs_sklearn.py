"""`python -m benchmarks.gibbs_sklearn`: block Gibbs sampling of a restricted Boltzmann machine, ours against scikit-learn.

784 visible and 500 hidden units. Each round runs ten sweeps of all chains in turn by each program, on one thread (set
OMP_NUM_THREADS=1); times are wall clock, and the ratio is the median over rounds of scikit-learn / ours within the round.
scikit-learn's `BernoulliRBM` keeps the type of its data, so it is run in both; its default batch has 10 samples. Weights are
small, and biases set the share of active units: 0.05, 0.15 as in images of digits, and 0.5. We add the weights of active units
only, so that our time grows with this share; scikit-learn multiplies whole matrices, which needs many chains to be fast.
Writes benchmarks/results/gibbs_sklearn.json.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import sklearn
from sklearn.neural_network import BernoulliRBM

from neurorec.engines.gibbs.bipartite import BipartiteChains
from neurorec.engines.llvm.processor import processor

FILE = Path(__file__).parent / "results" / "gibbs_sklearn.json"
V, H, SWEEPS, ROUNDS, BAR = 784, 500, 10, 15, 10.0


def sklearn_sweeps(weight: np.ndarray, biases: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> Callable[[], Any]:
    """Gibbs steps of scikit-learn, as `BernoulliRBM.gibbs` does them."""
    machine = BernoulliRBM(n_components=H, random_state=0)
    machine.components_ = np.ascontiguousarray(weight.T.astype(x.dtype))
    machine.intercept_visible_, machine.intercept_hidden_ = (bias.astype(x.dtype) for bias in biases)
    machine.n_features_in_, machine.random_state_ = V, np.random.RandomState(0)

    def sweeps() -> np.ndarray:
        v = x
        for _ in range(SWEEPS):
            v = machine.gibbs(v)
        return v

    return sweeps


def case(active: float, chains: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    weight = random.normal(0, 0.01, (V, H)).astype(np.float32)
    biases = (np.full(V, np.log(active / (1 - active))), np.full(H, np.log(active / (1 - active))))
    x = (random.random((chains, V)) < active).astype(np.float32)
    ours = BipartiteChains(weight, *biases)
    programs = {
        "ours": lambda: ours.sweep(x, SWEEPS, seed=1),
        "float32": sklearn_sweeps(weight, biases, x),
        "float64": sklearn_sweeps(weight, biases, x.astype(np.float64)),
    }
    repeats = max(1, 200 // chains)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(ROUNDS + 1):
        for name, program in programs.items():
            start = time.perf_counter()
            for _ in range(repeats):
                program()
            if turn:  # the first round warms up
                times[name].append((time.perf_counter() - start) / repeats / chains / SWEEPS * 1e6)
    found: dict[str, Any] = {"active": active, "chains": chains}
    for name, taken in times.items():
        found[f"{name}_us_per_sample"] = round(statistics.median(taken), 2)
        if name != "ours":
            ratios = [peer / own for peer, own in zip(taken, times["ours"], strict=True)]
            found[f"{name}_over_ours"] = round(statistics.median(ratios), 2)
    return found


def main() -> None:
    load = os.getloadavg()[0]
    cases = [case(active, chains) for active in (0.05, 0.15, 0.5) for chains in (1, 10, 100, 1000)]
    machine = {
        "processor": f"{processor().cpu}, {processor().lanes} float32 numbers per vector",
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "load_before": round(load, 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "numba": numba.__version__,
    }
    FILE.write_text(
        json.dumps({"size": [V, H], "sweeps": SWEEPS, "bar": BAR, "machine": machine, "cases": cases}, indent=1) + "\n"
    )
    for one in cases:
        print(one)


if __name__ == "__main__":
    main()
