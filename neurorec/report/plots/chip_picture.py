"""A picture of the chip: tiles coloured by neurons, links by packets.

For a network on many chips, each chip is one square, and all traffic between two chips is one link.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurorec.basics.errors import InputError, needed
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.mapping.placement import Plan
from neurorec.report.plots.style import INK, RULE, STYLE, literal
from neurorec.report.wording import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WAYS = ("east", "west", "south", "north")
STEP = ((1, 0), (-1, 0), (0, 1), (0, -1))
TILE_HEAT = ("Blues", 0.0, 1.6)  #: colour map and its range relative to the maximum; dark colours would hide numbers
LINK_HEAT = ("YlOrRd", -0.15, 1.0)  #: pale colours would hide links
MANY_TILES = 400
SIDE, LANE = 0.56, 0.13  #: size of a tile; distance from the middle of a link to each of its two lanes


@dataclass(frozen=True)
class View:
    """Squares [y, x]; `load` [4, y, x] per inference over the links east, west, south and north out of each."""

    square: str  #: "tile" or "chip"
    neurons: np.ndarray
    load: np.ndarray
    chip: tuple[int, int] | None  #: columns and rows per chip, if there are several and their tiles are shown
    chips: tuple[int, int]


def draw_chip(mapping: Mapping, samples: int, name: str, path: Path) -> str:
    """Write the picture, with placement in order and the optimised one side by side if there is one. Returns its alt text."""
    import matplotlib
    from matplotlib.figure import Figure

    shown = [m for m in (mapping.in_order, mapping) if m is not None and m.plan is not None]
    views = [_view(m.plan, samples) for m in shown if m.plan is not None]
    alt = " ".join(_finding(m, samples, name if m is shown[0] else "") for m in shown)
    rows, columns = max(view.neurons.shape for view in views)
    width = min(8.0, max(4.0, columns * 0.9))
    height = width * rows / columns + 0.3
    total = max(8.5, width * len(shown)), height + 1.3
    with matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
        figure = Figure(figsize=total, facecolor="white", layout="constrained")
        panels = figure.subplot_mosaic(
            [["first", "last" if len(shown) > 1 else "first"], ["squares", "links"]], height_ratios=[height, 0.13]
        )
        neurons = max(float(view.neurons.max()) for view in views)
        packets = max(float(view.load.max(initial=0)) for view in views)
        for panel, m, view in zip(("first", "last"), shown, views, strict=False):
            _draw(panels[panel], view, neurons, packets, width / columns * 72)
            tried = f"{m.found_by}: " if len(shown) > 1 else ""
            hops = (m.hops + m.chip_links) / samples
            panels[panel].set_title(f"{tried}{count(m.packets / samples)} packets, {count(hops)} hops", weight="normal")
        links = "the links between two chips" if views[0].square == "chip" else "a link, right-hand traffic"
        _legend(figure, panels["squares"], TILE_HEAT, neurons, f"neurons on a {views[0].square}")
        _legend(figure, panels["links"], LINK_HEAT, packets, f"packets per inference over {links}")
        figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.3 / total[1]))  # pyright: ignore
        figure.text(0.01, 0.995, f"Traffic of the spikes of {literal(name)}", va="top", fontweight="bold", fontsize=12)
        _save(figure, path, alt)
    return alt


def _view(plan: Plan, samples: int) -> View:
    ground, load = plan.travel.ground, plan.travel.load / samples
    neurons = neurons_on_tiles(plan)
    if neurons.size <= MANY_TILES or ground.chips == 1:
        chip = (ground.columns, ground.rows) if ground.chips > 1 and not ground.multicast else None
        return View("chip" if ground.multicast else "tile", neurons, load, chip, ground.grid)
    across, along = ground.grid
    blocks = (along, ground.rows, across, ground.columns)
    out = np.where(ground.between_chips(), load, 0.0).reshape(4, *blocks).sum((2, 4))
    return View("chip", neurons.reshape(blocks).sum((1, 3)), out, None, ground.grid)


def neurons_on_tiles(plan: Plan) -> np.ndarray:
    """[y, x] neurons on each tile."""
    ground = plan.travel.ground
    x, y = ground.tile(plan.places[plan.layout.core_of])
    found = np.zeros(ground.shape, np.int64)
    np.add.at(found, (y, x), 1)
    return found


def _draw(axes: Axes, view: View, most_neurons: float, most_packets: float, points: float) -> None:
    """`points`: from one tile to the next, in points."""
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import Rectangle

    rows, columns = view.neurons.shape
    squares = [Rectangle((x - SIDE / 2, y - SIDE / 2), SIDE, SIDE) for y in range(rows) for x in range(columns)]
    heat, many = _norm(TILE_HEAT, most_neurons), view.neurons.size > MANY_TILES
    axes.add_collection(
        PatchCollection(
            squares,
            cmap=TILE_HEAT[0],
            norm=heat,
            array=view.neurons.ravel(),
            edgecolor=RULE,
            linewidth=0.0 if many else 0.6,
            rasterized=many,
        )
    )
    lanes, packets = [], []
    for d, y, x in zip(*np.nonzero(view.load), strict=True):
        dx, dy = STEP[d]
        ends = [(x + dx * part - dy * LANE, y + dy * part + dx * LANE) for part in (SIDE / 2, 1 - SIDE / 2)]
        lanes.append(ends)
        packets.append(view.load[d, y, x])
    order = np.argsort(packets)
    axes.add_collection(
        LineCollection([lanes[n] for n in order], cmap=LINK_HEAT[0], norm=_norm(LINK_HEAT, most_packets),
                       array=np.array(packets)[order], linewidths=points * 0.11, capstyle="butt", rasterized=many)
    )  # fmt: skip
    if view.chip:
        for at in np.ndindex(view.chips):
            corner = (at[0] * view.chip[0] - 0.45, at[1] * view.chip[1] - 0.45)
            axes.add_patch(
                Rectangle(corner, view.chip[0] - 0.1, view.chip[1] - 0.1, fill=False, edgecolor=INK, linewidth=0.9)
            )
    if points > 28:
        for (y, x), n in np.ndenumerate(view.neurons):
            axes.text(
                x, y, count(int(n)) if n else "", ha="center", va="center", fontsize=min(9.0, points / 5.5), color=INK
            )
    axes.set(xlim=(-0.55, columns - 0.45), ylim=(rows - 0.45, -0.55), aspect="equal", xticks=[], yticks=[])
    axes.set_frame_on(False)


def _legend(figure: Any, axes: Axes, heat: tuple[str, float, float], most: float, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    bar = figure.colorbar(ScalarMappable(_norm(heat, most), heat[0]), cax=axes, orientation="horizontal")
    bar.set_label(label)
    bar.ax.set_xlim(0, most or 1)
    bar.ax.xaxis.set_major_locator(MaxNLocator(5))
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    bar.outline.set_visible(False)


def _norm(heat: tuple[str, float, float], most: float) -> Any:
    from matplotlib.colors import Normalize

    return Normalize(heat[1] * (most or 1), heat[2] * (most or 1))


def _finding(mapping: Mapping, samples: int, name: str) -> str:
    plan = needed(mapping.plan, "nothing was placed on cores, so there is no chip to draw")
    ground, load = plan.travel.ground, plan.travel.load
    held = neurons_on_tiles(plan)
    tiles = f", {int((held > 0).sum()):,} of {held.size:,} tiles" if not ground.multicast else ""
    chips = f" of {mapping.chips} chips" if mapping.chips > 1 else ""
    where = f"{count(plan.net.size)} neurons on {len(mapping.cores):,} cores{tiles}{chips}"
    busiest = "no packet leaves its tile"
    if load.any():
        d, y, x = np.unravel_index(np.argmax(load), load.shape)
        kind = "link between two chips" if ground.between_chips()[d, y, x] else "link"
        over = load.max() / load[load > 0].mean()
        busiest = (
            f"the most loaded {kind}, {WAYS[d]} from tile ({x}, {y}), carries {count(load.max() / samples)} packets per "
            f"inference, {over:.1f} times the mean of the {int((load > 0).sum()):,} links in use"
        )
    return f"{name + ', ' if name else 'In comparison, '}{mapping.found_by}: {where}; {busiest}."


def _save(figure: Any, path: Path, alt: str) -> None:
    try:
        if path.suffix == ".svg":
            figure.savefig(path, metadata={"Date": None, "Title": alt})
            text = path.read_text(encoding="utf-8")
            label = html.escape(alt, quote=True)
            path.write_text(text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1), encoding="utf-8")
        else:
            figure.savefig(path, dpi=200, metadata={"Title": alt} if path.suffix == ".pdf" else {"Description": alt})
    except OSError as error:
        raise InputError(
            f"{path}: the picture cannot be written ({error.strerror}); choose another with --picture"
        ) from None
