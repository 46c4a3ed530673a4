"""The picture that comes first: score against the number of objections to backpropagation that a rule avoids."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from neurorec.report import wording
from neurorec.report.plots.style import INK, PAPER, RULE, RULE_COLOURS, Plot, embed, figure, titled
from neurorec.report.training.energy import score_limits
from neurorec.report.training.summary import ChipCost, Group, better

SMALLEST, LARGEST = 30.0, 280.0  #: areas of markers, in points squared
SHAPES = {"rate": "s", "spiking": "o"}
CLOSE = 0.85  #: share of the room between two numbers that rules with equally many take
ABOUT = (
    "Every marker is one network trained by one rule: the further right, the fewer of the six objections to backpropagation "
    "apply to the rule (partly avoided counts one half). Colour is the rule; circles are spiking networks, squares rate-based "
    "ones; {size}. Bars are standard deviations over seeds, small dots single seeds; horizontal lines are trivial "
    "baselines, which need no network. Neighbours at the same number are drawn side by side."
)


def colours_of(groups: Sequence[Group]) -> dict[str, str]:
    """One colour per rule, the same for all tasks."""
    rules = dict.fromkeys(group.rule for group in groups if group.proper)
    return {rule: RULE_COLOURS[at % len(RULE_COLOURS)] for at, rule in enumerate(rules)}


def avoided(group: Group) -> float:
    """Objections that the rule avoids; partly avoided ones count one half."""
    relaxed, partly = (float(group.stances[name] or 0) for name in ("relaxed", "partly"))
    return relaxed + partly / 2


def compares_rules(groups: Sequence[Group]) -> bool:
    """Whether these trainings differ in the number of objections that their rules avoid."""
    return len({avoided(group) for group in groups if group.stances["kept"] != ""}) > 1


def about(chip: str) -> str:
    return ABOUT.format(
        size=f"the larger the marker, the more energy the whole training takes on {chip} (log scale)"
        if chip
        else "their size means nothing, because no chip prices the trainings"
    )


def score_against_objections(task: str, groups: list[Group], chip: str, colours: Mapping[str, str]) -> Plot | None:
    """One marker per network and rule; None if all rules avoid equally many."""
    nets = [group for group in groups if group.proper and group.test.n and group.stances["kept"] != ""]
    if not compares_rules(nets):
        return None
    lines = [group for group in groups if group.half == "baseline" and group.test.n]
    title = f"{task}: test {nets[0].metric} against objections avoided"
    energies = {id(group): energy for group in nets if (energy := _energy(group, chip)) is not None}
    with figure(3.9 + 0.22 * len(nets)) as (drawn, axes):
        handles = []
        for group, x in _side_by_side(nets):
            colour, priced = colours[group.rule], id(group) in energies
            area = _area(energies[id(group)], list(energies.values())) if priced else SMALLEST
            axes.errorbar(
                x, group.test.mean, yerr=group.test.sd or 0.0, color=colour, capsize=3, linewidth=1.1, zorder=2
            )
            handles.append(axes.scatter(
                x, group.test.mean, s=area, marker=SHAPES[group.half], facecolor=colour if priced else PAPER,
                edgecolor=colour, alpha=0.75, linewidth=1.2, zorder=3, label=_label(group, energies.get(id(group))),
            ))  # fmt: skip
            axes.plot([x] * group.test.n, group.test.values, ".", color=INK, markersize=2.5, zorder=4)
        low, high = score_limits(nets)
        for group in lines:
            style, shown = ":" if group.constant else "--", low <= group.test.mean <= high
            label = f"{group.network} {group.test.mean:.2f}{'' if shown else ', off this axis'}"
            handles.append(
                axes.axhline(group.test.mean, color=INK, linewidth=1, linestyle=style, zorder=1, label=label)
            )
        axes.set_ylim(low, high)
        _axes(axes, nets[0])
        titled(drawn, title)
        drawn.legend(
            handles=handles, loc="outside lower left", handlelength=2.2, borderaxespad=0.2, labelspacing=0.55,
            scatterpoints=1, markerscale=1.0,
        )  # fmt: skip
        _equal_sizes(drawn)
        return embed(drawn, f"objections-{task}", title, _finding(task, nets, chip), _rows(task, nets, chip))


def _equal_sizes(drawn) -> None:
    """Markers of the legend show colour and shape; their size would need too much room."""
    for handle in drawn.legends[0].legend_handles:
        if hasattr(handle, "set_sizes"):
            handle.set_sizes([45])


def _axes(axes, first: Group) -> None:
    axes.set_xlim(-0.6, 6.6)
    axes.set_xticks(range(7))
    axes.set_xlabel("objections avoided, of six")
    axes.set_ylabel(f"test {first.metric_text}")
    axes.grid(axis="y", color=RULE)


def _side_by_side(nets: list[Group]) -> list[tuple[Group, float]]:
    """Each group with its place on the axis: neighbours at the same number do not cover each other."""
    places: dict[float, list[Group]] = {}
    for group in nets:
        places.setdefault(avoided(group), []).append(group)
    apart = min((later - earlier for earlier, later in pairwise(sorted(places))), default=1.0)
    step = CLOSE * min(1.0, apart) / max(1, *map(len, places.values()))
    return [
        (group, number + step * (at - (len(found) - 1) / 2))
        for number, found in places.items()
        for at, group in enumerate(found)
    ]


def _energy(group: Group, chip: str) -> float | None:
    cost: ChipCost | None = group.costs.get(chip)
    return None if cost is None else cost.training_total_pJ


def _area(energy_pJ: float, all_pJ: list[float]) -> float:
    low, high = math.log10(min(all_pJ)), math.log10(max(all_pJ))
    return LARGEST if high == low else SMALLEST + (LARGEST - SMALLEST) * (math.log10(energy_pJ) - low) / (high - low)


def _label(group: Group, energy_pJ: float | None) -> str:
    return f"{group.label}: {wording.energy(energy_pJ) if energy_pJ is not None else 'training has no price'}"


def _finding(task: str, nets: list[Group], chip: str) -> str:
    most = max(nets, key=avoided)
    best = nets[0]
    for net in nets[1:]:
        best = net if better(net, best) else best

    def said(group: Group) -> str:
        energy = _energy(group, chip)
        cost = f", training {wording.energy(energy)}" if energy is not None else ""
        return f"{group.label} with {group.test} ({avoided(group):g} of 6 avoided{cost})"

    ends = f"the best score is that of {said(best)}"
    return f"On {task}, {ends}" + ("." if most is best else f"; most objections are avoided by {said(most)}.")


def _rows(task: str, nets: list[Group], chip: str) -> list[list]:
    head = ["task", "network", "half", "rule", "avoided", "partly", "kept", "metric", "test_mean", "test_sd", "n_seeds",
            "chip", "training_total_pJ"]  # fmt: skip
    return [head] + [
        [task, g.network, g.half, g.rule_title, *g.stances.values(), g.metric, g.test.mean, g.test.sd, g.test.n, chip,
         _energy(g, chip)]
        for g in nets
    ]  # fmt: skip
