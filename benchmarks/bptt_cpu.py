"""`python -m benchmarks.bptt_cpu`: one training step (forward and backward) of a recurrent LIF layer, compared.

Every round runs the engine and each peer once, in turn; a ratio is the median over rounds of peer / engine, so that a slow
moment of the machine affects both. Writes benchmarks/bptt_cpu.json; docs/performance.md and its plot are made from that file
alone (`--only-report` does only this; `--parts` measures selected parts again, on the machine of the others).
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import neurorec.engines
import neurorec.models  # noqa: F401  (registers cells)
from benchmarks import report
from benchmarks.memory import memory
from benchmarks.one_machine import refuse_mixed
from benchmarks.peers import peers
from benchmarks.training import end_to_end
from neurorec.basics.errors import InputError
from neurorec.engines.engine import engines
from neurorec.models.cell import cells

FILE = Path(__file__).with_suffix(".json")
LIBRARIES = ("torch", "numba", "llvmlite", "numpy", "norse", "snntorch", "spikingjelly")


@dataclass(frozen=True)
class Case:
    B: int = 64
    I: int = 700  # noqa: E741
    H: int = 256
    T: int = 100
    input_share: float = 0.02
    surrogate: str = "superspike"
    slope: float = 10.0
    gain: float = 12.0


MAIN = {
    "B=64, T=100, SuperSpike": (Case(), {"norse": 6.0, "snntorch": 6.0, "spikingjelly": 6.0, "torch.nn.RNN": 3.5}),
    "B=256, T=250, SuperSpike": (Case(B=256, T=250), {"norse": 4.5}),
    "B=64, T=100, triangle": (Case(surrogate="triangle", slope=3.0), {"norse": 9.0}),
    "B=256, T=250, triangle": (Case(B=256, T=250, surrogate="triangle", slope=3.0), {"norse": 7.0}),
}
GROWTH: dict[str, list[Case]] = {
    "H": [Case(B=32, T=50, H=H) for H in (32, 64, 128, 256, 512)],
    "T": [Case(B=32, T=T) for T in (12, 25, 50, 100, 200)],
    "B": [Case(B=B, T=50) for B in (4, 8, 16, 32, 64, 128)],
    "input_share": [
        Case(B=32, T=50, input_share=s, gain=12 * (0.02 / s) ** 0.5) for s in (0.005, 0.02, 0.08, 0.32, 1.0)
    ],
}


def build(case: Case) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """A layer of the case, its input, and the gradient of its spikes."""
    generator = torch.Generator().manual_seed(0)
    card = cells["lif"].Card(
        name="lif", size=case.H, dt_ms=1.0, tau_mem_ms=8.0, tau_syn_ms=4.0, v_threshold=1.0, v_leak=0.0, v_reset=0.0,
        reset="zero", learn_time_constants=False, surrogate=case.surrogate, slope=case.slope,
        input_gain=case.gain, recurrent_gain=1.0,
    )  # fmt: skip
    cell = cells["lif"](card, case.I)
    cell.reset_parameters(generator)
    x = (torch.rand(case.T, case.B, case.I, generator=generator) < case.input_share).float()
    return cell, x, torch.randn(case.T, case.B, case.H, generator=generator) / 100


def timed(module: torch.nn.Module, forward: Any, x: torch.Tensor, gradient: torch.Tensor) -> float:
    module.zero_grad(set_to_none=True)
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    forward(x).backward(gradient)
    return clock() - start


def measure(case: Case, wanted: tuple[str, ...], rounds: int) -> dict[str, Any]:
    cell, x, gradient = build(case)
    runs = {"fused": (cell, lambda x: engines["fused"]().unroll(cell, x)[0])}
    runs |= {name: run for name, run in peers(cell).items() if name in wanted}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, (module, forward) in runs.items():
            took = timed(module, forward, x, gradient)
            if number:  # the first round warms up
                seconds[name].append(took)
    with torch.no_grad():
        shares = {name: float((forward(x) != 0).float().mean()) for name, (_, forward) in runs.items()}
        u = _distance(cell, x)
        active = float((cell.spike.derivative(u) != 0).float().mean())
    ratios = {n: statistics.median(p / f for p, f in zip(seconds[n], seconds["fused"], strict=True)) for n in runs}
    return {
        "case": asdict(case), "rounds": rounds, "milliseconds": {n: 1e3 * statistics.median(s) for n, s in seconds.items()},
        "fastest_ms": {n: 1e3 * min(s) for n, s in seconds.items()}, "ratio": ratios, "spike_share": shares,
        "active_share": active, "limit_ms": limit_ms(case, shares["fused"], active),
    }  # fmt: skip


def _distance(cell: Any, x: torch.Tensor) -> torch.Tensor:
    """u - threshold at every step, by the plain step."""
    seen, spike = [], cell.spike
    cell.spike = lambda d: (seen.append(d), spike(d))[1]
    try:
        cell(x)
    finally:
        cell.spike = spike
    return torch.stack(seen)


def limit_ms(case: Case, spike_share: float, active: float) -> float:
    """The least time for the arithmetic and the traffic that this method cannot avoid, at this machine's measured rates."""
    rows, H = case.B * case.T, case.H
    events = case.I * case.input_share + H * spike_share
    operations = rows * (2 * 2 * events * H + 2 * H * H * min(1.0, active))  # forward and dW; g W_rec
    traffic = 4 * rows * (case.I + 5 * H)  # x once; spikes out, u out and in, gradient in, and its write
    flops, bandwidth = machine_rates()
    return 1e3 * max(operations / flops, traffic / bandwidth)


