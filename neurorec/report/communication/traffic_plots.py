"""Bytes, joules and seconds against workers, one plot per split, and bytes against the size of the network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from neurorec.experiments.communication.communication_results import (
    CommunicationResults,
    ComputeRow,
    NetRow,
    PriceRow,
    Split,
)
from neurorec.report import wording
from neurorec.report.communication.sharing_answer import joules, place, title_of
from neurorec.report.plots.style import INK, MARKERS, PAIR_COLOURS, RULE, Plot, embed, figure, legend_below, titled

MERGE_LOOKS = {"every update": (INK, "D"), "once per epoch": (PAIR_COLOURS[5], "P")}
LINK_STYLES = (":", "-", "--", "-.")


@dataclass(frozen=True)
class Line:
    """One curve with its band: x, value, low, high."""

    label: str
    colour: str
    marker: str
    style: str
    points: list[tuple[float, float, float, float]]


def draw(name: str, title: str, lines: list[Line], axes_labels: tuple[str, str], alt: str,
         levels: Iterable[tuple[ComputeRow, str]] = (),
         crossings: Iterable[tuple[float, float]] = ()) -> Plot | None:  # fmt: skip
    """Curves on two log axes, energies of computing as level bands, crossovers as crosses."""
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return None
    levels, marks = list(levels), list(crossings)
    with figure(3.4 + 0.23 * (len(lines) + len(levels) + bool(marks))) as (drawn, axes):
        handles: list[Any] = []
        for level, style in zip(levels, ("--", "-."), strict=False):
            handles.append(_level(axes, *level, style))
        for line in lines:
            x, value, low, high = zip(*line.points, strict=True)
            axes.fill_between(x, low, high, color=line.colour, alpha=0.15, linewidth=0)
            handles += axes.plot(x, value, color=line.colour, marker=line.marker, linestyle=line.style, markersize=4.5,
                                 markevery=max(1, len(x) // 10),
                                 linewidth=1.4, label=line.label)  # fmt: skip
        if marks:
            handles += axes.plot(*zip(*marks, strict=True), linestyle="none", marker="x", color=INK, markersize=9,
                                 markeredgewidth=1.8, label="crossover")  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel=axes_labels[0], ylabel=axes_labels[1])
        _plain_ticks(axes, [x for line in lines for x, *_ in line.points])
        axes.grid(color=RULE)
        titled(drawn, title)
        legend_below(drawn, handles)
        rows = [["line", axes_labels[0], "value", "low", "high"]]
        rows += [[line.label, *point] for line in lines for point in line.points]
        return embed(drawn, name, title, alt, rows)


def _level(axes, level: ComputeRow, rule: str, style: str):
    label = f"computing with {rule} on {level.chip}{' (at least)' if level.at_least else ''}"
    value, low, high = (
        (number or 0.0) * 1e-12 for number in (level.energy_pJ, level.energy_low_pJ, level.energy_high_pJ)
    )
    axes.axhspan(low, high, color=INK, alpha=0.08, linewidth=0)
    return axes.axhline(value, color=INK, linewidth=1, linestyle=style, label=label)


def _plain_ticks(axes, xs: list[float]) -> None:
    """Tick labels as plain numbers: 1, 8, 64 workers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    if max(xs) <= 1100:
        axes.set_xticks([x for x in (2, 8, 32, 128, 512) if min(xs) <= x <= max(xs)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def bytes_plot(results: CommunicationResults, net: NetRow, split: Split) -> Plot | None:
    """Bytes per epoch by number of workers."""
    lines = []
    for rule, merge in _ways(results, net, split):
        rows = [r for r in results.bytes if (r.net, r.rule, r.merge) == (net.net, rule, merge) and r.workers > 1]
        points = [
            (r.workers, sum(r.total_bytes) / len(r.total_bytes), min(r.total_bytes), max(r.total_bytes)) for r in rows
        ]
        lines.append(
            Line(_way(results, rule, merge), *_looks(results, rule, merge), "-", [p for p in points if p[1] > 0])
        )
    shared = "samples" if split == "data" else "units"
    said = [f"{line.label} {wording.data_size(line.points[-1][1])} among {line.points[-1][0]:g}" for line in lines]
    alt = f"Bytes per epoch of {net.title} when workers share the {shared}: {'; '.join(said)} workers."
    title = f"Bytes, {shared} shared"
    return draw(f"bytes-{net.net}-{split}", title, lines, ("workers", "bytes per epoch, all workers"), alt)


def joules_plot(results: CommunicationResults, net: NetRow, split: Split, rule: str, chip: str) -> Plot | None:
    """Energy of an epoch's messages compared with that of computing it with `rule` on `chip`."""
    lines = _price_lines(results, net, split, lambda row: _joule_point(row))
    crossed = [
        row for row in joules(results, net.net, split)
        if row.at is not None and row.second_thing.endswith(f" {chip}") and _is_drawn(results, split, row.link)
        and row.rule == rule
    ]  # fmt: skip
    levels = [
        (row, title_of(results, rule)) for row in results.computing
        if (row.net, row.rule, row.chip) == (net.net, rule, chip) and row.energy_pJ
    ]  # fmt: skip
    level = (levels[0][0].energy_pJ or 0.0) * 1e-12 if levels else 0.0
    marks = [(row.at, level) for row in crossed if row.at is not None]
    shared = "samples" if split == "data" else "units"
    said = [f"over {row.link} from {place(row)} workers" for row in crossed]
    nowhere = "nowhere within the reach of the plotted links"
    alt = (
        f"Energy of the messages per epoch of {net.title} when workers share the {shared}. It exceeds that of computing "
        f"the epoch with {title_of(results, rule)} on {chip} {wording.listed(said) or nowhere}."
    )
    labels = ("workers", "joules of messages per epoch")
    return draw(f"joules-{net.net}-{split}", f"Joules, {shared} shared", lines, labels, alt, levels, marks)


def seconds_plot(results: CommunicationResults, net: NetRow, split: Split) -> Plot | None:
    """Time of an epoch's messages."""
    lines = _price_lines(results, net, split, lambda row: _second_point(row))
    shared = "samples" if split == "data" else "units"
    said = [
        f"{line.label} {wording.duration(line.points[-1][1])} among {line.points[-1][0]:g}"
        for line in lines
        if line.points
    ]
    alt = f"Time of the messages per epoch of {net.title} when workers share the {shared}: {'; '.join(said)} workers."
    return draw(
        f"seconds-{net.net}-{split}",
        f"Seconds, {shared} shared",
        lines,
        ("workers", "seconds of messages per epoch"),
        alt,
    )


def size_plot(results: CommunicationResults, net: NetRow) -> Plot | None:
    """Bytes over the number of units for two workers, with crossovers."""
    lines = []
    for rule, merge in [*_ways(results, net, "data"), *_ways(results, net, "units")]:
        rows = [r for r in results.sizes if (r.net, r.rule, r.merge) == (net.net, rule, merge)]
        points = [(float(r.hidden), r.total_bytes, r.low_bytes, r.high_bytes) for r in rows]
        split = "samples" if rule == "any" else "units"
        lines.append(
            Line(
                f"{split}: {_way(results, rule, merge)}",
                *_looks(results, rule, merge),
                "--" if rule == "any" else "-",
                points,
            )
        )
    crossed = [r for r in results.crossovers if r.net == net.net and r.kind == "splits" and r.axis == "hidden units"]
    crossed = [row for row in crossed if row.at is not None]
    often = {r.hidden: r.total_bytes for r in results.sizes if r.merge == "every update" and r.net == net.net}
    marks = [(row.at, _between(often, row.at)) for row in crossed if row.at is not None and often]
    said = [f"{title_of(results, row.rule)} at {place(row)} units" for row in crossed]
    alt = (
        "Bytes per epoch between two workers by the number of units. Sharing the samples and merging at every update sends "
        f"more than sharing the units: {wording.listed(said) or 'nowhere'}."
    )
    labels = ("hidden units", "bytes per epoch, two workers")
    return draw(f"size-{net.net}", "Bytes over the size of the network", lines, labels,
                alt, crossings=marks)  # fmt: skip


def _between(values: dict[int, float], at: float) -> float:
    """The curve interpolated on log axes."""
    import numpy as np

    xs = sorted(values)
    return float(np.exp(np.interp(np.log(at), np.log(xs), np.log([values[x] for x in xs]))))


def _ways(results: CommunicationResults, net: NetRow, split: Split) -> list[tuple[str, str]]:
    rows = [row for row in results.bytes if row.net == net.net and row.split == split]
    return list(dict.fromkeys((row.rule, row.merge) for row in rows))


def _way(results: CommunicationResults, rule: str, merge: str) -> str:
    return f"merged {merge}" if rule == "any" else title_of(results, rule)


def _looks(results: CommunicationResults, rule: str, merge: str) -> tuple[str, str]:
    """Colours and markers of rules, in the order of the card."""
    if rule == "any":
        return MERGE_LOOKS[merge]
    at = list(results.rules).index(rule)
    return PAIR_COLOURS[at % len(PAIR_COLOURS)], MARKERS[at % len(MARKERS)]


def _is_drawn(results: CommunicationResults, split: Split, link: str) -> bool:
    return link in (results.report_links if split == "data" else results.unit_links)


def _price_lines(
    results: CommunicationResults, net: NetRow, split: Split, point: Callable[[PriceRow], Any]
) -> list[Line]:
    """Samples shared: one line per link, merged at every update. Units shared: one line per rule and link."""

    def points(rule: str, merge: str, link: str) -> list[tuple[float, float, float, float]]:
        rows = [r for r in results.prices if (r.net, r.rule, r.merge, r.link) == (net.net, rule, merge, link)]
        return [found for row in rows if row.workers > 1 and (found := point(row)) is not None]

    if split == "data":
        looks = zip(results.report_links, PAIR_COLOURS, MARKERS, strict=False)
        lines = [Line(link, colour, marker, "-", points("any", "every update", link)) for link, colour, marker in looks]
    else:
        lines = [
            Line(f"{title_of(results, rule)} over {link}", *_looks(results, rule, ""), style, points(rule, "", link))
            for rule, _ in _ways(results, net, split)
            for link, style in zip(results.unit_links, LINK_STYLES, strict=False)
        ]
    return [line for line in lines if line.points]


def _joule_point(row: PriceRow):
    if row.energy_pJ is None or row.energy_low_pJ is None or row.energy_high_pJ is None:
        return None
    return row.workers, row.energy_pJ * 1e-12, row.energy_low_pJ * 1e-12, row.energy_high_pJ * 1e-12


def _second_point(row: PriceRow):
    if row.time_s is None or row.time_low_s is None or row.time_high_s is None:
        return None
    return row.workers, row.time_s, row.time_low_s, row.time_high_s
