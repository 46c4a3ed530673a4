"""`neurorec cost`: a table of chips for one trained network."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from neurorec.basics.cards import card_names
from neurorec.experiments.verbs import price_stored_run
from neurorec.hardware.band import Band
from neurorec.report.wording import energy, energy_band, energy_unit


def print_cost(folder: Path, chips: list[str] | None, training: bool) -> None:
    """Per-term and all-in chips in two tables, never one; chips that cannot run the network with the reason."""
    priced = price_stored_run(folder, chips or card_names("hardware"))
    console = Console(highlight=False)
    for scope in ("per-term", "all-in"):
        rows = [cost for cost in priced if cost.can_run and cost.scope == scope]
        if not rows:
            continue
        table = Table(title=f"{scope} prices, energy of one inference", title_justify="left")
        parts = ["compute", "memory", "communication", "static"] if scope == "per-term" else []
        for head in ["chip", *parts, "total [band]", "latency", *(["training"] if training else [])]:
            table.add_column(head, overflow="fold")
        for cost in rows:
            split = [_energy(getattr(cost.breakdown, part)) for part in parts]
            latency = f"{cost.latency_us.value:.3g} µs" if cost.latency_us else "not priced"
            trained = [_energy(cost.training.energy_pJ) if cost.training else ""] if training else []
            table.add_row(cost.chip, *split, _total(cost.energy_pJ, cost.at_least), latency, *trained)
        console.print(table)
        for cost in rows:
            console.print(f"  {cost.chip}: static: {cost.static_basis or 'inside the figure'}", markup=False)
            if cost.unpriced:
                console.print(
                    f"  {cost.chip}: at least, for it has no price for: {', '.join(cost.unpriced)}", markup=False
                )
    for cost in priced:
        if not cost.can_run:
            console.print(f"cannot run on {cost.chip}: {cost.why_not}", markup=False)


def _energy(band: Band | None) -> str:
    return "not priced" if band is None else energy(band.value)


def _total(band: Band | None, at_least: bool) -> str:
    if band is None:
        return "not priced"
    unit_of_pJ, _ = energy_unit(band.value)
    return f"{energy(band.value, at_least)} {energy_band(band.low, band.high, unit_of_pJ)}"
