"""Learning curves: validation score by epoch."""

from collections.abc import Sequence
from typing import Any

from neurorec.learning.bptt import BPTT
from neurorec.learning.rule import rules
from neurorec.report import wording
from neurorec.report.plots.style import INK, PAPER, RULE, Plot, embed, figure, legend_below, panels, titled
from neurorec.report.spread import Spread, spread
from neurorec.report.training.learned import SHARE, samples_per_epoch, samples_to_share
from neurorec.report.training.looks import Looks
from neurorec.report.training.run_files import history
from neurorec.report.training.summary import Group, are_shares

Curve = dict[int, Spread]
SEEN = "samples seen in training"
REACHED = f"{SHARE:.0%} of the gain"
HALVES = {"spiking": "spiking", "rate": "rate-based"}
FEW = 4  #: curves that one panel shows legibly
COLUMNS, PANEL_IN = 4, 1.5


def learning_curves(task: str, groups: list[Group], looks: Looks) -> Plot | None:
    """One line per network (mean over seeds), shaded from the lowest to the highest seed."""
    curves = _curves(groups)
    if not curves:
        return None
    title = f"{task}: learning curves"
    with figure(3.0 + 0.23 * len(curves)) as (drawn, axes):
        handles = [_line(axes, group, curve, looks.of(group, markersize=5), len(curve) // 6) for group, curve in curves]
        _axes(axes, curves)
        axes.set_xlabel(SEEN)
        axes.set_ylabel(f"validation {curves[0][0].metric_text}")
        titled(drawn, title)
        legend_below(drawn, handles)
        return embed(drawn, f"curves-{task}", title, _finding(task, curves), _rows(task, curves))


def curves_by_rule(task: str, groups: list[Group], looks: Looks) -> Plot | None:
    """One panel per pair and rule, with both halves, before those of BPTT in pale colours."""
    curves = _curves(groups)
    found: dict[tuple[str, str], list[tuple[Group, Curve]]] = {}
    for group, curve in curves:
        found.setdefault((group.pair, group.rule), []).append((group, curve))
    if len(found) <= FEW:
        return learning_curves(task, groups, looks)
    bptt = [(group, curve) for group, curve in curves if group.rule == rules.name_of(BPTT)]
    title = f"{task}: validation {curves[0][0].metric_text} against {SEEN}"
    names = _panel_names(list(found.values()))
    with panels(len(found), COLUMNS, PANEL_IN) as (drawn, every):
        handles: dict[str, Any] = {}
        for axes, name, inside in zip(every, names, found.values(), strict=True):
            for group, curve in [] if inside[0][0].rule == rules.name_of(BPTT) else bptt:
                style = {"color": looks.of(group)["color"], "alpha": 0.35, "linestyle": ":"}
                handles[f"{HALVES[group.half]}, {BPTT.title}"] = _line(axes, group, curve, style, 0, shaded=False)
            for group, curve in inside:
                style = looks.of(group, marker="")
                handles[HALVES[group.half]] = _line(axes, group, curve, style, 0)
                if (at := _fast(group, curve)) is not None:
                    (handles[REACHED],) = axes.plot(*at, "o", color=style["color"], markerfacecolor=PAPER, label=REACHED,
                                                    linestyle="none")  # fmt: skip
            chance = inside[0][0].runs[0].chance_score
            handles["constant answer"] = axes.axhline(chance, color=INK, linewidth=0.8, linestyle=":")
            _axes(axes, curves)
            axes.set_title(name, fontsize=9, fontweight="normal", pad=3)
        for axes in every[-COLUMNS:]:
            axes.tick_params(labelbottom=True)
        titled(drawn, title)
        for name, handle in handles.items():
            handle.set_label(name)
        legend_below(drawn, list(handles.values()), columns=3)
        return embed(drawn, f"curves-{task}", title, _ends(task, curves), _rows(task, curves))


def _curves(groups: list[Group]) -> list[tuple[Group, Curve]]:
    found = [(group, _curve(group)) for group in groups if group.proper]
    return [(group, curve) for group, curve in found if len(curve) > 1]


def _line(axes, group: Group, curve: Curve, style: dict[str, Any], every: int, shaded: bool = True) -> Any:
    """Draw one curve, with a marker at every so many epochs."""
    each, epochs = samples_per_epoch(group.runs[0]), list(curve)
    seen = [each * epoch for epoch in epochs]
    if shaded:
        low, high = ([end(curve[e].values) for e in epochs] for end in (min, max))
        axes.fill_between(seen, low, high, color=style["color"], alpha=0.18, linewidth=0)
    every = max(1, every)
    (line,) = axes.plot(
        seen, [curve[e].mean for e in epochs], markevery=(every - 1, every), linewidth=1.6, label=group.label, **style
    )
    return line


def _axes(axes, curves: list[tuple[Group, Curve]]) -> None:
    from matplotlib.ticker import MaxNLocator

    lowest = min(min(at.values) for _, curve in curves for at in curve.values())
    if lowest >= 0 and are_shares([group for group, _ in curves]):
        axes.set_ylim(0, 1.02)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(3 if len(curves) > FEW else 5, integer=True))
    axes.xaxis.set_major_formatter(lambda seen, _: wording.count(seen).replace(".00", ""))
    axes.grid(color=RULE)


def _fast(group: Group, curve: Curve) -> tuple[float, float] | None:
    """Where the mean of the seeds' samples to most of the gain is on the mean curve."""
    fast, each = spread(map(samples_to_share, group.runs)), samples_per_epoch(group.runs[0])
    if not fast.n:
        return None
    after = min(curve, key=lambda epoch: (each * epoch < fast.mean, epoch))
    before = max((epoch for epoch in curve if epoch < after), default=after)
    share = (fast.mean / each - before) / (after - before) if after > before else 0.0
    share = min(1.0, max(0.0, share))
    return fast.mean, curve[before].mean + share * (curve[after].mean - curve[before].mean)


def _panel_names(found: Sequence[list[tuple[Group, Curve]]]) -> list[str]:
    """The shorter of the rule's titles for both halves, with the networks where another panel has the same."""
    titles = [min((group.rule_title for group, _ in inside), key=len) for inside in found]
    nets = [" / ".join(dict.fromkeys(group.network for group, _ in inside)) for inside in found]
    return [
        title if titles.count(title) == 1 else f"{title}: {net}" for title, net in zip(titles, nets, strict=True)
    ]  # fmt: skip


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


def _ends(task: str, curves: list[tuple[Group, Curve]]) -> str:
    """The last scores, half by half and the best first."""
    said = []
    for half, name in HALVES.items():
        last = [(curve[max(curve)].mean, group) for group, curve in curves if group.half == half]
        last.sort(key=lambda end: end[0], reverse=curves[0][0].higher_is_better)
        said += [f"{name}: {', '.join(f'{group.rule_title} {mean:.2f}' for mean, group in last)}"] if last else []
    return f"Validation {curves[0][0].metric} on {task} at the end of training. {'; '.join(said)}."


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
