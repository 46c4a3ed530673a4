"""Run a communication study: train, observe, count, price, find crossovers, check the ring with real processes."""

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from neurorec.basics.errors import RunFailed
from neurorec.experiments.communication.communication_card import LoadedCommunication
from neurorec.experiments.communication.communication_results import (
    CommunicationResults,
    ComputeRow,
    NetRow,
    RingRow,
    RuleRow,
)
from neurorec.experiments.communication.count import Counted
from neurorec.experiments.communication.crossings import crossings, sizes
from neurorec.experiments.communication.observe import Job, Seen, observe_epoch
from neurorec.experiments.folder import open_folder
from neurorec.experiments.plan import versions
from neurorec.experiments.runner import Watcher, processes
from neurorec.hardware.communication.processes import check_ring
from neurorec.hardware.communication.ring import merge_traffic


@dataclass(frozen=True)
class Settings:
    """Settings of the card or of `--quick`."""

    quick: bool
    seeds: list[int]
    ring_workers: list[int]
    max_epochs: int | None = None
    max_samples: int | None = None

    @classmethod
    def of(cls, study: LoadedCommunication, quick: bool) -> "Settings":
        card = study.card
        if not quick:
            return cls(False, card.seeds, card.ring_workers)
        cut = card.quick
        return cls(True, cut.seeds, cut.ring_workers, cut.max_epochs, cut.max_samples)


def run_communication(
    study: LoadedCommunication,
    folder: Path,
    *,
    quick: bool = False,
    watcher: Watcher | None = None,
    make_executor: Callable[[], Executor] | None = None,
) -> CommunicationResults:
    """Everything that the page needs; the study's card is copied to `folder`."""
    start, settings, card, say = time.perf_counter(), Settings.of(study, quick), study.card, (watcher or Watcher()).say
    open_folder(folder, study.path)
    nets = _watch(study, settings, say, make_executor or (lambda: processes(min(2, os.cpu_count() or 1))))
    counted = [
        Counted(seen, {rule: card.rule(rule) for rule in net.count_rules}, card.batch_size)
        for seen, net in zip(nets, card.net, strict=True)
    ]
    say("counting and pricing")
    places = [
        (each, way, workers)
        for each in counted
        for way in each.ways
        for workers in card.workers
        if workers <= each.most_workers(way, card.workers[-1])
    ]
    prices = [
        each.price_row(way, workers, name, link) for each, way, workers in places for name, link in study.links.items()
    ]
    crossed = [
        row
        for each in counted
        for row in crossings(each, study.links, card.chips, card.workers[-1], card.largest_hidden)
    ]
    say(f"ring all-reduce on {', '.join(map(str, settings.ring_workers))} real processes")
    rings, ring_failed = _check_rings(settings.ring_workers, counted[0].net.trained_numbers)
    return CommunicationResults(
        study=study.name, question=card.question, about=card.about, quick=quick, seeds=settings.seeds,
        batch_size=card.batch_size,
        report_links=card.report_links, unit_links=card.unit_links, rules=_rules(study),
        nets=[_net_row(each) for each in counted],
        bytes=[each.bytes_row(way, workers) for each, way, workers in places], prices=prices,
        computing=[row for each in counted for row in _computing_rows(each, card.chips)], crossovers=crossed,
        sizes=[row for each in counted for row in sizes(each, card.largest_hidden)],
        rings=rings, ring_failed=ring_failed, links={name: link.about for name, link in study.links.items()},
        sources=study.sources(), notes=_notes(settings), wall_s=time.perf_counter() - start, folder=folder,
    )  # fmt: skip


def _watch(study: LoadedCommunication, settings: Settings, say, make_executor) -> list[list[Seen]]:
    """Each network's seeds, trained and observed in worker processes."""
    jobs = [
        Job(net, seed, tuple(study.card.chips), study.card.batch_size, settings.max_epochs, settings.max_samples)
        for net in study.card.net
        for seed in settings.seeds
    ]
    seen = []
    with make_executor() as executor:
        for job, one in zip(jobs, executor.map(observe_epoch, jobs), strict=True):
            seen.append(one)
            say(f"{len(seen)}/{len(jobs)} {one.title}, {one.trained_by}, seed {job.seed}: accuracy {one.accuracy:.3f}")
    each = len(settings.seeds)
    return [seen[at : at + each] for at in range(0, len(seen), each)]


def _rules(study: LoadedCommunication) -> dict[str, RuleRow]:
    """The communication of every counted rule."""
    counted = {name: study.card.rule(name) for net in study.card.net for name in net.count_rules}
    return {
        name: RuleRow(rule.title, rule.messages.errors, rule.messages.signals, rule.messages.online)
        for name, rule in counted.items()
    }


def _net_row(counted: Counted) -> NetRow:
    first, net = counted.seen[0], counted.net
    activity = [a for seen in counted.seen if (a := seen.net.spikes_per_unit_and_step) is not None]
    return NetRow(
        net.name, first.title, first.trained_by, net.inputs, net.hidden, net.outputs, net.steps, net.samples,
        net.trained_numbers, activity, [seen.accuracy for seen in counted.seen],
    )  # fmt: skip


def _computing_rows(counted: Counted, chips: list[str]) -> list[ComputeRow]:
    rows = []
    for rule in counted.rules:
        for chip in chips:
            band, at_least = counted.computing(rule, chip)
            found = next(c for c in counted.seen[0].computing if (c.rule, c.chip) == (rule, chip))
            numbers = (band.value, band.low, band.high) if band else (None, None, None)
            rows.append(ComputeRow(counted.net.name, rule, chip, found.why_not, *numbers, at_least, found.unpriced))
    return rows


def _check_rings(workers: list[int], numbers: int) -> tuple[list[RingRow], str]:
    """All-reduce of the first network's trained numbers, of a few numbers, and of one."""
    rows = []
    try:
        for P in workers:
            for check in check_ring(P, [1, 7, numbers]):
                for name, ring in (("own", check.own), ("gloo", check.gloo)):
                    tcp = [sent.tcp_bytes for sent in ring if sent.tcp_bytes is not None]
                    rows.append(RingRow(
                        name, P, check.numbers, merge_traffic(check.numbers, P, 1).total_bytes,
                        sum(sent.payload_bytes for sent in ring), sum(sent.messages for sent in ring),
                        sum(tcp) if len(tcp) == P else None, all(sent.right for sent in ring),
                    ))  # fmt: skip
    except RunFailed as error:
        return rows, str(error)
    return rows, ""


def _notes(settings: Settings) -> list[str]:
    return [
        f"seeds: {', '.join(map(str, settings.seeds))}",
        f"machine: {platform.machine()}, {platform.system()}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions().items()),
    ]
