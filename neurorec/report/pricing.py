"""`neurorec cost`: a table of chips for one network, trained or described."""

from dataclasses import dataclass
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neurorec.basics.cards import card_names
from neurorec.basics.errors import InputError
from neurorec.experiments.verbs import price_description, price_stored_run
from neurorec.hardware.band import Band
from neurorec.hardware.bill import Cost
from neurorec.report.placing import grid_of_chips, placing_table, saved, write_picture, write_placing
from neurorec.report.wording import duration, energy, energy_band

HEADS = {"compute": "compute", "memory": "memory", "communication": "communi-\ncation", "static": "static"}


@dataclass(frozen=True)
class Placing:
    """How neurons are to be placed, and where to write what came of it."""

    anneal: bool = False
    partition: bool = False
    picture: Path | None = None
    table: Path | None = None  #: .json


def print_asked(
    run: Path | None,
    network: Path | None,
    chips: list[str] | None,
    batch: int | None,
    training: bool,
    placing: Placing = Placing(),
    spikes: Path | None = None,
) -> None:
    """What the command line asked for: a finished run, or a description, not both."""
    if (run is None) == (network is None):
        raise InputError("name the folder of a finished run, or --network DESCRIPTION.toml (and not both)")
    chips = chips or card_names("hardware")
    if network is not None:
        if training:
            raise InputError("--training needs a finished run: a description says nothing about how it is trained")
        if batch is not None and batch < 1:
            raise InputError(f"--batch {batch}: a batch holds at least one inference")
        priced = price_description(network, chips, batch, placing.anneal, placing.partition, spikes)
        _print_counted(network.stem, priced)
    else:
        assert run is not None
        if spikes is not None:
            raise InputError("--spikes goes with --network: a stored run has its own")
        if batch is not None:
            raise InputError("--batch goes with --network: a stored run was observed one sample at a time")
        priced = price_stored_run(run, chips, placing.anneal, placing.partition)
    print_costs(priced, training=training)
    if (table := placing_table(priced)) is not None:
        Console(highlight=False).print(table)
    if placing.table is not None:
        typer.echo(f"places: {write_placing(priced, placing.table)}")
    if placing.picture is not None:
        name = network.stem if network else run.name if run else ""
        typer.echo(f"picture: {placing.picture}: {write_picture(priced, name, placing.picture)}")


def _print_counted(name: str, priced: list[Cost]) -> None:
    counted = next((cost.operations for cost in priced if cost.operations), None)
    if counted is not None:
        n, total = counted.samples, counted.total
        typer.echo(
            f"{name}, one inference: {total.macs / n:,.10g} multiply-accumulates, {total.synaptic_events / n:,.10g} "
            f"synaptic events, {total.spikes / n:,.10g} spikes, {counted.hidden_units + counted.output_units:,} units, "
            f"{counted.steps:,} steps"
        )


def print_costs(priced: list[Cost], training: bool) -> None:
    """Per-term and all-in chips in two tables, never one; chips that cannot run the network with the reason."""
    console = Console(highlight=False)
    for scope in ("per-term", "all-in"):
        rows = [cost for cost in priced if cost.can_run and cost.scope == scope]
        if rows:
            console.print(_table(rows, scope, training))
            for cost in rows:
                for line in _remarks(cost):
                    console.print(f"  {cost.chip}: {line}", markup=False)
    for cost in priced:
        if not cost.can_run:
            console.print(f"cannot run on {cost.chip}: {cost.why_not}", markup=False)
            for figure in cost.published:
                console.print(f"  {cost.chip}, published: {figure}", markup=False)


def _table(rows: list[Cost], scope: str, training: bool) -> Table:
    title = f"{scope} prices, energy of one inference"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    parts = HEADS if scope == "per-term" else {}
    heads = ["chip", *parts.values(), escape("total\n[band]"), "latency"]
    for head in [*heads, *(["training\nin all"] if training else [])]:
        table.add_column(head, no_wrap=True)
    for cost in rows:
        split = [_energy(getattr(cost.breakdown, part)) for part in parts]
        latency = duration(cost.latency_us.value * 1e-6) if cost.latency_us else "–"
        trained = [_energy(cost.training.energy_pJ) if cost.training else "–"] if training else []
        table.add_row(cost.chip, *split, escape(_total(cost.energy_pJ, cost.at_least)), latency, *trained)
    return table


def _remarks(cost: Cost) -> list[str]:
    lines = [f"static: {cost.static_basis or 'inside the figure'}"]
    if cost.dynamic_pJ is not None:
        lines.append(f"dynamic part: {energy(cost.dynamic_pJ.value)}")
    if cost.latency_us and cost.energy_pJ:
        lines.append(f"mean power {cost.energy_pJ.value / cost.latency_us.value * 1e-3:.4g} mW")
    if cost.batch > 1:
        lines.append(f"one inference out of a batch of {cost.batch}; its time is the time of the batch / {cost.batch}")
    if cost.mapping:
        lines += filter(None, (grid_of_chips(cost.mapping), saved(cost)))
    if cost.unpriced:
        lines.append(f"at least, for it has no price for: {', '.join(cost.unpriced)}")
    if cost.training and cost.training.why_not:
        lines.append(f"cannot train: {cost.training.why_not}")
    return [*lines, *cost.notes, *(f"published: {figure}" for figure in cost.published)]


def _energy(band: Band | None) -> str:
    return "–" if band is None else energy(band.value)


def _total(band: Band | None, at_least: bool) -> str:
    if band is None:
        return "–"
    return f"{energy(band.value, at_least)}\n{energy_band(band.low, band.high, band.value) or 'no band'}"
