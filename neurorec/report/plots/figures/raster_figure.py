"""Spikes over time."""

from neurorec.analysis.found import Raster
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, part_of, plotted
from neurorec.report.plots.style import INK, Plot, figure, literal

MANY = 5_000  #: spikes from which on they are drawn as pixels, so that the page stays light


@part_of.register
def raster_part(raster: Raster, name: str) -> Plots:
    return plotted(_draw, raster, name)


def _draw(raster: Raster, name: str) -> Plot:
    many = len(raster.times_ms) > MANY
    with figure(3.2) as (drawn, axes):
        mark, size = ("," if many else "|"), (1 if many else 3.0)
        axes.plot(raster.times_ms, raster.neurons, mark, color=INK, markersize=size, rasterized=many)
        axes.set_xlabel("time (ms)")
        axes.set_ylabel(literal(raster.y_label))
        rows = [list(each) for each in zip(raster.times_ms, raster.neurons, strict=True)]
        return finish(drawn, raster, name, [["time_ms", "neuron"], *rows])
