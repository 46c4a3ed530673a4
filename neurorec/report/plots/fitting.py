"""Texts of a figure within its canvas: long titles, labels and legends are broken into lines, and the figure becomes taller.

Matplotlib's layout makes room for the height of these texts, not for their length.
"""

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

ROUNDS = 4  #: more lines move the axes, and with them the room for their labels
MARGIN = 4.0  #: pixels at the edges
LABELS = 0.42  #: largest share of the width that names beside the axes may take
Written = dict[Any, str]  #: what each text said before it was broken


def fit(drawn: Any) -> None:
    """Break all texts that are too long; nothing changes in a figure whose texts fit."""
    written: Written = {}
    for axes in drawn.axes:
        _plain_powers(axes)
    _lay_out(drawn)
    for _ in range(ROUNDS):
        higher = [_fold_names(axes, LABELS * drawn.bbox.width) for axes in drawn.axes]
        higher += [_turn_names(axes) for axes in drawn.axes]
        if not any(higher):  # names move the axes most
            higher += [_fold(text, room, written) for text, room in _texts(drawn)]
        if not any(higher):
            return
        drawn.set_figheight(drawn.get_figheight() + sum(max(0.0, each) for each in higher) / drawn.dpi)
        _lay_out(drawn, drawn.draw_without_rendering)  # colour bars take their places when drawn


def _lay_out(drawn: Any, how: Callable[[], None] | None = None) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*constrained_layout not applied.*")
        how() if how is not None else drawn.get_layout_engine().execute(drawn)


def _texts(drawn: Any) -> list[tuple[Any, float]]:
    """All titles, labels and legend entries, with the room for each in pixels."""
    width = drawn.bbox.width
    found = [(drawn._suptitle, width - 2 * MARGIN - 0.01 * width)] if drawn._suptitle is not None else []
    for axes in drawn.axes:
        found += _texts_of(axes, width)
    for legend in [*drawn.legends, *(axes.legend_ for axes in drawn.axes if axes.legend_ is not None)]:
        handle = (legend.handlelength + legend.handletextpad + legend.columnspacing) * legend._fontsize * drawn.dpi / 72
        found += [(text, (width - 2 * MARGIN) / legend._ncols - handle) for text in legend.get_texts()]
    return [(text, room) for text, room in found if text.get_text()]


def _texts_of(axes: Any, width: float) -> Iterator[tuple[Any, float]]:
    box = axes.get_window_extent()
    middle = (box.x0 + box.x1) / 2
    yield axes.xaxis.label, 2 * min(middle, width - middle) - MARGIN
    yield axes.yaxis.label, box.height
    yield axes.title, 2 * min(middle, width - middle) - MARGIN
    yield axes._left_title, width - box.x0 - MARGIN
    for text in axes.texts:
        own = text.get_window_extent()
        middle = (own.x0 + own.x1) / 2
        rooms = {"left": width - own.x0, "right": own.x1, "center": 2 * min(middle, width - middle)}
        yield text, rooms[text.get_horizontalalignment()] - MARGIN


def _fold(text: Any, room: float, written: Written) -> float:
    """Break a text at spaces, or within words that are too long, so that no line is longer than `room` pixels.

    Returns the change of its height.
    """
    whole = written.get(text) or text.get_text()
    if (before := _length(text)) <= room or before == 0.0:
        return 0.0
    shown, height = text.get_text(), _height(text)
    text.set_text("\n".join(_lines(text, whole, max(room, MARGIN))))
    if text.get_text() == shown:
        return 0.0
    written[text] = whole
    return _height(text) - height or 1.0


def _lines(text: Any, whole: str, room: float) -> Iterator[str]:
    for part in whole.split("\n"):
        line = ""
        for word in part.split(" "):
            longer = f"{line} {word}" if line else word
            if line and _length(text, longer) > room:
                yield line
                longer = word
            while _length(text, longer) > room and len(longer) > 1:
                fits = [n for n in range(1, len(longer)) if _length(text, longer[:n]) <= room]
                yield longer[: max(fits, default=1)]
                longer = longer[max(fits, default=1) :]
            line = longer
        yield line


def _length(text: Any, words: str | None = None) -> float:
    """Along its direction, of the text or of other words in its place."""
    own = text.get_text()
    if words is not None:
        text.set_text(words)
    box = text.get_window_extent()
    text.set_text(own)
    return box.height if text.get_rotation() == 90.0 else box.width


def _height(text: Any) -> float:
    """Of its lines; those of a vertical text take width, which the layout finds."""
    return 0.0 if text.get_rotation() == 90.0 else text.get_window_extent().height


def _fold_names(axes: Any, room: float) -> float:
    """Break the names beside the y axis."""
    texts = axes.yaxis.get_ticklabels()
    higher = [_fold(text, room, {}) for text in texts]
    if any(higher):
        axes.yaxis.set_ticks(axes.yaxis.get_ticklocs(), [text.get_text() for text in texts])
    return sum(higher)


def _turn_names(axes: Any) -> float:
    """Turn the names below the x axis if they overlap."""
    from matplotlib.ticker import FixedLocator

    texts = [text for text in axes.xaxis.get_ticklabels() if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    if not isinstance(axes.xaxis.get_major_locator(), FixedLocator) or any(text.get_rotation() for text in texts):
        return 0.0
    if not any(a.x1 > b.x0 for a, b in itertools.pairwise(boxes)):
        return 0.0
    axes.tick_params(axis="x", labelrotation=90)
    return max(box.width for box in boxes) - max(box.height for box in boxes)


def _plain_powers(axes: Any) -> None:
    """Write powers of ten on log axes as 1e-05: exponents would be too small to read."""
    from matplotlib.ticker import FuncFormatter, LogFormatter, LogFormatterMathtext

    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        if isinstance(axis.get_minor_formatter(), LogFormatterMathtext):
            axis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
