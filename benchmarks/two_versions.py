"""`python -m benchmarks.two_versions OTHER`: this code against another checkout of neurorec, on networks of one hidden layer.

Three processes, each with one thread, do one training step (forward and backward) in turn, so that a slow moment of the
machine meets all; times are processor times of that thread. One has this code, two have the other: their ratio (`control`)
shows what the machine alone does to equal code. Writes benchmarks/results/two_versions.json: for each case the median over
rounds of this / other (below 1: this code is faster), its quartiles, and the control.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "results" / "two_versions.json"
HERE = Path(__file__).resolve().parents[1]


def layer_case(B: int, T: int, **changes: Any) -> Callable[[], Any]:
    """One training step of a recurrent LIF layer in the engine `fused`."""
    import torch

    from neurorec.engines.engine import engines
    from neurorec.models.cell import cells
    from tests.nets import cell_card

    generator = torch.Generator().manual_seed(0)
    cell = cells["lif"](cell_card("lif", 256, **{"input_gain": 12.0, "slope": 10.0, **changes}), 700)
    cell.reset_parameters(generator)
    x = (torch.rand(T, B, 700, generator=generator) < 0.02).float()
    gradient = torch.randn(T, B, 256, generator=generator) / 100
    engine = engines["fused"]()

    def step() -> None:
        cell.zero_grad(set_to_none=True)
        engine.unroll(cell, x)[0].backward(gradient)

    return step


def network_case(name: str, I: int, H: int, T: int, B: int) -> Callable[[], Any]:  # noqa: E741
    """One training step of a whole network on its fastest engine: masked mean of the answers, cross-entropy."""
    import torch

    from neurorec.engines.engine import choose_engine
    from tests.nets import inputs, network

    net = network(name, I=I, H=H, O=10)
    x, mask, target = inputs(net, T, B), torch.ones(T, dtype=torch.bool), torch.arange(B) % 10
    try:
        from neurorec.tasks.batch import Batch
        from tests.nets import CLASSES
    except ImportError:  # code from before objectives
        engine, asked = choose_engine("auto", net.cell), (x, mask)
    else:
        engine, asked = choose_engine("auto", net), (Batch(x, target, mask), CLASSES)

    def step() -> None:
        net.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(engine.answers(net, *asked), target).backward()

    return step


CASES: dict[str, Callable[[], Callable[[], Any]]] = {
    "layer, B=64, T=100, SuperSpike": lambda: layer_case(64, 100),
    "layer, B=64, T=100, triangle": lambda: layer_case(64, 100, surrogate="triangle", slope=3.0),
    "layer, B=256, T=250, SuperSpike": lambda: layer_case(256, 250),
    "layer, B=256, T=250, triangle": lambda: layer_case(256, 250, surrogate="triangle", slope=3.0),
    "layer, B=4, T=12": lambda: layer_case(4, 12),
    "network, LIF": lambda: network_case("lif", 64, 100, 32, 32),
    "network, adaptive LIF": lambda: network_case("adaptive_lif", 64, 100, 32, 32),
    "network, leaky integrators": lambda: network_case("leaky_integrator", 64, 100, 32, 32),
    "network, LSTM": lambda: network_case("lstm", 8, 64, 16, 32),
    "network, Elman": lambda: network_case("elman", 8, 64, 16, 32),
}


def serve() -> None:
    """For each name of a case on a line, the processor seconds of one step of it on a line."""
    import torch

    import neurorec.engines
    import neurorec.models  # noqa: F401  (registers cells)

    torch.set_num_threads(1)
    steps: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in steps:
            steps.clear()
            steps[name] = CASES[name]()
            steps[name]()  # compiles
        repeats = 1 if name.startswith("layer, B=") and "B=4," not in name else 20
        start = time.thread_time()
        for _ in range(repeats):
            steps[name]()
        print((time.thread_time() - start) / repeats, flush=True)


def worker(code: Path) -> Any:
    """A process that serves with the code below `code`, and this file."""
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    core = ["taskset", "-c", "0"] if sys.platform == "linux" else []  # the same for both: cores may differ in speed
    command = [*core, sys.executable, "-W", "ignore", str(Path(__file__).resolve()), "--serve"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=code)


def ask(process: Any, name: str) -> float:
    print(name, file=process.stdin, flush=True)
    return float(process.stdout.readline())


def ratio(one: list[float], other: list[float]) -> dict[str, float]:
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    low, middle, high = (round(value, 3) for value in statistics.quantiles(ratios, n=4))
    return {"median": middle, "lower_quartile": low, "upper_quartile": high, "fastest": round(min(one) / min(other), 3)}


def compare(other: Path, rounds: int, names: list[str]) -> dict[str, Any]:
    sides = {"this": worker(HERE), "other": worker(other), "control": worker(other)}
    found = {}
    for name in names:
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for number in range(rounds + 1):
            first = number % len(sides)
            for side in [*sides][first:] + [*sides][:first]:
                took = ask(sides[side], name)
                if number:  # the first round warms up
                    seconds[side].append(took)
        found[name] = {
            "this_over_other": ratio(seconds["this"], seconds["other"]),
            "control": ratio(seconds["control"], seconds["other"]), "rounds": rounds,
            "milliseconds": {side: 1e3 * statistics.median(values) for side, values in seconds.items()},
        }  # fmt: skip
        print(name, found[name]["this_over_other"], "control", found[name]["control"], flush=True)
    for process in sides.values():
        process.stdin.close()
        process.wait()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--serve", action="store_true")
    asked = parser.parse_args()
    if asked.serve:
        serve()
        return
    from benchmarks.bptt_cpu import machine

    before = machine() | {"threads": 1}
    found = {"cases": compare(asked.other.resolve(), asked.rounds, asked.cases)}
    found["machine"] = before | {"load_after": os.getloadavg()[0]}
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
