"""The plastic engine against Brian2 on one core, in pairs: `python -m benchmarks.plastic_cpu [--pairs 5] [--cpp-pairs 2]`.

Every measurement is a process of its own on one core, ours and Brian2's by turns; a ratio is taken within each pair, and
the median of the ratios is reported. "Stepping" leaves out building and compiling on both sides; "in all" of the C++ peer
is building, compiling and running, against ours from an empty cache. Brian2 is optional: without it only ours is timed.
Writes benchmarks/results/plastic_cpu.json.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "plastic_cpu.json"
REPEATS = 5  #: of ours, in one measurement: a run of 20 ms says little on a shared machine
CASES = {
    "cuba": "CUBA, 4,000 neurons, 2 % connected, dt 0.1 ms, 1 s",
    "cuba_stdp": "the same with STDP of the excitatory synapses",
    "stdp_1000": "1,000 Poisson lines onto one STDP neuron, dt 0.1 ms, 10 s",
    "diehl_cook": "Diehl & Cook, 784 lines, 100 + 100 neurons, dt 0.5 ms, 20 pictures (10 s)",
    "study": "the default study's STDP: one epoch, 1,257 digits, 100 neurons",
}


def networks() -> dict[str, Callable[[], Any]]:
    from benchmarks import plastic_networks as made

    return {
        "cuba": lambda: (made.cuba(), 10_000),
        "cuba_stdp": lambda: (made.cuba(plastic=True), 10_000),
        "stdp_1000": lambda: (made.song_miller_abbott(), 100_000),
        "diehl_cook": lambda: (made.diehl_cook(), 20 * made.SAMPLE_STEPS),
    }


def child(case: str) -> dict[str, float]:
    """One measurement of ours: the mean of runs after the first, and how long the first took with its compiling."""
    from neurorec.engines.plastic.run import run_network

    start_s = time.perf_counter()
    network, steps = networks()[case]()
    built_s = time.perf_counter()
    run_network(network, steps)
    first_s = time.perf_counter()
    seen = [run_network(network, steps, seed=seed) for seed in range(1, 1 + REPEATS)]
    total_s = (time.perf_counter() - first_s) / REPEATS + built_s - start_s
    spikes = seen[0].counts.get("e", seen[0].counts.get("neurons", 0))
    stepping_s = statistics.fmean(run.wall_s for run in seen)
    return {"stepping_s": stepping_s, "total_s": total_s, "first_s": first_s - start_s, "spikes": spikes}


def study_child(engine: str) -> dict[str, float]:
    """One epoch of the default study's STDP in `engine`, as the rule runs it; compiled before."""
    import torch

    from neurorec.engines.event_engine import event_engines
    from neurorec.learning.rule import rules
    from neurorec.tasks.task import load_task
    from neurorec.training.fit import encoded_split, torch_generator
    from neurorec.training.pairs import load_pair

    torch.set_num_threads(1)
    half, task = load_pair("competitive_lif_vs_competitive_learning").spiking, load_task("frame_digits", 0)
    network = half.build(task.inputs, task.classes, torch_generator(0, "weights"))
    equations = rules["stdp"](half.training("stdp", "frame_digits")).event_equations(network.cell.card.weight_sum)
    data = encoded_split(half.encoder, task, "train", 0)
    runner = event_engines[engine]()
    runner.present(network.cell, data.x[:, :2], equations)
    start_s = time.perf_counter()
    seen = runner.present(network.cell, data.x, equations)
    passed_s = time.perf_counter() - start_s
    return {"stepping_s": passed_s, "total_s": passed_s, "spikes": int(seen.counts.sum())}


def measure(*arguments: str, cache: str | None = None) -> dict[str, float]:
    """Run a child process on one core; its line of JSON."""
    core = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = os.environ | threads | ({"XDG_CACHE_HOME": cache} if cache else {})
    done = subprocess.run(
        [*core, sys.executable, "-W", "ignore", "-m", *arguments], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(case: str, cache: str | None = None) -> dict[str, float]:
    return measure("benchmarks.plastic_cpu", "--child", case, "--engine", "plastic", cache=cache)


def brian2(case: str, mode: str) -> dict[str, float]:
    if case == "study":
        return measure("benchmarks.plastic_cpu", "--child", case, "--engine", "brian2")
    return measure("benchmarks.plastic_brian2", case, mode)


def pairs(case: str, count: int, cpp_count: int, peer: bool) -> dict[str, Any]:
    ours(case)  # compiles
    if not peer:
        return {"ours": [ours(case) for _ in range(count)]}
    brian2(case, "cython")  # compiles
    both = [(ours(case), brian2(case, "cython")) for _ in range(count)]
    found: dict[str, Any] = {
        "ours": [a for a, _ in both], "brian2_cython": [b for _, b in both],
        "ratio_stepping": statistics.median(b["stepping_s"] / a["stepping_s"] for a, b in both),
        "ratio_in_all": statistics.median(b["total_s"] / a["total_s"] for a, b in both),
    }  # fmt: skip
    if case == "study" or not cpp_count:
        return found
    cold = []
    for _ in range(cpp_count):
        with tempfile.TemporaryDirectory() as cache:
            cold.append((ours(case, cache), brian2(case, "cpp_standalone")))
    return found | {
        "ours_cold": [a for a, _ in cold], "brian2_cpp_standalone": [b for _, b in cold],
        "ratio_cpp_in_all_both_compiling": statistics.median(b["total_s"] / a["first_s"] for a, b in cold),
        "ratio_cpp_in_all_ours_warm": statistics.median(
            b["total_s"] / statistics.median(a["total_s"] for a, _ in both) for _, b in cold
        ),
        "ratio_cpp_stepping": statistics.median(b["stepping_s"] / a["stepping_s"] for a, b in cold),
    }  # fmt: skip


def machine() -> dict[str, str]:
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("neurorec", "numba", "llvmlite", "numpy", "brian2", "cython"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The plastic engine against Brian2, in pairs, on one core.")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cpp-pairs", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--child", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--engine", default="plastic", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(study_child(asked.engine) if asked.child == "study" else child(asked.child)))
        return
    peer = importlib.util.find_spec("brian2") is not None
    written = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"cases": {}}
    written |= {"machine": machine(), "versions": versions(), "core": "one (taskset)", "ratio": "median over pairs"}
    for case in asked.cases:
        written["cases"][case] = {"what": CASES[case]} | pairs(case, asked.pairs, asked.cpp_pairs, peer)
        ratios = {k: round(v, 1) for k, v in written["cases"][case].items() if k.startswith("ratio")}
        print(f"{CASES[case]}\n    {ratios or 'Brian2 is not installed: only ours was timed'}", flush=True)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
