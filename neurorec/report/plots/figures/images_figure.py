"""Groups of small images in rows. The frame of an image says whether it is right (solid, green) or wrong (dashed, red)."""

from typing import Any

from neurorec.analysis.found import Image, Images
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, part_of, plotted
from neurorec.report.plots.style import GREEN, RULE, VERMILLION, WIDTH_IN, Plot, figure, literal

FRAMES = {"": (RULE, "-", 0.6), "right": (GREEN, "-", 1.6), "wrong": (VERMILLION, (0, (2, 1)), 1.8)}
IMAGE, NAME = 0.86, 0.38  #: height of an image, and room for a group's name or a row's labels, in columns


@part_of.register
def images_part(images: Images, name: str) -> Plots:
    return plotted(_draw, images, name)


def _draw(images: Images, name: str) -> Plot:
    rows = sum(-(-len(group) // images.columns) for group in images.groups.values())
    height = rows * (IMAGE + NAME) + 1.5 * NAME * len(images.groups)
    with figure(0.4 + height * (WIDTH_IN - 0.2) / images.columns) as (drawn, axes):
        y, table = 0.0, []
        for group, members in images.groups.items():
            y -= 1.5 * NAME
            axes.text(0, y + 0.5 * NAME, literal(group), va="baseline", fontsize=9.5)
            for start in range(0, len(members), images.columns):
                for column, image in enumerate(members[start : start + images.columns]):
                    _put(axes, image, column, y)
                y -= IMAGE + NAME
            table += [[group, number, image.label, image.mark] for number, image in enumerate(members, 1)]
        axes.set(xlim=(-0.02, images.columns), ylim=(y, 0), aspect="equal")
        axes.axis("off")
        return finish(drawn, images, name, [["group", "image", "label", "mark"], *table])


def _put(axes: Any, image: Image, x: float, top: float) -> None:
    """The image with its label below."""
    from matplotlib.patches import Rectangle

    place = (x, x + IMAGE, top - IMAGE, top)
    axes.imshow(image.values, cmap="gray_r", vmin=0, vmax=1, extent=place, interpolation="nearest")
    colour, line, width = FRAMES[image.mark]
    axes.add_patch(
        Rectangle((x, top - IMAGE), IMAGE, IMAGE, fill=False, edgecolor=colour, linestyle=line, linewidth=width)
    )
    axes.text(x + IMAGE / 2, top - IMAGE - 0.06, literal(image.label), ha="center", va="top", fontsize=7.5)
