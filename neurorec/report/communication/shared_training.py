"""`neurorec cost RUN --training --workers P --link NAME`: the cost of sharing a finished run's training samples."""

from rich.console import Console

from neurorec.basics.errors import InputError
from neurorec.basics.numbers import MOST_WORKERS
from neurorec.experiments.workloads import NamedWork
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.communication.link_price import LinkCost, price_traffic
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.hardware.workload.counting import count_work
from neurorec.report import wording


def refuse_half_asked(training: bool, workers: int | None, links: list[str]) -> None:
    """--workers and --link go together, with --training of a finished run."""
    if workers is None and not links:
        return
    if workers is None or not links:
        raise InputError("--workers and --link must be given together: the number of workers, and what joins them")
    if not training:
        raise InputError("--workers and --link require --training of a finished run: only a training can be shared")
    if workers < 2:
        raise InputError(f"--workers {workers}: sharing a training needs at least two")
    if workers > MOST_WORKERS:
        raise InputError(f"--workers {workers}: at most {MOST_WORKERS:,} can share a training")


def print_communication(asked: NamedWork, workers: int, links: list[str]) -> None:
    """One line per link; rules with update steps merge at every step, other rules once per epoch."""
    training, outcome = asked.work.training, asked.outcome
    if training is None or outcome is None:
        raise InputError("--workers needs a finished run, which defines how the network was trained")
    updates = training.count(count_work(asked.work).forward(), training.run).updates
    numbers, merges = training.numbers, updates or outcome.epochs
    traffic = merge_traffic(numbers, workers, merges)
    often = "at every update" if updates else "once per epoch"
    console = Console(highlight=False)
    console.print(
        f"sharing this training's samples among {workers} workers: {numbers:,} numbers merged {often}, {merges:,} times, "
        f"by ring all-reduce: {wording.data_size(traffic.total_bytes)} sent in total",
        markup=False,
    )
    for name in links:
        console.print(f"  over {name}: {_priced(price_traffic(traffic, load_link(name), workers))}", markup=False)


def _priced(cost: LinkCost) -> str:
    if cost.why_not:
        return f"cannot: {cost.why_not}"
    said = ["energy not known", "time not known"]
    if cost.energy_pJ is not None:
        e = cost.energy_pJ
        said[0] = (
            f"{wording.energy(e.value, cost.energy_at_least)} {wording.energy_band(e.low, e.high, e.value)}".strip()
        )
    if cost.time_s is not None:
        t = cost.time_s
        said[1] = ("≥ " if cost.time_at_least else "") + wording.duration(t.value)
        said[1] += f" [{wording.duration(t.low)}–{wording.duration(t.high)}]" if t.low < t.high else ""
    return ", ".join(said)
