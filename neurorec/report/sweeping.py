"""`neurorec sweep`: one setting varied, as a table and as a plot with bands."""

from collections.abc import Callable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from neurorec.basics.errors import InputError
from neurorec.experiments.workloads import NamedWork
from neurorec.hardware.chips.band import Band
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.what_if import Sweep, parse_sweep, run_sweep
from neurorec.report.console import plain_console
from neurorec.report.plots.sweep import FORMATS, draw_sweep
from neurorec.report.pricing import check_trained
from neurorec.report.wording import data_size, duration, energy, energy_band


def print_sweep(
    read: Callable[[], NamedWork], chips: list[str], text: str, plot: Path | None = None, training: bool = False
) -> None:
    """Price the workload that `read` returns on each chip with each value of `text`; `plot`: file for a plot."""
    if plot is not None and plot.suffix not in FORMATS:
        raise InputError(f"--plot {plot}: the plot must be one of {', '.join(FORMATS)}")
    sweep = parse_sweep(text)
    asked = read()
    check_trained(asked, training=training)
    training = training or sweep.name == "workers"
    priced = run_sweep(asked.work, sweep, chips)
    able = {chip: costs for chip, costs in priced.items() if any(cost.can_run for cost in costs)}
    if not able:
        reasons = "; ".join(f"{chip}: {costs[-1].why_not}" for chip, costs in priced.items())
        raise InputError(f"{text}: no chip can price any of these values: {reasons}")
    console = plain_console()
    for scope in ("per-term", "all-in"):
        rows = {chip: costs for chip, costs in able.items() if _scope(costs) == scope}
        if rows:
            console.print(_table(rows, sweep, scope, training))
    for chip, costs in priced.items():
        _print_remarks(console, chip, costs, sweep, training)
    console.print(f"{sweep.name}: {sweep.setting.law}")
    if plot is not None:
        draw_sweep(able, sweep, asked.name, plot, training)
        console.print(f"plot: {plot}")


def _scope(costs: list[Cost]) -> str:
    return costs[0].scope


def _table(rows: dict[str, list[Cost]], sweep: Sweep, scope: str, training: bool) -> Table:
    title = f"{scope} prices, energy of one inference"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    parts = ("dynamic", "static") if scope == "per-term" else ()
    for head in ("chip", sweep.name, *parts, "total\n[band]", "latency", *(["training"] if training else [])):
        table.add_column(head, no_wrap=True)
    for chip, costs in rows.items():
        shown = chip
        for value, cost in zip(sweep.values, costs, strict=True):
            if cost.energy_pJ is not None:
                table.add_row(shown, sweep.label(value), *_cells(cost, cost.energy_pJ, bool(parts), training))
                shown = ""
        table.add_section()
    return table


def _cells(cost: Cost, total: Band, split: bool, training: bool) -> list[str]:
    static = cost.breakdown.static if cost.breakdown else None
    parts = [energy(part.value) if part else "–" for part in (cost.dynamic_pJ, static)] if split else []
    return [
        *parts,
        f"{energy(total.value, cost.at_least)}\n{energy_band(total.low, total.high, total.value) or 'no band'}",
        duration(cost.latency_us.value * 1e-6) if cost.latency_us else "–",
        *([_trained(cost)] if training else []),
    ]


def _trained(cost: Cost) -> str:
    """Energy of the whole training, with its time if the card determines it, and the bytes sent."""
    trained = cost.training
    if trained is None or trained.energy_pJ is None:
        return "–"
    time = f"{duration(trained.time_us.value * 1e-6)}, " if trained.time_us else ""
    return f"{energy(trained.energy_pJ.value, trained.at_least)}\n{time}{data_size((trained.communication_bits or 0) / 8)} sent"


def _print_remarks(console: Console, chip: str, costs: list[Cost], sweep: Sweep, training: bool) -> None:
    """Print what could not be priced: each reason once, with the values that it applies to."""
    reasons: dict[str, list[str]] = {}
    for value, cost in zip(sweep.values, costs, strict=True):
        why_not = cost.why_not or (cost.training.why_not if training and cost.training else "")
        if why_not:
            reasons.setdefault(why_not, []).append(sweep.label(value))
    for reason, values in reasons.items():
        console.print(f"  {chip}, {sweep.name} {', '.join(values)}: {reason}")
    unpriced = next((cost.unpriced for cost in costs if cost.unpriced), ())
    if unpriced:
        console.print(f"  {chip}: at least, because there is no price for: {', '.join(unpriced)}")