_rates: list[tuple[float, float]] = []


def machine_rates() -> tuple[float, float]:
    """Floating-point operations per second of our dense product, and bytes per second of a copy, both on all threads."""
    if not _rates:
        from benchmarks.rates import copy_rate, product_rate

        _rates.append((product_rate(), copy_rate()))
    return _rates[0]


def first_use() -> dict[str, float]:
    """Seconds in fresh processes: the engine's import with an empty cache, and with a full one."""
    code = (
        "import time, torch, sys, neurorec.models, neurorec.engines\n"
        "from benchmarks.bptt_cpu import Case, build\n"
        "from neurorec.engines.engine import engines\n"
        "cell, x, g = build(Case(B=8, I=16, H=32, T=4))\n"
        "start = time.perf_counter(); engines['fused']().unroll(cell, x)[0].backward(g)\n"
        "print(time.perf_counter() - start)"
    )
    found = {}
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for which in ("compiling", "from cache"):
            run = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True,
                env=os.environ | {"XDG_CACHE_HOME": folder},
            )  # fmt: skip
            found[which] = float(run.stdout)
    return found


def machine() -> dict[str, Any]:
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            versions[library] = "not installed"
    model = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": model[0] if model else platform.processor(), "cores": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads(),
        "python": platform.python_version(), "versions": versions, "load_before": os.getloadavg()[0],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only-report", action="store_true")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="measure these, keep the other figures"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    measured = () if asked.only_report else asked.parts
    try:
        found = keep(found, set(PARTS) - set(measured), machine() if measured else None)
    except InputError as error:
        parser.error(str(error))
    for part in measured:
        before = machine()
        found[part] = PARTS[part](asked.rounds)
        found.setdefault("machines", {})[part] = before | {"load_after": os.getloadavg()[0]}
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    report.write(json.loads(FILE.read_text()))


def keep(found: dict[str, Any], parts: set[str], here: dict[str, Any] | None) -> dict[str, Any]:
    """The stored figures of `parts`, all measured on the machine `here` (None: on any one)."""
    machines = {part: one for part, one in found.get("machines", {}).items() if part in parts}
    refuse_mixed(machines, here or next(iter(machines.values()), {}), FILE.name)
    return {name: value for name, value in found.items() if name in parts} | {"machines": machines}


def measure_main(rounds: int) -> dict[str, Any]:
    found = {}
    for title, (case, bars) in MAIN.items():
        few = max(3, rounds // 3)
        found[title] = measure(case, tuple(bars), rounds if case.B * case.T < 20000 else few) | {"bars": bars}
        print(title, found[title]["ratio"], flush=True)
    return found


def measure_growth(rounds: int) -> dict[str, Any]:
    return {axis: [measure(case, ("norse",), max(3, rounds // 3)) for case in cases] for axis, cases in GROWTH.items()}


def measure_rates(rounds: int) -> dict[str, float]:
    flops, bandwidth = machine_rates()
    return {"product_gflops": flops / 1e9, "copy_gb_s": bandwidth / 1e9}


def measure_memory(rounds: int) -> dict[str, Any]:
    return {
        title: {who: memory(case, who) for who in ("fused", "norse")}
        for title, (case, _) in MAIN.items() if case.surrogate == "superspike"
    }  # fmt: skip


PARTS: dict[str, Any] = {
    "main": measure_main,
    "growth": measure_growth,
    "rates": measure_rates,
    "first_use_s": lambda rounds: first_use(),
    "memory": measure_memory,
    "end_to_end": lambda rounds: end_to_end(),
}


if __name__ == "__main__":
    main()
