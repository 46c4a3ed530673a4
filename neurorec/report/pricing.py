"""`neurorec cost`: a table of chips for one network, trained or described."""

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
from neurorec.hardware.mapping import Mapping
from neurorec.report.wording import duration, energy, energy_band

HEADS = {"compute": "compute", "memory": "memory", "communication": "communi-\ncation", "static": "static"}


def print_asked(
    run: Path | None,
    network: Path | None,
    chips: list[str] | None,
    batch: int | None,
    training: bool,
    anneal: bool = False,
) -> None:
    """What the command line asked for: a finished run, or a description, not both."""
    if (run is None) == (network is None):
        raise InputError("name the folder of a finished run, or --network DESCRIPTION.toml (and not both)")
    if network is not None:
        if training:
            raise InputError("--training needs a finished run: a description says nothing about how it is trained")
        print_network_cost(network, chips, batch, anneal)
    elif run is not None:
        if anneal:
            raise InputError("--anneal goes with --network: a stored run is placed in order")
        if batch is not None:
            raise InputError("--batch goes with --network: a stored run was observed one sample at a time")
        print_cost(run, chips, training)


def print_cost(folder: Path, chips: list[str] | None, training: bool) -> None:
    """The network of a stored run on each chip."""
    print_costs(price_stored_run(folder, chips or card_names("hardware")), training=training)


def print_network_cost(path: Path, chips: list[str] | None, batch: int | None, anneal: bool) -> None:
    """A described network on each chip, with what was counted."""
    if batch is not None and batch < 1:
        raise InputError(f"--batch {batch}: a batch holds at least one inference")
    priced = price_description(path, chips or card_names("hardware"), batch, anneal)
    counted = next((cost.operations for cost in priced if cost.operations), None)
    if counted is not None:
        n, total = counted.samples, counted.total
        typer.echo(
            f"{path.stem}, one inference: {total.macs / n:,.10g} multiply-accumulates, {total.synaptic_events / n:,.10g} "
            f"synaptic events, {total.spikes / n:,.10g} spikes, {counted.hidden_units + counted.output_units:,} units, "
            f"{counted.steps:,} steps"
        )
    print_costs(priced, training=False)


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
    if cost.mapping and cost.mapping.chips > 1:
        lines.append(f"{cost.mapping.chips} chips, {len(cost.mapping.cores)} cores")
    if cost.mapping and cost.mapping.hops_in_order is not None:
        lines.append(_placed(cost.mapping, cost.operations.samples if cost.operations else 1))
    if cost.unpriced:
        lines.append(f"at least, for it has no price for: {', '.join(cost.unpriced)}")
    if cost.training and cost.training.why_not:
        lines.append(f"cannot train: {cost.training.why_not}")
    return [*lines, *cost.notes, *(f"published: {figure}" for figure in cost.published)]


def _placed(mapping: Mapping, samples: int) -> str:
    hops, before = mapping.hops_east_west + mapping.hops_north_south, mapping.hops_in_order or 0
    saved = f"{1 - hops / before:.1%} saved by annealing" if before else "none to save"
    hottest = f"the hottest link carries {(mapping.hottest_link or 0) / samples:,.0f} packets"
    return f"{hops / samples:,.0f} hops an inference, {saved}; {hottest}"


def _energy(band: Band | None) -> str:
    return "–" if band is None else energy(band.value)


def _total(band: Band | None, at_least: bool) -> str:
    if band is None:
        return "–"
    return f"{energy(band.value, at_least)}\n{energy_band(band.low, band.high, band.value) or 'no band'}"
