"""Energy per inference: score against energy, and totals of all-in chips."""

import math

from neurorec.report import wording
from neurorec.report.plots.style import INK, MARKERS, PAIR_COLOURS, RULE, Plot, embed, figure, legend_below, titled
from neurorec.report.training.looks import Looks
from neurorec.report.training.summary import PARTS, ChipCost, Group, are_shares, better

EDGE = 0.03  #: decades between what is drawn and the end of its axis, at least


def priced(groups: list[Group], chip: str) -> list[tuple[Group, ChipCost]]:
    found = [(group, group.costs[chip]) for group in groups if chip in group.costs and group.test.n]
    return [(group, cost) for group, cost in found if cost.can_run and cost.total.n and cost.total.mean > 0]


def score_against_energy(task: str, groups: list[Group], chip: str, looks: Looks) -> Plot | None:
    """One marker per network: energy per inference on a log axis with its band, score with its standard deviation."""
    nets = [(group, cost) for group, cost in priced(groups, chip) if group.proper]
    if not nets:
        return None
    from matplotlib.ticker import MaxNLocator

    scope = nets[0][1].scope
    title = f"{task}: {nets[0][0].metric.split(' (')[0]} against energy on {chip}"
    with figure(3.7 + 0.24 * len(nets)) as (drawn, axes):
        handles = []
        for group, cost in nets:
            x, style = cost.total.mean / 1e6, looks.of(group, linestyle="none")
            band = _band(cost)
            axes.plot(band, [group.test.mean] * 2, color=style["color"], linewidth=5, alpha=0.3, solid_capstyle="butt")
            label = ("≥ " if cost.at_least else "") + group.label
            handles.append(
                axes.errorbar(x, group.test.mean, yerr=group.test.sd or 0.0, capsize=3, label=label, **style)
            )
            if cost.at_least:
                axes.plot(band[1], group.test.mean, ">", color=style["color"], markersize=5)
        low, high = score_limits([group for group, _ in nets])
        for group in (group for group in groups if group.half == "baseline" and group.test.n):
            style, where = (
                ":" if group.constant else "--",
                "" if low <= group.test.mean <= high else ", off this axis",
            )
            label = f"{group.network} {group.test.mean:.2f}{where}"
            handles.append(axes.axhline(group.test.mean, color=INK, linewidth=1, linestyle=style, label=label))
        log_energy_axis(axes, f"energy of one inference on {chip}, {scope} (µJ)")
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        if are_shares([group for group, _ in nets]):
            axes.yaxis.set_major_formatter("{x:.2f}")
        axes.set_ylabel(f"test {nets[0][0].metric_text}")
        axes.grid(color=RULE)
        titled(drawn, title)
        legend_below(drawn, handles)
        return embed(drawn, f"energy-{task}-{chip}", title, _finding(task, chip, nets), cost_rows(nets))


def _band(cost: ChipCost) -> list[float]:
    """The ends of the band; the total itself if there is no band."""
    return [(cost.low_pJ or cost.total.mean) / 1e6, (cost.high_pJ or cost.total.mean) / 1e6]


def score_limits(nets: list[Group]) -> tuple[float, float]:
    """An axis over the networks' scores, at least 0.2 wide: an axis from 0 would hide the order of similar scores."""
    low = min(group.test.mean - (group.test.sd or 0.0) for group in nets)
    high = max(group.test.mean + (group.test.sd or 0.0) for group in nets)
    if not are_shares(nets):
        room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
        return low - room, high + room
    room = max(0.05, (0.2 - (high - low)) / 2)
    return max(-0.02, low - room), min(1.02, high + room)


