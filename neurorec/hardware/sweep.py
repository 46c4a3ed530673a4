"""What-if: the same net priced again while one setting changes. A setting is a class here and one `@settings.register`.

A setting says what it does to the net (`changed`), or to the chip where the net stays as it is (`on_chip`), and by which law;
the law is printed under the table. Nothing is scaled silently: what a card cannot say is refused by the pricing itself, and the
reason stands in the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry
from neurorec.hardware.bill import Cost
from neurorec.hardware.case import Case, TrainedNet
from neurorec.hardware.chip import Chip, load_chip
from neurorec.hardware.cost import refused
from neurorec.hardware.precision import parse_precision

settings: Registry[type[Sweepable]] = Registry("sweep setting")


class Sweepable(ABC):
    """One setting that can be varied."""

    title: ClassVar[str]  #: on the axis, with its unit
    law: ClassVar[str]  #: what changes with it, by which rule or source

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Any:
        """One value from the command line. Raises `InputError`."""

    @classmethod
    def changed(cls, case: Case, value: Any) -> Case:
        """The net under that value. Raises `InputError` where this net has no such setting."""
        return case

    @classmethod
    def on_chip(cls, case: Case, chip: Chip, value: Any) -> Chip | str:
        """The chip under that value, or the reason why it has no such setting."""
        return chip

    @classmethod
    def label(cls, value: Any) -> str:
        return f"{value:g}"


def whole_number(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f'--sweep {name}: "{text}" is no whole number from 1 on')
    return int(text)


def decimal_number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f'--sweep {name}: "{text}" is no number') from None


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


@dataclass(frozen=True)
class Sweep:
    """One setting, and the values to try."""

    name: str
    values: tuple[Any, ...]

    @property
    def setting(self) -> type[Sweepable]:
        return settings[self.name]

    def label(self, value: Any) -> str:
        return self.setting.label(value)


def parse_sweep(text: str) -> Sweep:
    """ "precision=8,16,32". Raises `InputError` naming the known settings."""
    name, sign, listed = text.partition("=")
    if not sign or not listed:
        raise InputError(f'--sweep "{text}": write SETTING=VALUE,VALUE; settings: {", ".join(settings)}')
    setting = settings[name]
    values = tuple(setting.parse(value.strip()) for value in listed.split(","))
    if len(set(values)) < len(values):
        raise InputError(f'--sweep "{text}": a value stands there twice')
    return Sweep(name, values)


def run_sweep(case: Case, sweep: Sweep, chips: Sequence[str]) -> dict[str, list[Cost]]:
    """For each chip one cost a value, in their order; a chip that cannot price a value says why."""
    cases = [sweep.setting.changed(case, value) for value in sweep.values]
    found: dict[str, list[Cost]] = {}
    for asked in chips:
        chip, name = load_chip(asked), Path(asked).stem
        found[name] = []
        for one, value in zip(cases, sweep.values, strict=True):
            there = sweep.setting.on_chip(case, chip, value)
            cost = refused(name, chip, there) if isinstance(there, str) else one.price(there)
            found[name].append(replace(cost, chip=name))
    return found
