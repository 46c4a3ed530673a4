"""Activity of trained networks: the spikes of one test sample, and the input weights of each unit as an image."""

import math
from typing import TYPE_CHECKING

from neurorec.experiments.results import RunRecord
from neurorec.models.wires import INPUT
from neurorec.report.plots.style import BLUE, INK, VERMILLION, Plot, embed, figure, titled
from neurorec.report.training.run_files import input_weights, rasters
from neurorec.report.training.summary import Group

if TYPE_CHECKING:
    import numpy as np

STEPS_SHOWN = 600
LINES_SHOWN = 128
FIELDS_SHOWN = 100  # 10 x 10
SMALLEST_SIDE = 4  # images smaller than 4 x 4 are not shown


def first_run(group: Group) -> RunRecord | None:
    """The finished run with the lowest seed, so that all plots show the same seed if possible."""
    return min(group.runs, key=lambda run: run.seed, default=None)


def raster(group: Group) -> Plot | None:
    """Spikes of one test sample over its steps: input lines at the top, then the spiking layers in order."""
    run = first_run(group)
    found = rasters(run) if run is not None and group.proper else {}
    if run is None or not set(found) - {INPUT}:
        return None
    shown = {name: spikes[:STEPS_SHOWN, 0, :LINES_SHOWN].astype(bool) for name, spikes in reversed(found.items())}
    steps = next(iter(shown.values())).shape[0]
    gap = max(2, sum(spikes.shape[1] for spikes in shown.values()) // 20)
    title = f"{group.task}: spikes of {group.label}"
    said, ticks, above = [], [], 0
    with figure(3.5 + 0.4 * len(shown)) as (drawn, axes):
        for name, spikes in shown.items():
            _ticks(axes, spikes, above, VERMILLION if name == INPUT else BLUE)
            ticks.append((above + spikes.shape[1] / 2, "input\nlines" if name == INPUT else name))
            said.append(_counted(name, spikes, found[name].shape[2]))
            above += spikes.shape[1] + gap
            axes.axhline(above - gap / 2 - 0.5, color=INK, linewidth=0.5)
        axes.set_yticks(*zip(*ticks, strict=True))
        axes.set_ylim(-1, above - gap)
        axes.set_xlim(-0.5, steps - 0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("time (steps)" if run.dt_ms is None else f"time (steps of {run.dt_ms:g} ms)")
        titled(drawn, title)
        cut = ", only the first steps" if any(len(spikes) > STEPS_SHOWN for spikes in found.values()) else ""
        alt = f"Spikes of one test sample in {group.label} on {group.task}, seed {run.seed}, {steps} steps{cut}: "
        alt += "; ".join(reversed(said)) + "."
        rows = [["where", "step", "line"]]
        for name, spikes in shown.items():
            rows += [[name, int(t), int(i)] for t, i in zip(*spikes.nonzero(), strict=True)]
        return embed(drawn, f"raster-{group.task}-{group.label}", title, alt, rows)


def _counted(name: str, spikes: "np.ndarray", size: int) -> str:
    shown = spikes.shape[1]
    if name == INPUT:
        return f"{int(spikes.sum())} spikes on {shown} input lines"
    units = f"{size} units" if size == shown else f"first {shown} of {size} units"
    return f"{int(spikes.sum())} spikes of {units} in {name}, of which {int((~spikes.any(0)).sum())} stay silent"


def _ticks(axes, spikes: "np.ndarray", above: int, colour: str) -> None:
    """A short vertical line per spike, all as one path with gaps: thousands of separate marks would bloat the page."""
    import numpy as np

    t, line = spikes.nonzero()
    x = np.stack([t, t, np.full(len(t), np.nan)], axis=1).ravel()
    y = np.stack([line + above - 0.42, line + above + 0.42, np.full(len(t), np.nan)], axis=1).ravel()
    axes.plot(x, y, color=colour, linewidth=1.8, solid_capstyle="butt")


def receptive_fields(group: Group) -> list[Plot]:
    """The input weights of up to 100 units of a layer with a square image as input, one small image per unit."""
    run = first_run(group)
    found = input_weights(run) if run is not None and group.proper else {}
    drawn = [_fields(group, run, name, weights) for name, weights in found.items() if run is not None]
    return [plot for plot in drawn if plot is not None]


def _fields(group: Group, run: RunRecord, layer: str, weights: "np.ndarray") -> Plot | None:
    import numpy as np

    side = math.isqrt(weights.shape[1])
    if side < SMALLEST_SIDE or side * side != weights.shape[1] or not np.isfinite(weights).all():
        return None
    shown = weights[:FIELDS_SHOWN]
    title = f"{group.task}: input weights of {group.label}" + (f", {layer}" if len(run.layers) > 1 else "")
    limit = float(np.abs(shown).max()) or 1.0
    signed = bool((shown < 0).any())
    with figure(5.0) as (drawn, axes):
        picture = axes.imshow(
            _tiled(shown, side),
            cmap="PuOr" if signed else "cividis",
            vmin=-limit if signed else 0.0,
            vmax=limit,
            interpolation="nearest",
        )
        axes.set_axis_off()
        bar = drawn.colorbar(picture, ax=axes, orientation="horizontal", shrink=0.7, pad=0.03, aspect=30)
        bar.set_label("weight (in units of the network's input current)")
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        titled(drawn, title)
        alt = (
            f"Input weights of {len(shown)} units of {group.label} after training on {group.task}, seed {run.seed}, "
            f"each as an image of {side} by {side} pixels; weights from {shown.min():.3g} to {shown.max():.3g}, "
            f"mean {shown.mean():.3g}."
        )
        rows = [["unit", *(f"pixel_{i}" for i in range(weights.shape[1]))]]
        rows += [[unit, *(f"{value:.5g}" for value in row)] for unit, row in enumerate(shown)]
        return embed(drawn, f"weights-{group.task}-{group.label}-{layer}", title, alt, rows)


def _tiled(fields: "np.ndarray", side: int) -> "np.ndarray":
    """[K, side*side] -> one image of fields in rows of ten, separated by thin empty lines."""
    import numpy as np

    across = min(10, len(fields))
    down = math.ceil(len(fields) / across)
    picture = np.full((down * (side + 1) - 1, across * (side + 1) - 1), np.nan)
    for at, unit in enumerate(fields):
        top, left = (at // across) * (side + 1), (at % across) * (side + 1)
        picture[top : top + side, left : left + side] = unit.reshape(side, side)
    return np.ma.masked_invalid(picture)
