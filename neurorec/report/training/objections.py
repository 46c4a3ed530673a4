"""The first figure: score against the number of objections to backpropagation that a rule avoids."""

import math
from collections.abc import Sequence
from itertools import pairwise

from neurorec.report import wording
from neurorec.report.plots.fitting import fit
from neurorec.report.plots.labels import Marked, label_points
from neurorec.report.plots.style import HALF_COLOURS, INK, PAPER, RULE, WIDE_IN, Plot, embed, figure, titled
from neurorec.report.spread import spread
from neurorec.report.training.answer import compare
from neurorec.report.training.energy import score_limits
from neurorec.report.training.summary import ChipCost, Group, better

SMALLEST, LARGEST = 25.0, 260.0  #: areas of markers, in points squared
SHAPES = {"spiking": "o", "rate": "s"}
NAMES = {"spiking": "spiking", "rate": "rate-based"}
HEIGHT_IN = 5.6
LABEL_PT = 8.5
ABOVE = 0.08  #: more room for labels above the best scores, as a share of the axis
CLOSE = 0.85  #: share of the room between two numbers that rules with equally many take
ABOUT = (
    "Every marker is one network trained by one rule: the further right, the fewer of the six objections to backpropagation "
    "apply to the rule (partly avoided counts one half). Blue circles are spiking networks, orange squares rate-based ones; "
    "{size}. Bars are standard deviations over seeds, small dots single seeds. Black lines are trivial baselines; coloured "
    "lines are networks with untrained hidden layers. Markers at the same number are drawn side by side."
)


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
        else "marker size has no meaning, because no chip prices the trainings"
    )


def score_against_objections(task: str, groups: list[Group], chip: str) -> Plot | None:
    """One labelled marker per network and rule; None if all rules avoid equally many."""
    every = [group for group in groups if group.proper and group.test.n and group.stances["kept"] != ""]
    if not compares_rules(every):
        return None
    trained = [group for group in every if not group.untrained]
    nets = trained if compares_rules(trained) else every
    lines = [g for g in groups if (g.half == "baseline" and g.test.n) or (g in every and g not in nets)]
    title = f"{task}: test {nets[0].metric} against objections avoided"
    energies = {id(group): energy for group in nets if (energy := _energy(group, chip)) is not None}
    with figure(HEIGHT_IN, WIDE_IN) as (drawn, axes):
        limits = _axes(axes, nets)
        marked = [_mark(axes, group, x, energies, nets) for group, x in _side_by_side(nets)]
        handles = [
            *_halves(axes, nets),
            *_sizes(axes, list(energies.values())),
            *_lines(axes, lines, limits),
        ]
        titled(drawn, title)
        drawn.legend(
            handles=handles, loc="outside lower left", ncols=3, handlelength=1.8, borderaxespad=0.2, scatterpoints=1,
            labelspacing=0.55,
        )  # fmt: skip
        fit(drawn)
        label_points(axes, marked, [group.test.mean for group in lines], LABEL_PT)
        return embed(drawn, f"objections-{task}", title, _finding(task, nets), _rows(task, nets, chip))


def _mark(axes, group: Group, x: float, energies: dict[int, float], nets: list[Group]) -> Marked:
    """Draw one group; returns its marker, which labels must not cover."""
    colour, priced, sd = HALF_COLOURS[group.half], id(group) in energies, group.test.sd or 0.0
    area = _area(energies[id(group)], list(energies.values())) if priced else SMALLEST
    axes.errorbar(x, group.test.mean, yerr=sd, color=colour, capsize=3, linewidth=1.1, zorder=2)
    axes.scatter(
        x, group.test.mean, s=area, marker=SHAPES[group.half], facecolor=colour if priced else PAPER, edgecolor=colour,
        alpha=0.7, linewidth=1.2, zorder=3,
    )  # fmt: skip
    axes.plot([x] * group.test.n, group.test.values, ".", color=INK, markersize=2.5, zorder=4)
    return Marked(x, group.test.mean, short_label(group, nets), colour, math.sqrt(area) / 2, sd)


