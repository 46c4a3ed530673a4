"""`neurorec place`: traffic of spikes, placed in order and optimised, as a table, as JSON and as a picture."""

import json
from pathlib import Path

import typer
from rich import box
from rich.table import Table

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.files import write_atomically
from neurorec.experiments.workloads import NamedWork
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.price import price
from neurorec.report.console import plain_console
from neurorec.report.wording import count

PICTURES = (".svg", ".png", ".pdf")
COUNTS = (
    "packets", "within_tile", "hops_east_west", "hops_north_south", "hottest_link", "packets_off_chip", "chip_links",
    "hottest_chip_link",
)  # fmt: skip


def print_placing(asked: NamedWork, chips: list[str], picture: Path | None = None, table: Path | None = None) -> None:
    """Print the placement on each chip and the traffic of spikes; optionally as JSON, and as a picture of one chip."""
    _check_files(chips, picture, table)
    priced = [price(asked.work, chip) for chip in chips]
    refuse_if_none_can_run(priced)
    for cost in priced:
        if not cost.can_run:
            plain_console().print(f"cannot run on {cost.chip}: {cost.why_not}")
        elif cost.mapping is not None and cost.mapping.plan is None:
            plain_console().print(f"{cost.chip}: its card does not describe cores, so nothing is placed")
        elif cost.mapping is not None and len(cost.mapping.cores) == 1:
            plain_console().print(f"{cost.chip}: everything is on one core")
    if (shown := placing_table(priced)) is not None:
        plain_console().print(shown)
    for cost in priced:
        for line in filter(None, (cost.mapping and grid_of_chips(cost.mapping), saved(cost))):
            plain_console().print(f"  {cost.chip}: {line}")
    if table is not None:
        typer.echo(f"places: {write_placing(priced, table)}")
    if picture is not None:
        typer.echo(f"picture: {picture}: {write_picture(priced, asked.name, picture)}")


def _check_files(chips: list[str], picture: Path | None, table: Path | None) -> None:
    """Raises `InputError`, before anything is placed, for files that could not be written."""
    if table is not None and table.suffix != ".json":
        raise InputError(f"--out {table}: must be a .json file")
    if picture is not None and picture.suffix not in PICTURES:
        raise InputError(f"--picture {picture}: the picture must be one of {', '.join(PICTURES)}")
    if picture is not None and len(chips) != 1:
        raise InputError(f"--picture shows one chip: select it with --chip (there are {len(chips)})")


def refuse_if_none_can_run(priced: list[Cost]) -> None:
    """Raises `CannotRun` with the reason of each chip if none can run the network."""
    if not any(cost.can_run for cost in priced):
        raise CannotRun("\n".join(line for cost in priced for line in why_not(cost)))


def why_not(cost: Cost) -> list[str]:
    """Why the chip cannot run the network, and the published figures of the chip."""
    published = [f"  {cost.chip}, published: {figure}" for figure in cost.published]
    return [f"cannot run on {cost.chip}: {cost.why_not}", *published]


def placing_table(priced: list[Cost]) -> Table | None:
    """One row per chip, or two if something was tried; None if every network fits on one core."""
    placed = [cost for cost in priced if cost.mapping and len(cost.mapping.cores) > 1]
    if not placed:
        return None
    several = any(cost.mapping and cost.mapping.chips > 1 for cost in placed)
    title = "traffic of spikes, packets per inference"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    heads = ["chip", "placed", "cores", "packets", "hops", "hottest\nlink"]
    heads += ["chips", "off\nchip", "chip\nlinks", "hot-\ntest"] if several else []
    for head in heads:
        justify = "left" if head in ("chip", "placed") else "right"
        table.add_column(
            head,
            justify=justify,
            no_wrap=head != "placed",
            overflow="fold",
            min_width=len(max(head.split("\n"), key=len)),
        )
    for cost in placed:
        for mapping in filter(None, (cost.mapping and cost.mapping.in_order, cost.mapping)):
            table.add_row(*_row(cost, mapping, several))
    return table


def _row(cost: Cost, mapping: Mapping, several: bool) -> list[str]:
    samples = cost.operations.samples if cost.operations else 1
    kept = mapping.in_order is not None and mapping.found_by == "in order"
    cells = [cost.chip, "nothing better" if kept else mapping.found_by, f"{len(mapping.cores):,}"]
    cells += [count(n / samples) for n in (mapping.packets, mapping.hops, mapping.hottest_link)]
    if several:
        cells.append(f"{mapping.chips:,}")
        cells += [count(n / samples) for n in (mapping.packets_off_chip, mapping.chip_links, mapping.hottest_chip_link)]
    return cells


def saved(cost: Cost) -> str:
    """ "40.1 % of hops and 12.0 % of packets saved compared with placement in order", or "" if there was nothing to try."""
    mapping = cost.mapping
    if mapping is None or mapping.in_order is None or len(mapping.in_order.cores) == 1:
        return ""
    if mapping.found_by == "in order":
        return "nothing that was tried is shorter than placement in order"
    before = mapping.in_order
    pairs = (("hops", before.hops, mapping.hops), ("packets", before.packets, mapping.packets),
             ("packets over chip links", before.chip_links, mapping.chip_links))  # fmt: skip
    parts = [f"{1 - now / was:.1%} of {name}" for name, was, now in pairs if was]
    return (
        f"{', '.join(parts)} saved compared with placement in order ({mapping.found_by})"
        if parts
        else "no hops to save"
    )


def grid_of_chips(mapping: Mapping) -> str:
    """The assumed arrangement of several chips."""
    if mapping.chips < 2 or mapping.plan is None:
        return ""
    ground = mapping.plan.travel.ground
    across, along = ground.grid
    spare = mapping.chips + (-len(mapping.cores) // ground.on_chip)
    completes = f" ({spare} only to complete the grid)" if spare else ""
    joined = f"assumed to form a grid of {across} x {along}: no source we read says how they are joined"
    return f"{mapping.chips} chips{completes}, {joined}"


def write_placing(priced: list[Cost], path: Path) -> Path:
    """Write both placements on every chip as JSON, per inference."""
    rows = []
    for cost in priced:
        row = {"chip": cost.chip, "can_run": cost.can_run, "why_not": cost.why_not}
        if cost.mapping is not None:
            samples = cost.operations.samples if cost.operations else 1
            row |= {"placed": _numbers(cost.mapping, samples)}
            row |= {"in_order": _numbers(cost.mapping.in_order, samples)} if cost.mapping.in_order else {}
        rows.append(row)
    return write_atomically(path, json.dumps(rows, indent=2) + "\n")


def _numbers(mapping: Mapping, samples: int) -> dict[str, float | int | str]:
    counted = {name: getattr(mapping, name) / samples for name in COUNTS}
    return {"found_by": mapping.found_by, "cores": len(mapping.cores), "chips": mapping.chips, **counted}


def write_picture(priced: list[Cost], name: str, path: Path) -> str:
    """Draw the requested chip; returns a sentence that describes the picture."""
    from neurorec.report.plots.chip_picture import draw_chip

    (cost,) = priced
    if cost.mapping is None or cost.operations is None or cost.mapping.plan is None:
        raise InputError(f"--picture: the card {cost.chip} does not describe cores, so there is nothing to draw")
    return draw_chip(cost.mapping, cost.operations.samples, f"{name} on {cost.chip}", path)
