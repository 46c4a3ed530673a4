"""Common style of all plots: Okabe-Ito colours, never colour alone, text styled by the page, data next to the plot.

Figures are drawn without pyplot, so there is no global state.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurorec.report.plots.fitting import fit
from neurorec.report.table import data_link, to_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 5.0  #: at 72 px per inch: 360 px, the width of a telephone
WIDE_IN = 7.8  #: two beside each other on a page; scrolled on telephones
BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
PAIR_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
HALF_COLOURS = {"spiking": BLUE, "rate": VERMILLION}
MARKERS = ("o", "D", "s", "^", "P", "v", "X", "<", "h", ">", "p", "*", "d", "H")
# Ink, rule and paper are placeholders, replaced by the page's colours, so that plots follow light and dark mode.
INK, RULE, PAPER = "#101112", "#c8c9ca", "#fefdfc"
_CSS = {INK: "var(--ink)", RULE: "var(--rule)", PAPER: "var(--paper)"}
STYLE = {
    "svg.fonttype": "none",  # text remains text: selectable, searchable, small
    "svg.hashsalt": "neurorec",  # the same data give the same file
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "path.simplify": False,  # no spike is ever dropped
}


@dataclass(frozen=True)
class Plot:
    """A finished plot: `svg` to embed, `alt` text with the finding, `csv_href`, a data: link to its numbers."""

    name: str
    title: str
    svg: str
    alt: str
    csv_href: str
    wide: bool = False


def literal(text: str) -> str:
    """`text` with its dollar signs as such: matplotlib would read what is between two of them as a formula."""
    return text.replace("$", r"\$")


@contextmanager
def figure(height_in: float, width_in: float = WIDTH_IN) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure with one axes in the common style; to be drawn and saved (`embed`) inside the block."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
        drawn = Figure(figsize=(width_in, height_in), layout="constrained")
        yield drawn, drawn.add_subplot()


@contextmanager
def panels(count: int, columns: int, height_in: float) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A wide figure with `count` axes in rows, all on the same scales."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    with matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
        drawn = Figure(figsize=(WIDE_IN, rows * height_in + 1.0), layout="constrained")
        every = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel().tolist()
        for axes in every[count:]:
            axes.remove()
        yield drawn, every[:count]


def titled(drawn: "Figure", title: str) -> None:
    """The title of a figure; `embed` breaks it into lines."""
    drawn.suptitle(literal(title), x=0.01, ha="left", fontsize=11.5, fontweight="bold")


def embed(drawn: "Figure", name: str, title: str, alt: str, rows: Sequence[Sequence[Any]]) -> Plot:
    """The figure as an inline SVG with unique ids, and `rows` (column names first) as its data."""
    fit(drawn)
    drawn.set_layout_engine("none")  # done; it would be repeated
    text = io.StringIO()
    with warnings.catch_warnings():
        # a figure that is too small is cosmetic and must not stop a report
        warnings.filterwarnings("ignore", message=".*constrained_layout not applied.*")
        drawn.savefig(text, format="svg", dpi=288, metadata={"Date": None})
    wide = bool(drawn.get_figwidth() > WIDTH_IN)
    return Plot(name, title, _inline(text.getvalue(), name, alt), alt, data_link(to_csv(rows[0], rows[1:])), wide)


def _inline(svg: str, name: str, alt: str) -> str:
    """The bare <svg> element: no doctype, no metadata, ids unique within the page, colours of the page."""
    prefix = f"{re.sub('[^a-z0-9]+', '-', name.lower())}-"
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    for stand_in, css in _CSS.items():
        svg = svg.replace(stand_in, css)
    # one style sheet for the page: matplotlib's own would affect other plots
    svg = re.sub(r"<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()  # pyright: ignore[reportOptionalMemberAccess]
    size = f'width="{float(width):.0f}" height="{float(height):.0f}"'
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, svg, count=1)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def legend_below(drawn: "Figure", handles: Sequence[Any], columns: int = 1) -> None:
    """A legend below the axes, where it covers no data; many entries are in two columns."""
    drawn.legend(handles=list(handles), loc="outside lower left", ncols=columns, handlelength=2.6, borderaxespad=0.2)
