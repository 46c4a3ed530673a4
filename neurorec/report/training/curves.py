"""Learning curves: validation score by epoch."""

from neurorec.report import wording
from neurorec.report.plots.style import RULE, Plot, embed, figure, legend_below, titled
from neurorec.report.spread import Spread, spread
from neurorec.report.training.learned import samples_per_epoch
from neurorec.report.training.looks import Looks
from neurorec.report.training.run_files import history
from neurorec.report.training.summary import Group, are_shares

Curve = dict[int, Spread]


def learning_curves(task: str, groups: list[Group], looks: Looks) -> Plot | None:
    """One line per network (mean over seeds), shaded from the lowest to the highest seed."""
    curves = [(group, _curve(group)) for group in groups if group.proper]
    curves = [(group, curve) for group, curve in curves if len(curve) > 1]
    if not curves:
        return None
    from matplotlib.ticker import MaxNLocator

    title = f"{task}: learning curves"
    with figure(3.0 + 0.23 * len(curves)) as (drawn, axes):
        handles, lowest = [], 0.0
        for group, curve in curves:
            style, epochs = looks.of(group, markersize=5), list(curve)
            each = samples_per_epoch(group.runs[0])
            seen = [each * epoch for epoch in epochs]
            low, high = ([end(curve[e].values) for e in epochs] for end in (min, max))
            lowest = min(lowest, *low)
            axes.fill_between(seen, low, high, color=style["color"], alpha=0.18, linewidth=0)
            every = max(1, len(epochs) // 6)
            means = [curve[e].mean for e in epochs]
            handles += axes.plot(seen, means, markevery=(every - 1, every), linewidth=1.6, label=group.label, **style)
        if lowest >= 0 and are_shares([group for group, _ in curves]):
            axes.set_ylim(0, 1.02)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(lambda seen, _: wording.count(seen))
        axes.set_xlabel("samples seen in training")
        axes.set_ylabel(f"validation {curves[0][0].metric_text}")
        axes.grid(color=RULE)
        titled(drawn, title)
        legend_below(drawn, handles)
        return embed(drawn, f"curves-{task}", title, _finding(task, curves), _rows(task, curves))


def _curve(group: Group) -> Curve:
    """Mean over the seeds that reached each epoch."""
    histories = [found for found in map(history, group.runs) if found]
    return {epoch: spread(found.get(epoch) for found in histories) for epoch in sorted(set().union(*histories))}


def _finding(task: str, curves: list[tuple[Group, Curve]]) -> str:
    said = []
    for group, curve in curves:
        last = max(curve)
        said.append(f"{group.label} from {curve[min(curve)].mean:.2f} to {curve[last].mean:.2f} in {last} epochs")
    return f"Validation {curves[0][0].metric} on {task} while training: {'; '.join(said)}."


def _rows(task: str, curves: list[tuple[Group, Curve]]) -> list[list]:
    head = [
        "task",
        "network",
        "rule",
        "epoch",
        "samples_seen",
        "validation_mean",
        "validation_low",
        "validation_high",
        "n_seeds",
    ]
    return [head] + [
        [
            task,
            group.network,
            group.rule_title,
            epoch,
            epoch * samples_per_epoch(group.runs[0]),
            at.mean,
            min(at.values),
            max(at.values),
            at.n,
        ]
        for group, curve in curves
        for epoch, at in curve.items()
    ]
