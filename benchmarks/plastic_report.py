"""The plastic engine's part of docs/performance.md and its plot, from the result file."""

import json
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "plastic_cpu.json"
DOCS = Path(__file__).resolve().parents[1] / "docs"
BARS = {"cuba": 10, "cuba_stdp": 10, "stdp_1000": 10, "diehl_cook": 10}

HEAD = """
# Speed of plastic spiking networks

Made by `python -m benchmarks.plastic_cpu` from `benchmarks/results/plastic_cpu.json`; do not edit. The engine `plastic`
([plastic_engine.md](plastic_engine.md)) and Brian2 {brian2} on one core of {cpu} ({cores} cores), alternating, each
measurement in its own process; Python {python}, llvmlite {llvmlite}, numpy {numpy}. A ratio is the median over {pairs} pairs;
{cpp_pairs} for C++. Load of the machine at the start: {load}.

*Stepping* excludes making the network, building and compiling on both sides. *Total* is making the network (including drawing
synapses), building and stepping, with compiled code already loaded on both sides.

| | ours, ms | limit, ms | cython, ms | relative to ours: stepping | bar | total |
|---|---|---|---|---|---|---|"""

CPP = """
Brian2's C++ standalone program, generated, compiled and run, compared with ours in a new process, including compiling:

| | C++ total, s | ours, s | making, compiling, stepping | relative to ours | relative, compiled before | stepping only |
|---|---|---|---|---|---|---|"""

LIMIT = """
*Limit*: the time of the network's events at rates measured on the same machine: an addition at a random position in a list of
targets ({scatter_ns:.2f} ns), a byte of updated state or of a matrix row ({byte_ns:.4f} ns), a logarithm per random spike
({logarithm_ns:.1f} ns). CUBA has {list_events:.2g} such additions and {bytes:.2g} bytes per second.
"""

MEMORY = """
Memory in bytes per synapse (measured; peak: while a list is built):

| | kept | peak |
|---|---|---|"""


def section() -> str:
    """Empty where nothing was measured yet."""
    if not RESULTS.exists():
        return ""
    found = json.loads(RESULTS.read_text())
    cases = found["cases"]
    load = f"{found['load_before']:.1f}" if found.get("load_before") is not None else "unknown"
    lines = [
        HEAD.format(**found["machine"], **found["versions"], **{k: found[k] for k in ("pairs", "cpp_pairs")}, load=load)
    ]
    lines += [_stepping(name, one) for name, one in cases.items()]
    beside = [one for one in cases.values() if "brian2_cpp_standalone" in one]
    lines += [CPP, *map(_cpp, beside)] if beside else []
    cuba = _last(cases, "cuba")
    lines += [LIMIT.format(**cuba["rates"], **cuba["work"])] if cuba else []
    measured = [cases[name] for name in ("cuba", "cuba_stdp") if name in cases]
    lines += [MEMORY, *map(_memory, measured)] if measured else []
    if "growth" in found:
        _plot(found["growth"], DOCS / "performance_growth_plastic.svg")
        lines += ["", "![cost against neurons, synapses and rate](performance_growth_plastic.svg)"]
    return "\n".join([*lines, ""])


def _memory(one: dict[str, Any]) -> str:
    size = one["ours"][-1]["bytes_a_synapse"]
    return f"| {one['what']} | {size['kept']:.1f} | {size['building']:.0f} |"


def _last(cases: dict[str, Any], name: str) -> dict[str, Any] | None:
    return cases[name]["ours"][-1] if name in cases else None


def _ms(runs: list[dict[str, Any]], part: str) -> str:
    values = [run[part] for run in runs if part in run]
    return f"{1e3 * statistics.median(values):.1f}" if values else ""


def _stepping(name: str, one: dict[str, Any]) -> str:
    ratio, bar = one.get("ratio_stepping"), BARS.get(name)
    verdict = "" if bar is None or ratio is None else f"{bar}, {'met' if ratio >= bar else '**not met**'}"
    theirs = _ms(one.get("brian2_cython", []), "stepping_s")
    ratios = [f"{one[key]:.1f}" if key in one else "" for key in ("ratio_stepping", "ratio_in_all")]
    in_all = "" if name == "study" else ratios[1]
    return (
        f"| {one['what']} | {_ms(one['ours'], 'stepping_s')} | {_ms(one['ours'], 'limit_s')} | {theirs} | {ratios[0]} | "
        f"{verdict} | {in_all} |"
    )


def _cpp(one: dict[str, Any]) -> str:
    ours, theirs = one["ours_beside_cpp"], one["brian2_cpp_standalone"]
    parts = ", ".join(
        f"{statistics.median(run['first_parts_s'][part] for run in ours):.2f}" for part in ours[0]["first_parts_s"]
    )
    return (
        f"| {one['what']} | {statistics.median(run['total_s'] for run in theirs):.1f} | "
        f"{statistics.median(run['first_s'] for run in ours):.2f} | {parts} | {one['ratio_cpp_in_all_both_compiling']:.1f} | "
        f"{one['ratio_cpp_in_all_ours_warm']:.0f} | {one['ratio_cpp_stepping']:.1f} |"
    )


AXES = {
    "neurons": "neurons of CUBA with STDP, 80 synapses each",
    "synapses": "synapses per neuron, 4,000 neurons",
    "rate_Hz": "rate of 1,000 lines onto a neuron, Hz",
}


def _plot(growth: dict[str, list[dict[str, Any]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "neurorec"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(growth), figsize=(3.6 * len(growth), 3.2), sharey=True, layout="constrained")
    for axis, (kind, points) in zip(axes, growth.items(), strict=True):
        simulated_s = 10.0 if kind == "rate_Hz" else 1.0
        for name, style, colour in (
            ("brian2", "o-", "#c05020"), ("plastic", "o-", "#2060a0"), ("limit", "--", "#808080"),
        ):  # fmt: skip
            at = [point["at"] for point in points if name in point]
            values = [1e3 * point[name] / simulated_s for point in points if name in point]
            label = {"brian2": "Brian2, cython", "plastic": "plastic", "limit": "limit"}[name]
            axis.plot(at, values, style, color=colour, label=label, markersize=4)
        axis.set(xscale="log", yscale="log", xlabel=AXES[kind])
        axis.set_xticks(at, [f"{value:g}" for value in at])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("ms for 1 s of the network")
    axes[0].legend(frameon=False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