def log_energy_axis(axes, label: str) -> None:
    """A log axis over the whole decades of what is drawn, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    low, high = axes.dataLim.intervalx
    axes.set_xlim(10 ** math.floor(math.log10(low) - EDGE), 10 ** math.ceil(math.log10(high) + EDGE))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)


def _finding(task: str, chip: str, nets: list[tuple[Group, ChipCost]]) -> str:
    cheap = min(nets, key=lambda net: net[1].total.mean)
    best = nets[0]
    for net in nets[1:]:
        best = net if better(net[0], best[0]) else best

    def said(net: tuple[Group, ChipCost]) -> str:
        return f"{net[0].label} with {net[0].metric} {net[0].test} at {net[1].total_text} {net[1].band_text}".rstrip()

    if len(nets) == 1:
        return f"The only network that {chip} can run on {task}: {said(cheap)}."
    text = f"Of {len(nets)} networks that {chip} can run on {task}, the lowest energy is that of {said(cheap)}"
    return (
        f"{text}, which also has the best score."
        if cheap is best
        else f"{text}; the best score is that of {said(best)}."
    )


def cost_rows(nets: list[tuple[Group, ChipCost]]) -> list[list]:
    head = ["task", "network", "rule", "chip", "scope", "test_mean", "test_sd", "total_pJ", "low_pJ", "high_pJ"]
    head += ["at_least", "unpriced", "dynamic_pJ", *(f"{part}_pJ" for part in PARTS), "static_basis"]
    return [head] + [
        [g.task, g.network, g.rule_title, c.chip, c.scope, g.test.mean, g.test.sd, c.total.mean, c.low_pJ, c.high_pJ,
         c.at_least, "; ".join(c.unpriced), c.dynamic_pJ, *(c.parts_pJ.get(part) for part in PARTS), c.static_basis]
        for g, c in nets
    ]  # fmt: skip


def short_label(group: Group, nets: list[Group]) -> str:
    """The network's name, with its rule if it was trained by several."""
    rules = {other.rule for other in nets if (other.task, other.network) == (group.task, group.network)}
    return group.label if len(rules) > 1 else group.network


def all_in_totals(task: str, groups: list[Group], chips: list[str]) -> Plot | None:
    """All-in chips: total energy per inference with its band, one row per network and chip, never split."""
    found = [(chip, group, cost) for chip in chips for group, cost in priced(groups, chip) if group.proper]
    found = [entry for entry in found if entry[2].scope == "all-in"]
    if not found:
        return None
    title = f"{task}: totals on all-in chips"
    labels = [f"{chip}: {short_label(group, groups)}".replace(", ", ",\n") for chip, group, _ in found]
    row_in = 0.45 if any("\n" in label for label in labels) else 0.3
    with figure(1.2 + row_in * len(found)) as (drawn, axes):
        for y, (chip, _, cost) in enumerate(found):
            at = chips.index(chip)
            colour, x = PAIR_COLOURS[at % len(PAIR_COLOURS)], cost.total.mean / 1e6
            band = _band(cost)
            axes.plot(band, [y, y], color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")
            axes.plot(x, y, MARKERS[at % len(MARKERS)], color=colour, markersize=6.5)
            number = wording.energy(cost.total.mean, cost.at_least)
            axes.annotate(number, (band[1], y), (6, 0), textcoords="offset points", va="center", fontsize=9)
        axes.set_yticks(range(len(found)), labels)
        axes.set_ylim(len(found) - 0.5, -0.6)
        log_energy_axis(axes, "energy of one inference, all-in (µJ)")
        axes.set_xlim(right=axes.get_xlim()[1] * 8)  # room for the number beside the last marker
        axes.grid(axis="x", color=RULE)
        axes.tick_params(axis="y", length=0)
        titled(drawn, title)
        low = min(found, key=lambda entry: entry[2].total.mean)
        least = f"lowest: {low[2].total_text.replace('≥', 'at least')} for {low[1].label} on {low[0]}"
        alt = f"Total energy of one inference on {task}, all-in chips: {least}."
        return embed(drawn, f"all-in-{task}", title, alt, cost_rows([(group, cost) for _, group, cost in found]))
