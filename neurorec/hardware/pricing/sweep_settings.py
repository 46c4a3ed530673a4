"""The settings that `neurorec cost --sweep` can vary: one class each. A setting of your own is one more."""

from __future__ import annotations

from typing import Any

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.link import link_names, load_link
from neurorec.hardware.chips.precision import parse_precision
from neurorec.hardware.pricing.bill import Workers
from neurorec.hardware.pricing.case import Case, TrainedNet
from neurorec.hardware.pricing.sweepable import Sweepable, decimal_number, settings, whole_number


@settings.register("precision")
class ByPrecision(Sweepable):
    title = "data type of weights, states and values"
    law = (
        "bits moved follow the width of the type; arithmetic costs what the card states for each type, from its source "
        "there, and nothing is scaled; accuracy in that type is not claimed"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return parse_precision(text)

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        return case.with_setting(precision=value)

    @classmethod
    def label(cls, value: Any) -> str:
        return value.name


@settings.register("sparsity")
class BySparsity(Sweepable):
    title = "share of the spikes taken away"
    law = "every line's spikes times 1 - sparsity; values are sent as before; accuracy with fewer spikes is not claimed"

    @classmethod
    def parse(cls, text: str) -> Any:
        value = decimal_number("sparsity", text)
        if not 0 <= value <= 1:
            raise InputError(f"--sweep sparsity: {text} is no share; give 0 (as observed) to 1 (no spike)")
        return value

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        if not case.has_spikes:
            raise InputError("--sweep sparsity: all lines of this net carry values, so no spike can be taken away")
        return case.with_sparsity(value)


@settings.register("dt_ms")
class ByTimeStep(Sweepable):
    title = "time step (ms)"
    law = (
        "the same milliseconds of input in shorter or longer steps: spikes a second stay, updates and values a second "
        "follow the step; accuracy at that step is not claimed"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        value = decimal_number("dt_ms", text)
        if value <= 0:
            raise InputError(f"--sweep dt_ms: a step lasts longer than {text} ms")
        return value

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        if case.dt_ms is None:
            raise InputError("--sweep dt_ms: the steps of this net stand for no time (its card has no dt_ms)")
        lasts_ms = case.steps * case.dt_ms
        steps = round(lasts_ms / value)
        if steps < 1 or abs(steps * value - lasts_ms) > 1e-6 * lasts_ms:
            raise InputError(f"--sweep dt_ms: {lasts_ms:g} ms of input are no whole number of steps of {value:g} ms")
        busiest = case.most_spikes_per_step * value / case.dt_ms
        if busiest > 1:
            raise InputError(
                f"--sweep dt_ms: with {value:g} ms a line would spike {busiest:.3g} times in a step; take shorter steps"
            )
        return case.with_steps(steps, value)


@settings.register("batch")
class ByBatch(Sweepable):
    title = "inferences in a batch"
    law = "the batch term of the card, fitted to metered points; a card without one prices single inferences only"

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("batch", text)

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        return case.with_setting(batch=value)


@settings.register("chips")
class ByChips(Sweepable):
    title = "chips"
    law = (
        "the cores that the net needs, shared evenly over that many chips; each is charged its static power, and packets "
        "between chips have the price that the card states, if any"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("chips", text)

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        if isinstance(case, TrainedNet):
            raise InputError(
                "--sweep chips: a stored run is placed on one chip; describe the net and use --network (docs/networks/)"
            )
        return case

    @classmethod
    def on_chip(cls, case: Case, chip: Chip, value: Any) -> Chip | str:
        limit = chip.limits.cores
        if chip.network is None or limit is None:
            return "its card says nothing of cores and of a network that could reach a second chip"
        plain = case.price(chip)
        if plain.mapping is None:
            return plain.why_not
        cores = len(plain.mapping.cores)
        each = -(-cores // value)
        if each > limit.count or -(-cores // each) != value:
            return f"its {cores} cores cannot be shared evenly over {value} chips of {limit.count}"
        few = limit.model_copy(update={"count": each})
        return chip.model_copy(update={"limits": chip.limits.model_copy(update={"cores": few})})


@settings.register("workers")
class ByWorkers(Sweepable):
    title = "workers that train together"
    law = (
        "each worker is such a chip and takes its share of every batch; at every update a ring all-reduce over the link "
        "adds up all gradients in float32; joules are those of all workers, an inference stays as it is"
    )

    @classmethod
    def parse(cls, text: str) -> Any:
        return whole_number("workers", text)

    @classmethod
    def parse_over(cls, text: str, over: str) -> Any:
        if not over:
            raise InputError(
                f"--sweep workers: say over which link, as in workers:nvlink4=1,2,4; links: {', '.join(link_names())}"
            )
        load_link(over)
        return Workers(cls.parse(text), over)

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        if not isinstance(case, TrainedNet):
            raise InputError("--sweep workers needs a finished run: a description says nothing about how it is trained")
        return case.with_setting(workers=value)

    @classmethod
    def label(cls, value: Any) -> str:
        return str(value.count)

    @classmethod
    def place(cls, value: Any) -> float | None:
        return float(value.count)
