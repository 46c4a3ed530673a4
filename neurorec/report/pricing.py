"""`neurorec cost`: a table of chips for one trained network."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neurorec.basics.cards import card_names
from neurorec.experiments.verbs import price_stored_run
from neurorec.hardware.band import Band
from neurorec.hardware.cost import Cost
from neurorec.report.wording import duration, energy, energy_band

HEADS = {"compute": "compute", "memory": "memory", "communication": "communi-\ncation", "static": "static"}


def print_cost(folder: Path, chips: list[str] | None, training: bool) -> None:
    """Per-term and all-in chips in two tables, never one; chips that cannot run the network with the reason."""
    priced = price_stored_run(folder, chips or card_names("hardware"))
    console = Console(highlight=False)
    for scope in ("per-term", "all-in"):
        rows = [cost for cost in priced if cost.can_run and cost.scope == scope]
        if rows:
            console.print(_table(scope, rows, training))
            for line in (line for cost in rows for line in _notes(cost, training)):
                console.print(f"  {line}", markup=False)
    for cost in priced:
        if not cost.can_run:
            console.print(f"cannot run on {cost.chip}: {cost.why_not}", markup=False)


def _table(scope: str, rows: list[Cost], training: bool) -> Table:
    title = f"{scope} prices, energy of one inference"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    parts = HEADS if scope == "per-term" else {}
    for head in [
        "chip",
        *parts.values(),
        escape("total\n[band]"),
        "latency",
        *(["training\nin all"] if training else []),
    ]:
        table.add_column(head, no_wrap=True)
    for cost in rows:
        split = [_energy(getattr(cost.breakdown, part)) for part in parts]
        latency = duration(cost.latency_us.value * 1e-6) if cost.latency_us else "–"
        trained = [_energy(cost.training.energy_pJ) if cost.training else "–"] if training else []
        table.add_row(cost.chip, *split, escape(_total(cost.energy_pJ, cost.at_least)), latency, *trained)
    return table


def _notes(cost: Cost, training: bool) -> list[str]:
    notes = [f"{cost.chip}: static: {cost.static_basis}"] if cost.static_basis else []
    if cost.unpriced:
        notes.append(f"{cost.chip}: at least, for it has no price for: {', '.join(cost.unpriced)}")
    if training and cost.training and cost.training.why_not:
        notes.append(f"{cost.chip}: cannot train: {cost.training.why_not}")
    return notes


def _energy(band: Band | None) -> str:
    return "–" if band is None else energy(band.value)


def _total(band: Band | None, at_least: bool) -> str:
    if band is None:
        return "–"
    return f"{energy(band.value, at_least)}\n{energy_band(band.low, band.high, band.value) or 'no band'}"
