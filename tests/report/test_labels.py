"""Labels beside markers: they cover neither each other, nor markers, nor lines, and stay within the axes."""

import itertools
import random

import pytest

from neurorec.report.plots.fitting import fit
from neurorec.report.plots.labels import Box, Marked, label_points
from neurorec.report.plots.style import WIDE_IN, figure

NAMES = [
    "BPTT",
    "truncated BPTT",
    "e-prop, random feedback",
    "direct feedback alignment",
    "equilibrium propagation",
    "STDP",
]


def crowded(seed: int) -> list[Marked]:
    """24 markers at the numbers of objections and with the scores of a large study: many of them close together."""
    drawn = random.Random(seed)
    return [
        Marked(drawn.choice((0, 1, 2, 2.5, 3)) + drawn.uniform(-0.2, 0.2), drawn.triangular(0.5, 1.0, 0.95),
               NAMES[at % len(NAMES)], "#000000", drawn.uniform(2.5, 8.0), drawn.uniform(0.0, 0.02))
        for at in range(24)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_labels_of_a_crowded_plot_are_apart(seed):
    points, level = crowded(seed), 0.8
    with figure(5.6, WIDE_IN) as (drawn, axes):
        axes.set_xlim(-0.75, 6.75)
        axes.set_ylim(0.45, 1.05)
        fit(drawn)
        boxes = label_points(axes, points, [level], 8.5)
        inside = Box(*axes.get_window_extent().extents)
        spots = [axes.transData.transform((point.x, point.y)) for point in points]
        height = axes.transData.transform((0, level))[1]
        shown = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 24
    assert all(one.shared(other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert all(box.shared(inside) == pytest.approx((box.x1 - box.x0) * (box.y1 - box.y0)) for box in boxes)
    assert not any(box.has(*spot) for box in boxes for spot in spots)
    assert not any(box.y0 < height < box.y1 for box in boxes)
    assert all(box.x0 < text.x0 and text.x1 < box.x1 for box, text in zip(boxes, shown, strict=True))


def test_a_label_alone_is_beside_its_marker_and_has_no_line():
    with figure(3.0) as (drawn, axes):
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        fit(drawn)
        (box,) = label_points(axes, [Marked(0.2, 0.5, "alone", "#000000", 4.0)], [], 9.0)
        x, y = axes.transData.transform((0.2, 0.5))
        assert 0 < box.x0 - x < 12 * drawn.dpi / 72
        assert box.y0 < y < box.y1
        assert len(axes.lines) == 0


def test_a_label_wider_than_the_axes_does_not_stop_a_report():
    with figure(3.0) as (drawn, axes):
        fit(drawn)
        assert len(label_points(axes, [Marked(0.5, 0.5, "long " * 60, "#000000", 4.0)], [], 9.0)) == 1
