"""`neurorec cost`: a table of chips for one network, trained or described."""

from dataclasses import replace

import typer
from rich import box
from rich.table import Table

from neurorec.basics.counts import KINDS
from neurorec.basics.errors import InputError
from neurorec.experiments.workloads import NamedWork
from neurorec.hardware.chips.band import Band
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.memory import INSIDE
from neurorec.hardware.pricing.per_result import Figure, inference_figures, training_figures
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.counting import count_work
from neurorec.report.console import plain_console
from neurorec.report.nodes import print_nodes
from neurorec.report.placing import grid_of_chips, placing_table, refuse_if_none_can_run, saved, why_not
from neurorec.report.wording import data_size, duration, energy, energy_band, plural, quantity

HEADS = {
    "compute": "compute", "memory": "memory", "communication": "commu-\nnication", "dynamic": "dynamic\ntotal",
    "static": "static",
}  # fmt: skip


def print_cost(asked: NamedWork, chips: list[str], training: bool = False, target: float | None = None) -> None:
    """Print counts, and a table of chips for one inference (and the training)."""
    if target is not None and not 0 < target <= 1:
        raise InputError(f"--target {target:g}: a validation score is between 0 and 1, such as 0.9")
    check_trained(asked, training=training, target=target is not None)
    priced = [replace(price(asked.work, chip), outcome=asked.outcome) for chip in chips]
    refuse_if_none_can_run(priced)
    if asked.seen is not None:
        print_nodes(asked.name, asked.seen, asked.work)
    elif asked.outcome is None:
        _print_counted(asked)
    print_costs(priced, training or target is not None, target)
    if (table := placing_table(priced)) is not None:
        plain_console().print(table)


def check_trained(asked: NamedWork, **wanted: bool) -> None:
    """Raises `InputError` for options that need a training, if there was none."""
    for option, given in wanted.items():
        if given and asked.work.training is None:
            raise InputError(f"--{option} needs a finished run, which defines how the network was trained")


def _print_counted(asked: NamedWork) -> None:
    counted = count_work(asked.work)
    n, total = counted.samples, counted.total
    typer.echo(
        f"{asked.name}, one inference: {plural(total.macs / n, 'multiply-accumulate')}, "
        f"{plural(total.synaptic_events / n, 'synaptic event')}, {plural(total.spikes / n, 'spike')}, "
        f"{plural(counted.units, 'unit')}, {plural(counted.steps, 'step')}"
    )


def print_costs(priced: list[Cost], training: bool, target: float | None = None) -> None:
    """Per-term and all-in chips in two separate tables; chips that cannot run the network with the reason."""
    console = plain_console()
    for scope in ("per-term", "all-in"):
        rows = [cost for cost in priced if cost.can_run and cost.scope == scope]
        if rows:
            console.print(_table(rows, scope))
            if training and any(cost.training and cost.training.energy_pJ for cost in rows):
                console.print(_training_table(rows, scope))
            for cost in rows:
                for line in [*_remarks(cost, training), *_per_result(cost, training, target)]:
                    console.print(f"  {cost.chip}: {line}")
    for cost in priced:
        if not cost.can_run:
            for line in why_not(cost):
                console.print(line)


def _table(rows: list[Cost], scope: str) -> Table:
    table = _empty(f"{scope} prices, energy of one inference")
    parts = HEADS if scope == "per-term" else {}
    for head in ["chip", *parts.values(), "total\n[band]", "latency"]:
        table.add_column(head, no_wrap=True)
    for cost in rows:
        bands = {"dynamic": cost.dynamic_pJ, **(vars(cost.breakdown) if cost.breakdown else {})}
        latency = duration(cost.latency_us.value * 1e-6) if cost.latency_us else "–"
        total = _total(cost.energy_pJ, cost.at_least)
        table.add_row(cost.chip, *(_energy(bands[part]) for part in parts), total, latency)
    return table


def _training_table(rows: list[Cost], scope: str) -> Table:
    """The whole training of a run; dynamic and static energy separate if the prices allow it."""
    table = _empty(f"{scope} prices, energy of the whole training")
    for head in ["chip", "dynamic", "static", "total\n[band]", "time", "sent"]:
        table.add_column(head, no_wrap=True)
    for cost in rows:
        if (trained := cost.training) is None or trained.energy_pJ is None:
            continue
        time = duration(trained.time_us.value * 1e-6) if trained.time_us else "–"
        sent = data_size((trained.communication_bits or 0.0) / 8)
        total = _total(trained.energy_pJ, trained.at_least)
        table.add_row(cost.chip, _energy(trained.dynamic_pJ), _energy(trained.static_pJ), total, time, sent)
    return table


def _empty(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _remarks(cost: Cost, training: bool) -> list[str]:
    lines = [f"static: {cost.static_basis or 'included in the figure'}"]
    if cost.dynamic_pJ is not None and cost.scope == "all-in":
        lines.append(f"dynamic part: {energy(cost.dynamic_pJ.value)}")
    if cost.latency_us and cost.latency_us.value > 0 and cost.energy_pJ:
        power = f"mean power {quantity(cost.energy_pJ.value / cost.latency_us.value * 1e-6, 'W')}"
        lines.append(f"{power}; bottleneck: {cost.bottleneck}" if cost.bottleneck else power)
    if cost.batch > 1:
        lines.append(f"one inference of a batch of {cost.batch}; its time is that of the batch / {cost.batch}")
    if cost.mapping:
        lines += filter(None, (grid_of_chips(cost.mapping), saved(cost)))
    lines += _memories(cost)
    if cost.unpriced:
        lines.append(f"at least, because there is no price for: {', '.join(cost.unpriced)}")
    more = [term for term in cost.training.unpriced if term not in cost.unpriced] if cost.training and training else []
    if more:
        lines.append(f"training at least, because there is no price for: {', '.join(more)}")
    if cost.training and cost.training.why_not:
        lines.append(f"cannot train: {cost.training.why_not}")
    return [*lines, *cost.notes, *(f"published: {figure}" for figure in cost.published)]


def _memories(cost: Cost) -> list[str]:
    """The contents of each memory of the card, and the bits moved per inference."""
    held: dict[str, list[str]] = {}
    moved: dict[str, int] = {}
    for one in cost.traffic:
        if one.bits and one.level != INSIDE:
            held.setdefault(one.level, []).append(f"{KINDS[one.kind]} of {one.layer}")
            moved[one.level] = moved.get(one.level, 0) + one.bits
    samples = cost.operations.samples if cost.operations else 1
    return [f"{level}: {', '.join(names)}; {quantity(moved[level] / samples, 'bit')}" for level, names in held.items()]


def _per_result(cost: Cost, training: bool, target: float | None) -> list[str]:
    """One line of energy per second, answer, epoch and target score; only for runs, which have scores."""
    if cost.outcome is None:
        return []
    figures = inference_figures(cost, cost.outcome.accuracy)[1:]
    figures += training_figures(cost, cost.outcome, target) if training else []
    return [_figure(figure) for figure in figures]


def _figure(figure: Figure) -> str:
    most = "at most " if figure.at_most else ""
    value = "–" if figure.energy_pJ is None else most + energy(figure.energy_pJ.value, figure.at_least)
    return f"{figure.what}: {value} ({figure.note})"


def _energy(band: Band | None) -> str:
    return "–" if band is None else energy(band.value)


def _total(band: Band | None, at_least: bool) -> str:
    if band is None:
        return "–"
    return f"{energy(band.value, at_least)}\n{energy_band(band.low, band.high, band.value) or 'no band'}"
