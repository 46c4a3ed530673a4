"""A tree with a text at every node: the root on top, leaves side by side. Marked nodes have a thick red border."""

from neurorec.analysis.found import DrawnTree
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, part_of, plotted
from neurorec.report.plots.style import INK, PAPER, RULE, VERMILLION, Plot, figure, literal

LEVEL_IN = 0.62  #: inches per level


@part_of.register
def tree_part(tree: DrawnTree, name: str) -> Plots:
    return plotted(_draw, tree, name)


def _draw(tree: DrawnTree, name: str) -> Plot:
    places = placed(tree.parents)
    xs, ys = zip(*places, strict=True)
    with figure(0.8 - LEVEL_IN * min(ys)) as (drawn, axes):
        for node, parent in enumerate(tree.parents):
            if parent is not None:
                axes.plot(*zip(places[node], places[parent], strict=True), color=RULE, linewidth=1.4, zorder=1)
            marked = node in tree.marked
            border = {"edgecolor": VERMILLION if marked else INK, "linewidth": 2.4 if marked else 0.9}
            box = {"boxstyle": "round,pad=0.25", "facecolor": PAPER, **border}
            axes.text(
                *places[node], literal(tree.labels[node]), ha="center", va="center", fontsize=8, bbox=box, zorder=2
            )
        axes.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(min(ys) - 0.5, 0.5))
        axes.axis("off")
        rows = [
            [node, "" if parent is None else parent, label.replace("\n", " "), "marked" * (node in tree.marked)]
            for node, (parent, label) in enumerate(zip(tree.parents, tree.labels, strict=True))
        ]
        return finish(drawn, tree, name, [["node", "parent", "label", "mark"], *rows])


def placed(parents: list[int | None]) -> list[tuple[float, float]]:
    """Places of the nodes of a tree, children before parents: leaves side by side in their order, parents above the middle of
    their children; one unit from leaf to leaf and from level to level."""
    leaves, x, y = 0, [0.0] * len(parents), [0.0] * len(parents)
    for node in range(len(parents)):
        below = [x[child] for child in range(node) if parents[child] == node]
        x[node] = sum(below) / len(below) if below else float(leaves)
        leaves += not below
    for node, parent in reversed(list(enumerate(parents))):
        y[node] = 0.0 if parent is None else y[parent] - 1.0
    return list(zip(x, y, strict=True))
