"""Estimates against measurements, one plot per set of points, with bands and the estimates of one price per operation."""

import numpy as np

from neurorec.experiments.silicon.score import Score
from neurorec.report.plots.style import BLUE, MARKERS, RULE, VERMILLION, Plot, embed, figure, legend_below, titled


def silicon_plot(score: Score) -> Plot | None:
    """A log-log plot; None if nothing was predicted."""
    points = [p for p in score.points if p.measured > 0 and p.estimate > 0]
    if not any(not p.fitted for p in points):
        return None
    devices = list(dict.fromkeys(p.device for p in points))
    with figure(3.9) as (drawn, axes):
        ends = [p.measured for p in points]
        line = np.array([min(ends) * 0.7, max(ends) * 1.4])
        axes.plot(line, line, color=RULE, linewidth=1.2, label="estimate = measured")
        for at, device in enumerate(devices):
            for fitted in (False, True):
                own = [p for p in points if p.device == device and p.fitted == fitted]
                if not own:
                    continue
                low, high = ([abs(p.estimate - end) for p, end in zip(own, found, strict=True)]
                             for found in ([p.low for p in own], [p.high for p in own]))  # fmt: skip
                axes.errorbar([p.measured for p in own], [p.estimate for p in own], [low, high], fmt=MARKERS[at % 12],
                              color=BLUE, ecolor=BLUE, elinewidth=0.8, markersize=5.5, alpha=0.9,
                              markerfacecolor="none" if fitted else BLUE,
                              label=f"{device}{', fitted' if fitted else ''}")  # fmt: skip
        others = [p for p in points if p.rival and not p.fitted]
        if others:
            axes.plot(
                [p.measured for p in others], [p.rival or 0.0 for p in others], "x", color=VERMILLION, label=score.rival
            )
        axes.set(
            xscale="log", yscale="log", xlabel=f"measured ({points[0].unit})", ylabel=f"estimate ({points[0].unit})"
        )
        titled(drawn, score.name)
        legend_below(drawn, axes.get_legend_handles_labels()[0])
        rows = [("device", "point", "estimate_by_measured", "inside_band")]
        rows += [(p.device, p.name, f"{p.estimate / p.measured:.4g}", p.covered) for p in score.predicted]
        return embed(drawn, f"silicon-{score.name}", score.name, _finding(score), rows)


def overview(scores: list[Score]) -> str:
    """All predicted sets in one plot, as the text of an SVG file: estimate / measured with band, for each point."""
    import io

    import matplotlib
    from matplotlib.figure import Figure

    drawable = [score for score in scores if score.predicted]
    with matplotlib.rc_context({"svg.hashsalt": "neurorec", "svg.fonttype": "none", "font.size": 9}):
        drawn = Figure(figsize=(9.0, 0.9 + 0.42 * len(drawable)), layout="constrained")
        axes = drawn.add_subplot()
        axes.axvline(1.0, color="0.6", linewidth=1)
        for row, score in enumerate(drawable):
            for at, p in enumerate(score.predicted):
                y = row + 0.3 * (at / max(1, len(score.predicted) - 1) - 0.5)
                axes.plot([p.low / p.measured, p.high / p.measured], [y, y], color=BLUE, linewidth=0.7, alpha=0.6)
                axes.plot(p.estimate / p.measured, y, "o", color=BLUE, markersize=3.5)
                if p.rival:
                    axes.plot(p.rival / p.measured, y, "x", color=VERMILLION, markersize=3.5)
        axes.set(xscale="log", xlabel="estimate / measured (dots, with bands); crosses: one price per operation")
        axes.set_yticks(range(len(drawable)), [score.name for score in drawable])
        axes.invert_yaxis()
        text = io.StringIO()
        drawn.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _finding(score: Score) -> str:
    others = score.rival_factors
    against = f"; {score.rival} gives {others[0]:.3g} to {others[1]:.3g} times the measured value" if others else ""
    return (
        f"{score.name}: {len(score.predicted)} predicted points, off by {score.mean_error:.1%} on average and "
        f"{score.worst_error:.1%} at worst, {score.coverage:.0%} inside the band{against}."
    )
