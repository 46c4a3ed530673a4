"""Which texts of the figures that are saved lie outside their canvas."""

from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.0  #: points: glyphs overhang their boxes


class Canvas:
    """Watches `Figure.savefig` from now on."""

    def __init__(self, monkeypatch) -> None:
        self.outside: list[str] = []
        self.texts = 0
        self._saving: Figure | None = None
        save, draw = Figure.savefig, Text.draw

        def drawing(text, renderer):
            draw(text, renderer)
            if self._saving is not None and text.get_visible() and text.get_text():
                self._look_at(text, renderer, self._saving)

        def saving(figure, *arguments, **settings):
            figure.draw_without_rendering()  # texts of this first pass may lie anywhere
            self._saving = figure
            save(figure, *arguments, **settings)
            self._saving = None

        monkeypatch.setattr(Text, "draw", drawing)
        monkeypatch.setattr(Figure, "savefig", saving)

    def _look_at(self, text, renderer, figure) -> None:
        self.texts += 1
        box, edge = text.get_window_extent(renderer), figure.bbox
        across = edge.x0 - SLACK <= box.x0 <= box.x1 <= edge.x1 + SLACK
        if not (across and edge.y0 - SLACK <= box.y0 <= box.y1 <= edge.y1 + SLACK):
            self.outside.append(f"{text.get_text()!r} at {box.extents.round().tolist()} of {edge.extents.tolist()}")
