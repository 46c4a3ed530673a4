"""How a net is run, where the caller says so."""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.hardware.chips.precision import Precision


@dataclass(frozen=True)
class Workers:
    """Replicas that share every batch and add up their gradients round a ring over `link`."""

    count: int
    link: str


@dataclass(frozen=True)
class Setting:
    """What a chip is asked beyond the net itself."""

    batch: int = 1  #: inferences at once
    clock_MHz: float | None = None
    waits: bool = False  #: each step takes the net's dt_ms, even where the chip could go faster
    precision: Precision | None = None  #: None: the one that the chip's prices are for, or float32
    workers: Workers | None = None  #: who train together; None: one chip alone
    annealed: bool = False  #: cores are moved so that spikes travel less
    partitioned: bool = False  #: neurons are shared out so that spikes travel less
