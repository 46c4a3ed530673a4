"""What-if: the same workload priced repeatedly while one setting varies (`sweep_settings`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.pricing import sweep_settings as _settings  # noqa: F401 (importing registers)
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.price import price, refused
from neurorec.hardware.pricing.sweepable import Sweepable, settings
from neurorec.hardware.workload.workload import Workload

__all__ = ["Sweep", "Sweepable", "parse_sweep", "run_sweep", "settings"]


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
    named, sign, listed = text.partition("=")
    name, _, over = named.partition(":")
    if not sign or not listed:
        raise InputError(f'sweep "{text}": write SETTING=VALUE,VALUE; settings: {", ".join(settings)}')
    setting = settings[name]
    values = tuple(setting.parse_over(value.strip(), over) for value in listed.split(","))
    if len(set(values)) < len(values):
        raise InputError(f'sweep "{text}": a value occurs twice')
    return Sweep(name, values)


def run_sweep(work: Workload, sweep: Sweep, chips: Sequence[str]) -> dict[str, list[Cost]]:
    """For each chip one cost per value, in order; a chip that cannot price a value gives the reason."""
    changed = [sweep.setting.changed(work, value) for value in sweep.values]
    found: dict[str, list[Cost]] = {}
    for asked in chips:
        chip, name = load_chip(asked), Path(asked).stem
        found[name] = []
        for one, value in zip(changed, sweep.values, strict=True):
            there = sweep.setting.on_chip(work, chip, value)
            cost = refused(name, chip, there) if isinstance(there, str) else price(one, there)
            found[name].append(replace(cost, chip=name))
    return found
