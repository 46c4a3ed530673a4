"""The plastic engine and Brian2 on one core, in pairs: `python -m benchmarks.plastic_cpu [--pairs 5] [--cpp-pairs 2]`.

Every measurement is a process of its own on one core, ours and Brian2's alternating; a ratio is taken within each pair, and
the median of the ratios is reported. "Stepping" excludes building and compiling on both sides; "total" is making the
network (including drawing synapses), building and running, with code already compiled; for the C++ peer, and ours next to it,
including compiling. Brian2 is optional: without it only ours is timed. Writes benchmarks/results/plastic_cpu.json and its
part of docs/performance.md; `--page` only writes the page.
"""

import argparse
import functools
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.one_machine import refuse_mixed
from neurorec.basics.errors import InputError

RESULTS = Path(__file__).parent / "results" / "plastic_cpu.json"
REPEATS = 5  #: of ours, in one measurement: a run of 20 ms says little on a shared machine
CASES = {
    "cuba": "CUBA, 4,000 neurons, 2 % connected, dt 0.1 ms, 1 s",
    "cuba_stdp": "the same with STDP of the excitatory synapses",
    "stdp_1000": "1,000 Poisson lines onto one STDP neuron, dt 0.1 ms, 10 s",
    "diehl_cook": "Diehl & Cook, 784 lines, 100 + 100 neurons, dt 0.5 ms, 20 pictures (10 s)",
    "study": "the default study's STDP: one epoch, 1,257 digits, 100 neurons",
}

#: what grows: CUBA with STDP by neurons (80 synapses each) and by synapses a neuron, the STDP neuron by its lines' rate
GROWTH: dict[str, list[float]] = {
    "neurons": [1000, 4000, 16000], "synapses": [20, 80, 320], "rate_Hz": [2, 15, 100],
}  # fmt: skip


def networks() -> dict[str, Callable[[], Any]]:
    from benchmarks import plastic_networks as made

    grown: dict[str, Callable[[], Any]] = {
        f"{kind} {value}": functools.partial(_grown, kind, value) for kind, values in GROWTH.items() for value in values
    }
    return grown | {
        "cuba": lambda: (made.cuba(), 10_000),
        "cuba_stdp": lambda: (made.cuba(plastic=True), 10_000),
        "stdp_1000": lambda: (made.song_miller_abbott(), 100_000),
        "diehl_cook": lambda: (made.diehl_cook(), 20 * made.SAMPLE_STEPS),
    }


def _grown(kind: str, value: float) -> tuple[Any, int]:
    from benchmarks import plastic_networks as made

    if kind == "rate_Hz":
        return made.song_miller_abbott(rate_Hz=value), 100_000
    neurons, share = (int(value), 80 / value) if kind == "neurons" else (4000, value / 4000)
    return made.cuba(plastic=True, neurons=neurons, share=share), 10_000


def child(case: str) -> dict[str, Any]:
    """One measurement of ours: the first run in a process with its parts, and the mean of later ones."""
    from benchmarks.plastic_limits import limit_s, rates, synapse_bytes, work
    from neurorec.engines.on_plastic import run_network

    start_s = time.perf_counter()
    network, steps = networks()[case]()
    made_s = time.perf_counter()
    first = run_network(network, steps)
    first_s = time.perf_counter()
    recorded = ["e" if "e" in network.populations else "neurons"]
    seen = []
    for seed in range(1, 1 + REPEATS):
        network, steps = networks()[case]()
        seen.append(run_network(network, steps, seed, recorded))
    total_s = (time.perf_counter() - first_s) / REPEATS
    return {
        "stepping_s": statistics.fmean(run.wall_s for run in seen), "total_s": total_s, "first_s": first_s - start_s,
        "first_parts_s": {"making the network": made_s - start_s, "building and compiling": first.prepare_s,
                          "stepping": first.wall_s},
        "building_s": statistics.fmean(run.prepare_s for run in seen), "spikes": seen[0].counts[recorded[0]],
        "limit_s": limit_s(work(network, first, steps), rates()), "work": work(network, first, steps), "rates": rates(),
        "bytes_a_synapse": synapse_bytes(network, steps),
    }  # fmt: skip


