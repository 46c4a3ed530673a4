"""Breakdown of the energy on a chip that is priced term by term."""

from neurorec.report.plots.style import (
    BLUE,
    GREEN,
    ORANGE,
    PAPER,
    PURPLE,
    RULE,
    Plot,
    embed,
    figure,
    legend_below,
    titled,
)
from neurorec.report.training.energy import cost_rows, priced, short_label
from neurorec.report.training.summary import ChipCost, Group

PART_LOOKS = {"compute": (BLUE, ""), "memory": (ORANGE, "//"), "communication": (GREEN, "xx"), "static": (PURPLE, "--")}
NOT_SPLIT = (RULE, "")


def breakdown(task: str, groups: list[Group], chip: str) -> Plot | None:
    """One bar per network on a per-term chip: shares of the priced energy, with the total as text."""
    nets = [(group, cost) for group, cost in priced(groups, chip) if group.proper and cost.scope == "per-term"]
    if not nets:
        return None
    title = f"{task}: where the energy goes on {chip}"
    from matplotlib.patches import Patch

    with figure(1.55 + 0.5 * len(nets)) as (drawn, axes):
        used: list[str] = []
        for y, (_, cost) in enumerate(nets):
            left = 0.0
            for part, share in shares(cost).items():
                colour, hatch = PART_LOOKS.get(part, NOT_SPLIT)
                axes.barh(
                    y, 100 * share, left=left, height=0.62, color=colour, hatch=hatch, edgecolor=PAPER, linewidth=0.6
                )
                left += 100 * share
                used.append(part)
        labels = ["\n".join([*short_label(group, groups).split(", "), cost.total_text]) for group, cost in nets]
        axes.set_yticks(range(len(nets)), labels)
        axes.set_ylim(len(nets) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("share of the priced energy of one inference (%)")
        titled(drawn, title)
        handles = []
        for part in dict.fromkeys(used):
            colour, hatch = PART_LOOKS.get(part, NOT_SPLIT)
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor=PAPER, label=part))
        legend_below(drawn, handles, columns=2)
        return embed(drawn, f"breakdown-{task}-{chip}", title, _largest(task, chip, nets), cost_rows(nets))


def shares(cost: ChipCost) -> dict[str, float]:
    """Share of each part in the total; what the card does not split is labelled as such."""
    parts = {part: value / cost.total.mean for part, value in cost.parts_pJ.items() if value}
    rest = 1 - sum(parts.values())
    return parts | {"not split": rest} if rest > 0.005 else parts


def _largest(task: str, chip: str, nets: list[tuple[Group, ChipCost]]) -> str:
    said = []
    for group, cost in nets:
        part, share = max(shares(cost).items(), key=lambda item: item[1], default=("nothing", 0.0))
        said.append(f"{group.label}: {part} takes {100 * share:.0f} % of {cost.total_text}")
    return f"Energy of one inference on {task} on {chip}, by part. {'; '.join(said)}."
