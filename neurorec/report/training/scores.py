"""Test score of every network on one task, with its spread, and the trivial baselines."""

from neurorec.report import wording
from neurorec.report.plots.style import INK, PAPER, RULE, Plot, embed, figure, titled
from neurorec.report.training.looks import Looks
from neurorec.report.training.summary import Group, are_shares, better


def test_scores(task: str, groups: list[Group], looks: Looks) -> Plot | None:
    """One row per network: seeds as small dots, mean and standard deviation on top; baselines as vertical lines."""
    nets = [group for group in groups if group.half != "baseline" and group.test.n]
    lines = [group for group in groups if group.half == "baseline" and group.test.n]
    if not nets:
        return None
    metric, shares = nets[0].metric_text, are_shares(nets + lines)
    title = f"{task}: test {nets[0].metric}"
    with figure(1.35 + 0.36 * len(nets)) as (drawn, axes):
        for y, group in enumerate(nets):
            axes.plot(group.test.values, [y] * group.test.n, ".", color=INK, markersize=3, alpha=0.55, zorder=3)
            axes.errorbar(group.test.mean, y, xerr=group.test.sd or 0.0, capsize=3, zorder=2, **looks.of(group))
        middle = 0.5 if shares else sum(axes.get_xlim()) / 2
        for at, group in enumerate(lines):
            style = ":" if group.constant else "--"
            axes.axvline(group.test.mean, color=INK, linewidth=1.1, linestyle=style, zorder=1)
            side = "right" if group.test.mean > middle else "left"
            text, box = (
                f" {group.network} {group.test.mean:.2f} ",
                {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
            )
            axes.text(group.test.mean, -0.75 - 0.55 * at, text, ha=side, va="center", fontsize=9.5, bbox=box)
        axes.set_yticks(range(len(nets)), [_row_label(group) for group in nets])
        axes.set_ylim(len(nets) - 0.4, -0.6 - 0.55 * len(lines))
        if shares:
            axes.set_xlim(0, 1.02)
        axes.grid(axis="x", color=RULE)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(metric if nets[0].higher_is_better else f"{metric}; lower is better")
        titled(drawn, title)
        return embed(drawn, f"scores-{task}", title, _finding(task, nets, lines), _rows(task, nets + lines))


def _row_label(group: Group) -> str:
    if group.control:
        return group.control
    return f"{group.network}\n{group.rule_title}"


def _finding(task: str, nets: list[Group], lines: list[Group]) -> str:
    best = worst = nets[0]
    for net in nets[1:]:
        best, worst = net if better(net, best) else best, net if better(worst, net) else worst
    baselines = wording.listed([f"{group.network} {group.test.mean:.3f}" for group in lines])
    ends = f"best {best.label} with {best.test}, worst {worst.label} with {worst.test}"
    said = f"for {len(nets)} networks: {ends}" if len(nets) > 1 else f"of {best.label}: {best.test}"
    return f"Test {nets[0].metric_text} on {task} {said}" + (f"; {baselines}." if baselines else ".")


def _rows(task: str, groups: list[Group]) -> list[list]:
    head = ["task", "network", "rule", "control", "metric", "test_mean", "test_sd", "n_seeds", "test_by_seed"]
    return [head] + [
        [task, g.network, g.rule_title, g.control, g.metric, g.test.mean, g.test.sd, g.test.n,
         " ".join(map(str, g.test.values))]
        for g in groups
    ]  # fmt: skip