def short_label(group: Group, nets: Sequence[Group]) -> str:
    """The rule's title, with the network if several networks of one half are trained by it."""
    same = [net for net in nets if (net.half, net.rule_title) == (group.half, group.rule_title)]
    return group.rule_title if len(same) == 1 else f"{group.rule_title}, {group.network}"


def _axes(axes, nets: list[Group]) -> tuple[float, float]:
    """Returns the limits of the scores."""
    low, high = score_limits(nets)
    limits = (low, high + ABOVE * (high - low))
    axes.set_xlim(-0.75, 6.75)
    axes.set_ylim(*limits)
    axes.set_xticks(range(7))
    axes.set_xlabel("objections avoided, of six")
    axes.set_ylabel(f"test {nets[0].metric_text}")
    axes.grid(axis="y", color=RULE)
    return limits


def _halves(axes, nets: list[Group]) -> list:
    return [
        axes.scatter([], [], s=60, marker=SHAPES[half], color=HALF_COLOURS[half], alpha=0.7, label=name)
        for half, name in NAMES.items() if any(net.half == half for net in nets)
    ]  # fmt: skip


def _sizes(axes, energies: list[float]) -> list:
    """The smallest and the largest energy of training, as sizes."""
    ends = dict.fromkeys((min(energies), max(energies))) if energies else {}
    return [
        axes.scatter([], [], s=_area(pJ, energies), marker="o", facecolor="none", edgecolor=INK,
                     label=f"training {wording.energy(pJ)}")
        for pJ in ends
    ]  # fmt: skip


def _lines(axes, lines: list[Group], limits: tuple[float, float]) -> list:
    """Baselines, and networks in which only the readout was trained."""
    handles = []
    for group in lines:
        style = "-." if group.proper else ":" if group.constant else "--"
        name = f"untrained {group.network}, {group.rule_title}" if group.proper else group.network
        shown = limits[0] <= group.test.mean <= limits[1]
        label = f"{name} {group.test.mean:.2f}{'' if shown else ', off this axis'}"
        colour = HALF_COLOURS[group.half] if group.proper else INK
        handles.append(axes.axhline(group.test.mean, color=colour, linewidth=1, linestyle=style, zorder=1, label=label))
    return handles


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


def _finding(task: str, nets: list[Group]) -> str:
    """For each half, the best score and that of the rule that avoids most; then the mean difference between the halves."""
    said = []
    for half, name in NAMES.items():
        found = [net for net in nets if net.half == half]
        if found:
            best, most = found[0], max(found, key=avoided)
            for net in found[1:]:
                best = net if better(net, best) else best
            further = "" if most is best else f"; fewest objections apply to {_said(most)}"
            said.append(f"Best {name} network: {_said(best)}{further}.")
    return f"{task}. {' '.join(said)}{_between_halves(nets)}"


def _said(group: Group) -> str:
    return f"{group.label}, {group.test} ({avoided(group):g} of 6 avoided)"


def _between_halves(nets: list[Group]) -> str:
    """Spiking minus rate-based for rules that trained both halves of a pair."""
    pairs = {(net.pair, net.rule): net for net in nets if net.half == "rate"}
    both = [(net, pairs[net.pair, net.rule]) for net in nets if net.half == "spiking" and (net.pair, net.rule) in pairs]
    found = [each.difference.mean for one, other in both for each in compare(one, other)]
    if not found:
        return ""
    mean = f"{spread(found).mean:+.3f}".replace("-", "−")
    return (
        f" Spiking network minus its rate-based partner, both trained by the same rule: {mean} (mean of {len(found)})."
    )


def _rows(task: str, nets: list[Group], chip: str) -> list[list]:
    head = ["task", "network", "half", "rule", "avoided", "partly", "kept", "metric", "test_mean", "test_sd", "n_seeds",
            "chip", "training_total_pJ"]  # fmt: skip
    return [head] + [
        [task, g.network, g.half, g.rule_title, *g.stances.values(), g.metric, g.test.mean, g.test.sd, g.test.n, chip,
         _energy(g, chip)]
        for g in nets
    ]  # fmt: skip
