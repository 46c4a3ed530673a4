"""Points in a plane, with paths and arrows: phase portraits, eigenvalues."""

from neurorec.analysis.found import Points
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import COLOURS, finish, look, part_of, plotted
from neurorec.report.plots.style import INK, RULE, Plot, figure, legend_below, literal


@part_of.register
def points_part(points: Points, name: str) -> Plots:
    return plotted(_draw, points, name)


def _draw(points: Points, name: str) -> Plot:
    entries = len(points.groups) + (len(points.paths) if len(points.paths) <= 4 else 0)
    with figure((4.4 if points.equal_axes else 3.6) + 0.23 * -(-entries // 2)) as (drawn, axes):
        handles = []
        if points.arrows:
            parts = ([getattr(arrow, name) for arrow in points.arrows] for name in ("x", "y", "dx", "dy"))
            axes.quiver(*parts, angles="xy", color=RULE, width=0.004, zorder=1)
        for n, (label, (x, y)) in enumerate(points.paths.items()):
            colour = COLOURS[n % len(COLOURS)]
            lines = axes.plot(x, y, color=colour, linewidth=0.9, alpha=0.75, label=literal(label), zorder=2)
            axes.plot(x[:1], y[:1], ".", color=colour, markersize=4, zorder=2)
            handles += lines if len(points.paths) <= 4 else []
        for n, (label, (x, y)) in enumerate(points.groups.items()):
            style = look(n) | {"linestyle": "none", "markersize": 7 if len(x) < 50 else 3}
            handles += axes.plot(
                x, y, label=literal(label), markeredgecolor=INK, markeredgewidth=0.5, zorder=3, **style
            )
        if points.equal_axes:
            axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(literal(points.x_label))
        axes.set_ylabel(literal(points.y_label))
        axes.grid(color=RULE)
        legend_below(drawn, handles, 2)
        kinds = (("point", points.groups), ("path", points.paths))
        rows = [
            [kind, label, *xy]
            for kind, found in kinds for label, (x, y) in found.items() for xy in zip(x, y, strict=True)
        ]  # fmt: skip
        return finish(drawn, points, name, [["kind", "name", points.x_label, points.y_label], *rows])