def study_child(engine: str) -> dict[str, float]:
    """One epoch of the default study's STDP in `engine`, as the rule runs it; compiled before."""
    import torch

    from neurorec.engines.event_engine import event_engines
    from neurorec.engines.event_layer import present
    from neurorec.learning.rule import hidden_layer, rules
    from neurorec.tasks.task import load_task
    from neurorec.training.course import encoded_split, torch_generator
    from neurorec.training.pairs import load_pair

    torch.set_num_threads(1)
    half, task = load_pair("competitive_lif_vs_competitive_learning").spiking, load_task("frame_digits", 0)
    layer = hidden_layer(half.build(task.inputs, task.outputs, torch_generator(0, "weights")))
    equations = rules["stdp"](half.training("stdp", "frame_digits")).event_equations(layer.card.weight_sum)
    data = encoded_split(half.encoder, task, "train", 0)
    runner = event_engines[engine]()
    present(runner, layer, data.x[:, :2], equations)
    start_s = time.perf_counter()
    seen = present(runner, layer, data.x, equations)
    passed_s = time.perf_counter() - start_s
    return {"stepping_s": passed_s, "total_s": passed_s, "spikes": int(seen.counts.sum())}


def measure(*arguments: str) -> dict[str, Any]:
    """Run a child process on one core; its line of JSON."""
    core = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = os.environ | threads
    done = subprocess.run(
        [*core, sys.executable, "-W", "ignore", "-m", *arguments], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(case: str) -> dict[str, Any]:
    return measure("benchmarks.plastic_cpu", "--child", case, "--engine", "plastic")


def brian2(case: str, mode: str) -> dict[str, float]:
    if case == "study":
        return measure("benchmarks.plastic_cpu", "--child", case, "--engine", "brian2")
    return measure("benchmarks.plastic_brian2", case, mode)


def pairs(case: str, count: int, cpp_count: int, peer: bool) -> dict[str, Any]:
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
    cold = [(ours(case), brian2(case, "cpp_standalone")) for _ in range(cpp_count)]
    return found | {
        "ours_beside_cpp": [a for a, _ in cold], "brian2_cpp_standalone": [b for _, b in cold],
        "ratio_cpp_in_all_both_compiling": statistics.median(b["total_s"] / a["first_s"] for a, b in cold),
        "ratio_cpp_in_all_ours_warm": statistics.median(
            b["total_s"] / a["total_s"] for a, b in cold
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
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--no-growth", action="store_true", help="leave the plots of growth as they are")
    parser.add_argument("--page", action="store_true", help="measure nothing; write the page from stored results")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--engine", default="plastic", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(study_child(asked.engine) if asked.child == "study" else child(asked.child)))
        return
    if asked.page:
        return report.rewrite()
    peer = importlib.util.find_spec("brian2") is not None
    written = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"cases": {}}
    here = machine() | versions()
    kept = {case: written["machine"] | written["versions"] for case in written["cases"] if case not in asked.cases}
    if asked.no_growth and "growth" in written:
        kept["growth"] = written["machine"] | written["versions"]
    written["cases"] = {case: one for case, one in written["cases"].items() if case in kept}
    try:
        refuse_mixed(kept, here, RESULTS.name)
    except InputError as error:
        parser.error(str(error))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    written |= {"machine": machine(), "versions": versions(), "core": "one (taskset)", "ratio": "median over pairs",
                "pairs": asked.pairs, "cpp_pairs": asked.cpp_pairs, "load_before": load}  # fmt: skip
    for case in asked.cases:
        written["cases"][case] = {"what": CASES[case]} | pairs(case, asked.pairs, asked.cpp_pairs, peer)
        ratios = {k: round(v, 1) for k, v in written["cases"][case].items() if k.startswith("ratio")}
        print(f"{CASES[case]}\n    {ratios or 'Brian2 is not installed: only ours was timed'}", flush=True)
        _save(written)
    if not asked.no_growth:
        written["growth"] = growth(peer)
    _save(written)
    report.rewrite()


def growth(peer: bool) -> dict[str, list[dict[str, Any]]]:
    """Seconds of stepping against what grows; one measurement a point."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, values in GROWTH.items():
        found[kind] = []
        for value in values:
            case = f"{kind} {value}"
            one = ours(case)
            point = {"at": value, "plastic": one["stepping_s"], "limit": one["limit_s"]}
            point |= {"brian2": brian2(case, "cython")["stepping_s"]} if peer else {}
            found[kind].append(point)
            print(case, {k: round(v, 4) for k, v in point.items()}, flush=True)
    return found


def _save(written: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
