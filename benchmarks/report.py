"""docs/performance.md and its plot, from the result file."""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks import plastic_report
from benchmarks.one_machine import refuse_mixed_parts

DOCS = Path(__file__).resolve().parents[1] / "docs"


def write(found: dict[str, Any]) -> None:
    refuse_mixed_parts(found["machines"], "bptt_cpu.json")
    (DOCS / "performance.md").write_text(_page(found) + plastic_report.section())
    _plot(found["growth"], DOCS / "performance_growth.svg")


def rewrite() -> None:
    """The page again from stored results, after a part of them changed."""
    write(json.loads((DOCS.parent / "benchmarks" / "bptt_cpu.json").read_text()))


HEAD = """# Training speed on the CPU

Made by `python -m benchmarks.bptt_cpu` from `benchmarks/bptt_cpu.json`; do not edit. One training step (forward and backward,
all weight gradients) of a recurrent LIF layer by the engine `fused` ([engines_fused.md](engines_fused.md)) and by other
libraries. A ratio is the median over rounds of peer time / ours within the round; milliseconds are medians.

{processor}, {cores} cores, {threads} thread(s), {clock}; Python {python}; {libraries}.
Load of the machine (1 is one busy core; the benchmark adds {threads}), at the start and end of each part: {loads}.
Measured rates: dense product {product_gflops:.0f} GFLOP/s, copy {copy_gb_s:.0f} GB/s. *Limit* is the time of the unavoidable
arithmetic or memory traffic at these rates, whichever is longer.

First use takes {cached:.1f} s per process, mostly to import numba; the first use on a machine {compiling:.1f} s, to compile.

| I=700, H=256, 2 % input | library | ms | limit, ms | relative to ours | bar | spikes, % |
|---|---|---|---|---|---|---|"""


def _page(found: dict[str, Any]) -> str:
    m, first = found["machines"]["main"] | found["rates"], found["first_use_s"]
    head = HEAD.format(
        **{key: value for key, value in m.items() if key != "versions"},
        clock="processor time" if m["threads"] == 1 else "wall-clock time",
        libraries=", ".join(f"{name} {version}" for name, version in m["versions"].items()),
        loads="; ".join(
            f"{part} {one['load_before']:.1f}, {one['load_after']:.1f}" + (f" ({one['note']})" if "note" in one else "")
            for part, one in found["machines"].items()
        ),
        cached=first["from cache"],
        compiling=first["compiling"],
    )
    rows = [row for title, one in found["main"].items() for row in _rows(title, one)]
    return "\n".join(
        [
            head,
            *rows,
            *_end_to_end(found["end_to_end"]),
            *_memory(found["memory"]),
            "",
            "![cost against H, T, B and input](performance_growth.svg)",
            "",
        ]
    )


TRAINED = """
Whole trainings of the spiking half of `lif_vs_elman`, from data to scores, on one thread as in every study (processor time;
medians over three seeds; ratio is Norse / ours, seed by seed):

| task | engine | s | relative to ours | bar | test accuracy, seeds 0, 1, 2 |
|---|---|---|---|---|---|"""


def _end_to_end(found: dict[str, Any]) -> list[str]:
    rows = [TRAINED]
    for task, one in found.items():
        verdict = f"{one['bar']:g}, {'met' if one['ratio'] >= one['bar'] else '**not met**'}"
        for engine, seconds in one["seconds"].items():
            scores = ", ".join(f"{score:.3f}" for score in one["test_accuracy"][engine])
            ratio, said = ("1.0", "") if engine == "fused" else (f"{one['ratio']:.1f}", verdict)
            rows.append(f"| {task} | {engine} | {statistics.median(seconds):.1f} | {ratio} | {said} | {scores} |")
    total = {e: sum(sum(one["seconds"][e]) for one in found.values()) for e in ("fused", "norse")}
    ratio, bar = total["norse"] / total["fused"], min(one["bar"] for one in found.values())
    verdict = "met" if ratio >= bar else "**not met**"
    rows += [f"| both, all seeds | fused | {total['fused']:.1f} | 1.0 |  |  |",
             f"| both, all seeds | norse | {total['norse']:.1f} | {ratio:.1f} | {bar:g}, {verdict} |  |"]  # fmt: skip
    return rows


KEPT = """
Memory in bytes per neuron and time step, in addition to what any layer needs (weights, input, output spikes, incoming
gradient); the peak includes copies and gradients of the weights, which do not grow with B and T:

| I=700, H=256, one thread | | fused | norse | ratio |
|---|---|---|---|---|"""


def _memory(found: dict[str, Any]) -> list[str]:
    rows = [KEPT]
    for title, one in found.items():
        for key, kind in (("kept", "kept from forward to backward"), ("peak", "peak, forward and backward")):
            ours, theirs = one["fused"][key], one["norse"][key]
            rows.append(f"| {title} | {kind} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} |")
    return rows


def _rows(title: str, one: dict[str, Any]) -> list[str]:
    rows = []
    for name, ratio in one["ratio"].items():
        bar = one["bars"].get(name)
        verdict = "" if bar is None else f"{bar:g}, {'met' if ratio >= bar else '**not met**'}"
        share = "" if name == "torch.nn.RNN" else f"{100 * one['spike_share'][name]:.1f}"
        what, limit = "", ""
        if name == "fused":
            active = f"; {100 * one['active_share']:.0f} % active backward" if one["active_share"] < 1 else ""
            what, limit = title + active, f"{one['limit_ms']:.1f}"
        rows.append(
            f"| {what} | {name} | {one['milliseconds'][name]:.1f} | {limit} | {ratio:.1f} | {verdict} | {share} |"
        )
    return rows


def _plot(growth: dict[str, list[dict[str, Any]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "neurorec"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(growth), figsize=(3.2 * len(growth), 3.2), sharey=True, layout="constrained")
    names = {"H": "neurons H", "T": "steps T", "B": "batch B", "input_share": "share of input lines with a spike"}
    for axis, (key, cases) in zip(axes, growth.items(), strict=True):
        at = [one["case"][key] for one in cases]
        for name, colour in (("norse", "#c05020"), ("fused", "#2060a0")):
            axis.plot(at, [one["milliseconds"][name] for one in cases], "o-", color=colour, label=name, markersize=4)
        axis.plot(at, [one["limit_ms"] for one in cases], "--", color="#808080", label="limit")
        axis.set(xscale="log", yscale="log", xlabel=names[key])
        axis.set_xticks(at, [f"{value:g}" for value in at])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("ms, forward and backward")
    axes[0].legend(frameon=False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
