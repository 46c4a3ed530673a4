"""A trained net at work: the spikes of one test sample, and the input weights of each unit as a picture."""

import math
from typing import TYPE_CHECKING

from neurorec.experiments.results import RunRecord
from neurorec.report.plots.style import BLUE, INK, VERMILLION, Plot, embed, figure
from neurorec.report.training.run_files import input_weights, rasters
from neurorec.report.training.summary import Group

if TYPE_CHECKING:
    import numpy as np

STEPS_SHOWN = 600
LINES_SHOWN = 128
FIELDS_SHOWN = 100  # 10 x 10
SMALLEST_SIDE = 4  # fewer input lines than 4 x 4 are no picture


def first_run(group: Group) -> RunRecord | None:
    """The run of the lowest seed, so that every picture shows the same seed where it finished."""
    return min(group.runs, key=lambda run: run.seed, default=None)


def raster(group: Group) -> Plot | None:
    """Input spikes above, the layer's spikes below, over the steps of one test sample."""
    run = first_run(group)
    found = rasters(run) if run is not None and group.half == "spiking" and group.proper else None
    if run is None or found is None:
        return None
    seen, layer = (spikes[:STEPS_SHOWN, 0, :LINES_SHOWN].astype(bool) for spikes in found)
    cut = found[1].shape[0] > STEPS_SHOWN
    steps, lines, size = layer.shape[0], seen.shape[1], found[1].shape[2]
    units = f"{size} units" if size == layer.shape[1] else f"first {layer.shape[1]} of {size} units"
    gap = max(2, (lines + layer.shape[1]) // 20)
    title = f"{group.task}: spikes of {group.label}"
    with figure(3.9) as (drawn, axes):
        _ticks(axes, layer, 0, BLUE)
        _ticks(axes, seen, layer.shape[1] + gap, VERMILLION)
        axes.axhline(layer.shape[1] + gap / 2 - 0.5, color=INK, linewidth=0.5)
        axes.set_yticks([layer.shape[1] / 2, layer.shape[1] + gap + lines / 2], ["units", "input\nlines"])
        axes.set_ylim(-1, layer.shape[1] + gap + lines)
        axes.set_xlim(-0.5, steps - 0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("time (steps)" if run.dt_ms is None else f"time (steps of {run.dt_ms:g} ms)")
        axes.set_ylabel(f"{units}, {lines} input lines")
        drawn.suptitle(_folded(title), x=0.01, ha="left", fontsize=11.5, fontweight="bold")
        alt = (
            f"Spikes of one test sample in {group.label} on {group.task}, seed {run.seed}: {int(layer.sum())} spikes "
            f"of {units} and {int(seen.sum())} on {lines} input lines in {steps} steps; "
            f"{int((~layer.any(0)).sum())} units stay silent" + (", the first steps shown." if cut else ".")
        )
        rows = [["where", "step", "line"]]
        rows += [["layer", int(t), int(i)] for t, i in zip(*layer.nonzero(), strict=True)]
        rows += [["input", int(t), int(i)] for t, i in zip(*seen.nonzero(), strict=True)]
        return embed(drawn, f"raster-{group.task}-{group.label}", title, alt, rows)


def _ticks(axes, spikes: "np.ndarray", above: int, colour: str) -> None:
    """A short upright line a spike, all as one path with gaps: thousands of separate marks would bloat the page."""
    import numpy as np

    t, line = spikes.nonzero()
    x = np.stack([t, t, np.full(len(t), np.nan)], axis=1).ravel()
    y = np.stack([line + above - 0.42, line + above + 0.42, np.full(len(t), np.nan)], axis=1).ravel()
    axes.plot(x, y, color=colour, linewidth=1.8, solid_capstyle="butt")


def receptive_fields(group: Group) -> Plot | None:
    """The input weights of up to 100 units of a net that sees a square picture, each unit a small picture."""
    import numpy as np

    run = first_run(group)
    weights = input_weights(run) if run is not None and group.proper else None
    if run is None or weights is None:
        return None
    side = math.isqrt(weights.shape[1])
    if side < SMALLEST_SIDE or side * side != weights.shape[1] or not np.isfinite(weights).all():
        return None
    shown = weights[:FIELDS_SHOWN]
    title = f"{group.task}: input weights of {group.label}"
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
        bar.set_label("weight (in the units of the net's input current)")
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        drawn.suptitle(_folded(title), x=0.01, ha="left", fontsize=11.5, fontweight="bold")
        alt = (
            f"Input weights of {len(shown)} units of {group.label} after training on {group.task}, seed {run.seed}, "
            f"each as a picture of {side} by {side} pixels; weights from {shown.min():.3g} to {shown.max():.3g}, "
            f"mean {shown.mean():.3g}."
        )
        rows = [["unit", *(f"pixel_{i}" for i in range(weights.shape[1]))]]
        rows += [[unit, *(f"{value:.5g}" for value in row)] for unit, row in enumerate(shown)]
        return embed(drawn, f"weights-{group.task}-{group.label}", title, alt, rows)


def _tiled(fields: "np.ndarray", side: int) -> "np.ndarray":
    """[K, side*side] -> one picture of fields in rows of ten, with a thin empty line between them."""
    import numpy as np

    across = min(10, len(fields))
    down = math.ceil(len(fields) / across)
    picture = np.full((down * (side + 1) - 1, across * (side + 1) - 1), np.nan)
    for at, unit in enumerate(fields):
        top, left = (at // across) * (side + 1), (at % across) * (side + 1)
        picture[top : top + side, left : left + side] = unit.reshape(side, side)
    return np.ma.masked_invalid(picture)


def _folded(title: str) -> str:
    """A long title in two lines, broken after the task's name."""
    return title.replace(": ", ":\n", 1) if len(title) > 44 else title
