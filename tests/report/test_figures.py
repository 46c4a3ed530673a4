"""Figures of analyses: every type is drawn, with its numbers beside it, and read back as what it was."""

import base64
import re
from typing import get_args

import pytest

from neurorec.analysis.found import (
    AnyFigure,
    Arrow,
    Curves,
    Diagram,
    DrawnTree,
    Edge,
    Found,
    Image,
    Images,
    Node,
    Picture,
    Points,
    Raster,
    TextSamples,
)
from neurorec.basics.plain import from_plain, to_plain
from neurorec.report.page import Page, html, markdown
from neurorec.report.parts import Section, Verbatim
from neurorec.report.plots.figures import part_of
from neurorec.report.plots.figures.tree_figure import placed

ABOUT = "One sentence."
NAN = float("nan")
FIGURES = [
    Curves("Curves $1", ABOUT, "x", "y", {"a": ([1.0, 2.0], [3.0, NAN]), "b": ([1.0], [2.0])}, log_y=True, level=1.0),
    Points("Points", ABOUT, "x", "y", {"fixed": ([0.0], [1.0])}, {"path": ([0.0, 1.0], [0.0, 1.0])}, (Arrow(0, 0, 1, 1),)),
    Raster("Raster", ABOUT, [1.0, 2.5], [3, 4]),
    Picture("Picture", ABOUT, "x", "y", [[0.0, 1.0], [-1.0, 2.0]], "weight", ["p", "q"], ["r", "s"]),
    Images("Images", ABOUT, {"these": [Image([[0.0, 1.0]], "3, not 4", "wrong")] * 3, "those": [Image([[0.5, 1.0]])]}, 2),
    Diagram("Automaton", ABOUT, (Node("0", start=True), Node("1", "a long label", accepting=True)),
            (Edge("0", "1", "a"), Edge("1", "0", "b"), Edge("1", "1", "c"))),
    DrawnTree("Tree", ABOUT, ["true\nT", "not\nT"], [1, None], [1]),
    TextSamples("Text", ABOUT, ["two\nlines <b>"]),
]  # fmt: skip
TYPES = [type(figure).__name__ for figure in FIGURES]


def test_every_type_of_figure_is_here():
    assert {type(figure) for figure in FIGURES} == set(get_args(AnyFigure))


@pytest.mark.parametrize("figure", FIGURES, ids=TYPES)
def test_a_figure_is_stored_and_read_back(figure):
    found = Found({}, (figure,))
    again = from_plain(Found, to_plain(found))
    assert type(again.figures[0]) is type(figure)
    assert to_plain(again) == to_plain(found)


def test_an_unknown_figure_is_named():
    with pytest.raises(ValueError, match=r"^figures\[0\]\.kind: must be one of curves, points, .*, got 'curve'$"):
        from_plain(Found, {"values": {}, "figures": [{"kind": "curve"}]})


@pytest.mark.parametrize("figure", FIGURES[:-1], ids=TYPES[:-1])
def test_a_drawing_has_its_text_and_its_numbers(figure):
    (plot,) = part_of(figure, "one").plots
    assert plot.svg.count("<svg") == 1
    assert plot.alt == f"{figure.title}. {ABOUT}"
    assert figure.title in plot.svg
    rows = base64.b64decode(plot.csv_href.partition("base64,")[2]).decode().splitlines()
    assert len(rows) > 1


LONG = "the norm of the derivative of a state by an earlier one, against the number of steps between them"
NAME = "deep_hidden_to_output_of_a_network_with_a_name_that_is_too_long_for_any_figure"
LONG_FIGURES = [
    Curves(LONG, ABOUT, LONG, LONG, {LONG: ([1.0, 2.0], [3.0, 4e-9]), NAME: ([1.0], [2.0])}, log_x=True, log_y=True),
    Points(LONG, ABOUT, LONG, LONG, {LONG: ([0.0], [1.0])}, {NAME: ([0.0, 1.0], [0.0, 1.0])}, equal_axes=True),
    Raster(LONG, ABOUT, [1.0, 2.5], [3, 4], LONG),
    Picture(LONG, ABOUT, LONG, LONG, [[0.0] * 12] * 3, LONG, [f"column number {n}" for n in range(12)], [NAME, LONG, "r"]),
    Images(LONG, ABOUT, {LONG: [Image([[0.0, 1.0]], "12, not 13", "right")] * 11, NAME: [Image([[1.0]], "12", "wrong")]}),
    Diagram(LONG, ABOUT, (Node("0", LONG, start=True), Node("1", NAME, accepting=True), Node("2", LONG)),
            (Edge("0", "1", LONG), Edge("1", "0", NAME), Edge("1", "1", LONG), Edge("2", "2", LONG))),
    DrawnTree(LONG, ABOUT, [LONG, NAME, LONG], [2, 2, None], [1]),
]  # fmt: skip


@pytest.mark.parametrize("figure", LONG_FIGURES, ids=TYPES[:-1])
def test_long_texts_stay_on_the_canvas_and_lose_nothing(figure, canvas):
    (plot,) = part_of(figure, "one").plots
    assert canvas.texts > 5
    assert canvas.outside == []
    said = "".join("".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]*)<", plot.svg)).split())
    assert LONG.replace(" ", "") in said


def test_text_is_shown_as_it_is():
    part = part_of(FIGURES[-1], "text")
    assert part == Verbatim("Text", ABOUT, ["two\nlines <b>"])
    page = Page("study", "Question?", [], False, None, [], [Section("s", "Section", [part])], [], [], ([], []))
    assert "<pre>two\nlines &lt;b&gt;</pre>" in html(page)
    assert "### Text\n\nOne sentence.\n\n```\ntwo\nlines <b>\n```" in markdown(page)


def test_a_tree_is_drawn_with_its_root_on_top_and_leaves_side_by_side():
    assert placed([4, 3, 3, 4, None]) == [(0.0, -1.0), (1.0, -2.0), (2.0, -2.0), (1.5, -1.0), (0.75, 0.0)]
