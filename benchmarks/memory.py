"""What a step of a layer costs in memory: `python -m benchmarks.memory WHO B T SURROGATE` prints two numbers of bytes.

The first is what autograd keeps between forward and backward, each memory once; the second the highest resident memory
during both, above that before. Neither counts what any layer must have: weights and input, the spikes it gives back, the
gradient that comes. Every measurement takes a fresh process, in which large blocks go back to Linux at once. Linux only.
"""

import gc
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

import neurorec.engines
import neurorec.models  # noqa: F401  (registers cells)
from benchmarks.peers import peers
from neurorec.engines.engine import engines


def memory(case: Any, who: str) -> dict[str, float]:
    """Bytes kept and at the peak, per neuron and time step."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", who, str(case.B), str(case.T), case.surrogate, str(case.slope)],
        capture_output=True, text=True, check=True, env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},
    )  # fmt: skip
    kept, peak = (float(number) for number in run.stdout.split())
    size = case.B * case.T * case.H
    return {"kept": kept / size, "peak": peak / size}


def _resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])


def _forward(cell: Any, who: str) -> Any:
    return (lambda x: engines["fused"]().unroll(cell, x)[0]) if who == "fused" else peers(cell)[who][1]


def _kept(cell: Any, x: torch.Tensor, forward: Any) -> int:
    kept, known = {}, {x.untyped_storage().data_ptr()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_leaf or not tensor.requires_grad:
            kept[tensor.untyped_storage().data_ptr()] = (tensor.untyped_storage().nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        spikes = forward(x)
    known |= {spikes.untyped_storage().data_ptr()}
    return sum(size for address, (size, _) in kept.items() if address not in known)


def main() -> None:
    from benchmarks.bptt_cpu import Case, build

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    who, surrogate, slope = sys.argv[1], sys.argv[4], float(sys.argv[5])
    case = Case(B=int(sys.argv[2]), T=int(sys.argv[3]), surrogate=surrogate, slope=slope)
    cell, x, gradient = build(Case(B=8, T=4, surrogate=surrogate, slope=slope))
    for _ in range(2):  # compiles, imports, and takes what is taken once
        _forward(cell, who)(x).backward(gradient)
    cell, x, gradient = build(case)
    forward = _forward(cell, who)
    gc.collect()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    forward(x).backward(gradient)
    peak = _resident("VmHWM") - before - 4 * gradient.numel()
    print(_kept(cell, x, forward), peak)


if __name__ == "__main__":
    main()
