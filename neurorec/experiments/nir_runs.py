"""`neurorec nir run`: a NIR file on recorded input, and which convention reproduces a recording of its output."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.search import SearchResult, Tried, search
from neurorec.engines.on_nir import NirRun, options_from_text, read_nir, read_settings, run_nir
from neurorec.hardware.workload.graph import read_recording


def run_file(
    path: Path, x: Path, settings: Sequence[str], compare: Path | None = None, out: Path | None = None
) -> list[str]:
    """Run the NIR file on the recorded input x [T, B, ...] or [T, ...]; what came out, in words.

    `compare`: a recording of the graph's output on x, for which a convention is searched. `out`: where to save the output.

    Raises
    ------
    InputError
        If a file cannot be read or written, or an option is not known.
    """
    graph = read_nir(path)
    options = options_from_text(settings, graph.metadata, graph.where)
    given = read_recording(x)
    said = _said(run := run_nir(graph, given, options))
    if out is not None:
        _save(out, run)
        said.append(f"output saved: {out}")
    if compare is None:
        return said
    _, fixed = read_settings(settings)
    found = search(graph, given, read_recording(compare), options, fixed)
    return said + _verdict(found, compare)


def _said(run: NirRun) -> list[str]:
    lines = [
        f"{name}: {int(spikes.sum()):,} spikes in {spikes.numel():,} entries" for name, spikes in run.spikes.items()
    ]
    shapes = [
        f"{name}: output of shape {list(output.shape)} (steps, samples, ...)" for name, output in run.outputs.items()
    ]
    return lines + shapes


def _verdict(found: SearchResult, compare: Path) -> list[str]:
    width = max(len(one.name) for one in found.named)
    lines = [f"{compare}: {found.entries:,} entries; entries that differ:"]
    lines += [f"  {one.name:{width}}  {_count(one, found)}" for one in found.named]
    equal = [one.name for one in found.named if not one.differing]
    best = found.best
    if best.differing:
        return [
            *lines,
            f"none of the {found.tried:,} conventions tried reproduces it; the best is {_named(best)}: "
            f"{best.differing:,} of {found.entries:,} entries differ (dt_s and time_unit were not varied)",
        ]
    others = f" (so do: {', '.join(equal[1:])})" if len(equal) > 1 else ""
    return [*lines, f"reproduced by {_named(best)}: 0 of {found.entries:,} entries differ{others}"]


def _named(tried: Tried) -> str:
    if tried.name == "as asked":
        return "the options asked for"
    settings = tried.name.split() if "=" in tried.name else [f"like={tried.name}"]
    return " ".join(f"--nir {setting}" for setting in settings)


def _count(tried: Tried, found: SearchResult) -> str:
    return f"{tried.differing:,}" if tried.differing <= found.entries else "cannot run this graph"


def _save(out: Path, run: NirRun) -> None:
    try:
        with out.open("wb") as file:
            np.save(file, run.output.numpy())
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error}); choose a writable folder") from None
