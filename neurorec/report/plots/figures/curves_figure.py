"""Lines over a common axis."""

from typing import Any

from neurorec.analysis.found import Curves
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, look, part_of, plotted
from neurorec.report.plots.style import RULE, Plot, figure, legend_below, literal

MANY = 25  #: points of a line from which on markers are omitted


@part_of.register
def curves_part(curves: Curves, name: str) -> Plots:
    return plotted(_draw, curves, name)


def _draw(curves: Curves, name: str) -> Plot:
    named = len(curves.lines) > 1
    columns = 1 if max(map(len, curves.lines), default=0) > 28 else 2
    with figure(2.9 + (0.23 * -(-len(curves.lines) // columns) if named else 0)) as (drawn, axes):
        handles = []
        for n, (label, (x, y)) in enumerate(curves.lines.items()):
            style: Any = look(n) | ({"marker": ""} if len(x) > MANY else {"markersize": 4.5})
            handles += axes.plot(x, y, linewidth=1.6, label=literal(label), **style)
        if curves.level is not None:
            axes.axhline(curves.level, color=RULE, linewidth=1.0, zorder=0)
        if curves.share:
            axes.set_ylim(-0.03, 1.03)
        if curves.log_x:
            axes.set_xscale("log")
        if curves.log_y:
            axes.set_yscale("log")
        axes.set_xlabel(literal(curves.x_label))
        axes.set_ylabel(literal(curves.y_label))
        axes.grid(color=RULE)
        if named:
            legend_below(drawn, handles, columns)
        rows = [[label, *xy] for label, (x, y) in curves.lines.items() for xy in zip(x, y, strict=True)]
        return finish(drawn, curves, name, [["line", curves.x_label, curves.y_label], *rows])
