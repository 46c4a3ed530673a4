"""A figure that an analysis found, as a part of a page; each type of figure registers its own drawing."""

from functools import partial, singledispatch
from typing import Any

from neurorec.report.parts import Plots
from neurorec.report.plots.style import BLUE, GREEN, MARKERS, ORANGE, PURPLE, SKY, VERMILLION, Plot, embed, titled

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
STYLES = ("-", "--", "-.", ":")


@singledispatch
def part_of(figure: Any, name: str) -> Any:
    """The part of a page that shows the figure; `name` is unique on the page."""
    raise TypeError(f"no drawing for {type(figure).__name__}")


def plotted(draw: Any, figure: Any, name: str) -> Plots:
    """One plot, drawn with the page by `draw(figure, name)`."""
    return Plots(partial(_one, draw, figure, name))


def _one(draw: Any, figure: Any, name: str) -> list[Plot]:
    return [draw(figure, name)]


def look(n: int) -> dict[str, Any]:
    """Colour, line style and marker of the n-th line: never colour alone."""
    return {
        "color": COLOURS[n % len(COLOURS)],
        "linestyle": STYLES[n % len(STYLES)],
        "marker": MARKERS[n % len(MARKERS)],
    }


def finish(drawn: Any, figure: Any, name: str, rows: list[list[Any]]) -> Plot:
    """Title, and the figure as SVG with its numbers."""
    titled(drawn, figure.title)
    return embed(drawn, name, figure.title, f"{figure.title}. {figure.about}", rows)
