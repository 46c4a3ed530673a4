"""Test accuracy of every net on one task, with its spread, beside what chance and the raw input give."""

from neurorec.report import wording
from neurorec.report.plots.style import INK, PAPER, RULE, Looks, Plot, embed, figure
from neurorec.report.summary import Group


def accuracy(task: str, groups: list[Group], looks: Looks) -> Plot | None:
    """A row a net: every seed as a small dot, mean and standard deviation on top; baselines as vertical lines."""
    nets = [group for group in groups if group.half != "baseline" and group.test.n]
    lines = [group for group in groups if group.half == "baseline" and group.test.n]
    if not nets:
        return None
    title = f"{task}: test accuracy"
    with figure(1.35 + 0.36 * len(nets)) as (drawn, axes):
        for y, group in enumerate(nets):
            axes.plot(group.test.values, [y] * group.test.n, ".", color=INK, markersize=3, alpha=0.55, zorder=3)
            axes.errorbar(group.test.mean, y, xerr=group.test.sd or 0.0, capsize=3, zorder=2, **looks.of(group))
        for at, group in enumerate(lines):
            style = ":" if group.control == "chance" else "--"
            axes.axvline(group.test.mean, color=INK, linewidth=1.1, linestyle=style, zorder=1)
            side = "right" if group.test.mean > 0.5 else "left"
            text, box = (
                f" {group.network} {group.test.mean:.2f} ",
                {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
            )
            axes.text(group.test.mean, -0.75 - 0.55 * at, text, ha=side, va="center", fontsize=9.5, bbox=box)
        axes.set_yticks(range(len(nets)), [_row_label(group) for group in nets])
        axes.set_ylim(len(nets) - 0.4, -0.6 - 0.55 * len(lines))
        axes.set_xlim(0, 1.02)
        axes.grid(axis="x", color=RULE)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("share of test samples answered correctly")
        drawn.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
        return embed(drawn, f"accuracy-{task}", title, _finding(task, nets, lines), _rows(task, nets + lines))


def _row_label(group: Group) -> str:
    if group.control:
        return group.control
    return group.network if group.network == group.rule_title else f"{group.network}\n{group.rule_title}"


def _finding(task: str, nets: list[Group], lines: list[Group]) -> str:
    best, worst = max(nets, key=lambda g: g.test.mean), min(nets, key=lambda g: g.test.mean)
    baselines = wording.listed([f"{group.network} {group.test.mean:.3f}" for group in lines])
    ends = f"highest {best.label} with {best.test}, lowest {worst.label} with {worst.test}"
    return f"Test accuracy on {task} for {len(nets)} nets: {ends}" + (f"; {baselines}." if baselines else ".")


def _rows(task: str, groups: list[Group]) -> list[list]:
    head = ["task", "network", "rule", "control", "metric", "test_mean", "test_sd", "n_seeds", "test_by_seed"]
    return [head] + [
        [
            task,
            g.network,
            g.rule_title,
            g.control,
            g.metric,
            g.test.mean,
            g.test.sd,
            g.test.n,
            " ".join(map(str, g.test.values)),
        ]
        for g in groups
    ]
