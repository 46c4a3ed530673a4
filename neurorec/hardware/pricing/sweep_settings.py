"""The settings that `neurorec sweep` can vary, one class each. To add your own setting, add a class."""

from __future__ import annotations

from typing import Any

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.numbers import MOST_WORKERS
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.link import link_names, load_link
from neurorec.hardware.chips.precision import parse_precision
from neurorec.hardware.mapping import place_work
from neurorec.hardware.pricing.price import why_not
from neurorec.hardware.pricing.sweepable import Sweepable, decimal_number, settings, whole_number
from neurorec.hardware.workload.changes import restepped, thinned
from neurorec.hardware.workload.setting import Workers
from neurorec.hardware.workload.workload import Workload

MOST_STEPS = 10**9


@settings.register("precision")
class ByPrecision(Sweepable):
    title = "data type of weights, states and values"
    law = (
        "bits moved are proportional to the width of the type; arithmetic has the card's price for each type, with its "
        "source; nothing is scaled; accuracy in that type is not claimed"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return parse_precision(text)

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        return work.with_setting(precision=value)

    @classmethod
    def label(cls, value: Any) -> str:
        return value.name


@settings.register("sparsity")
class BySparsity(Sweepable):
    title = "share of spikes removed"
    law = "the spikes of every line times 1 - sparsity; values are unchanged; accuracy with fewer spikes is not claimed"

    @classmethod
    def parse(cls, text: str) -> Any:
        value = decimal_number("sparsity", text)
        if not 0 <= value <= 1:
            raise InputError(
                f"sweep sparsity: {text} is not a share; give a number from 0 (as observed) to 1 (no spikes)"
            )
        return value

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        if not work.all_spikes:
            raise InputError("sweep sparsity: all lines of this network carry values, so there are no spikes to remove")
        return thinned(work, value)


@settings.register("dt_ms")
class ByTimeStep(Sweepable):
    title = "time step (ms)"
    law = (
        "the same duration of input in shorter or longer steps: spikes per second are constant, updates and values per second "
        "scale with the steps; accuracy at that step is not claimed"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        value = decimal_number("dt_ms", text)
        if value <= 0:
            raise InputError(f"sweep dt_ms: must be positive (got {text} ms)")
        return value

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        if work.dt_ms is None:
            raise InputError("sweep dt_ms: the steps of this network have no duration (its card has no dt_ms)")
        lasts_ms = work.steps * work.dt_ms
        steps = round(min(lasts_ms / value, MOST_STEPS + 1))
        if steps > MOST_STEPS:
            raise InputError(f"sweep dt_ms: {value:g} ms would make more than {MOST_STEPS:,} steps; use longer ones")
        if steps < 1 or abs(steps * value - lasts_ms) > 1e-6 * lasts_ms:
            raise InputError(f"sweep dt_ms: {lasts_ms:g} ms of input are not a multiple of {value:g} ms")
        busiest = work.most_spikes_per_step * value / work.dt_ms
        if busiest > 1:
            raise InputError(
                f"sweep dt_ms: with {value:g} ms a line would spike {busiest:.3g} times per step; use shorter steps"
            )
        return restepped(work, steps, value)


@settings.register("batch")
class ByBatch(Sweepable):
    title = "inferences per batch"
    law = "the batch term of the card, fitted to metered points; a card without one can price only single inferences"

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("batch", text)

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        return work.with_setting(batch=value)


@settings.register("chips")
class ByChips(Sweepable):
    title = "chips"
    law = (
        "the cores that the network needs, divided evenly over that many chips; each is charged its static power, and packets "
        "between chips have the card's price, if any"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("chips", text)

    @classmethod
    def on_chip(cls, work: Workload, chip: Chip, value: Any) -> Chip | str:
        limit, reason = chip.limits.cores, why_not(work, chip)
        if reason is not None:
            return reason
        if chip.network is None or limit is None:
            return "its card states no cores, or no network that could reach a second chip"
        try:
            cores = len(place_work(work, chip).cores)
        except CannotRun as error:
            return str(error)
        each = -(-cores // value)
        if each > limit.count or -(-cores // each) != value:
            return f"its {cores} cores cannot be divided evenly over {value} chips of {limit.count}"
        few = limit.model_copy(update={"count": each})
        return chip.model_copy(update={"limits": chip.limits.model_copy(update={"cores": few})})


@settings.register("workers")
class ByWorkers(Sweepable):
    title = "workers that train together"
    law = (
        "each worker is such a chip and processes its share of every batch; at every update a ring all-reduce over the link "
        "sums all gradients in float32; the energy is that of all workers; inference is unchanged"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("workers", text, MOST_WORKERS)

    @classmethod
    def parse_over(cls, text: str, over: str) -> Any:
        if not over:
            raise InputError(
                f"sweep workers: name the link, as in workers:nvlink4=1,2,4; links: {', '.join(link_names())}"
            )
        load_link(over)
        return Workers(cls.parse(text), over)

    @classmethod
    def changed(cls, work: Workload, value: Any) -> Workload:
        if work.training is None:
            raise InputError("sweep workers needs a finished run, which defines how the network is trained")
        return work.with_setting(workers=value)

    @classmethod
    def label(cls, value: Any) -> str:
        return str(value.count)

    @classmethod
    def place(cls, value: Any) -> float | None:
        return float(value.count)
