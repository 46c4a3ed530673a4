"""A matrix as an image."""

from neurorec.analysis.found import Picture
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, part_of, plotted
from neurorec.report.plots.style import Plot, figure, literal


@part_of.register
def picture_part(picture: Picture, name: str) -> Plots:
    return plotted(_draw, picture, name)


def _draw(picture: Picture, name: str) -> Plot:
    with figure(3.6) as (drawn, axes):
        low = min((value for row in picture.values for value in row if value == value), default=0.0)
        high = max((value for row in picture.values for value in row if value == value), default=0.0)
        signed = low < 0 < high
        low, high = (-max(-low, high), max(-low, high)) if signed else (low, high)
        shown = axes.imshow(
            picture.values,
            cmap="RdBu_r" if signed else "cividis",
            aspect="auto",
            interpolation="nearest",
            vmin=low,
            vmax=high,
        )
        drawn.colorbar(shown, ax=axes, label=literal(picture.value_label))
        for names, put in ((picture.columns, axes.set_xticks), (picture.rows, axes.set_yticks)):
            if names:
                put(range(len(names)), [literal(each) for each in names])
        axes.set_xlabel(literal(picture.x_label))
        axes.set_ylabel(literal(picture.y_label))
        columns = picture.columns or [str(n) for n in range(max(map(len, picture.values), default=0))]
        rows = [[picture.rows[n] if picture.rows else n, *row] for n, row in enumerate(picture.values)]
        return finish(drawn, picture, name, [[picture.y_label, *columns], *rows])
