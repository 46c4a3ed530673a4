"""Settings of a workload, chosen by the caller."""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.hardware.chips.precision import Precision


@dataclass(frozen=True)
class Workers:
    """Replicas that share every batch and sum their gradients with a ring all-reduce over `link`."""

    count: int
    link: str


@dataclass(frozen=True)
class Setting:
    """How the workload is to be executed."""

    batch: int = 1  #: inferences per batch
    clock_MHz: float | None = None
    waits: bool = False  #: each step takes the network's dt_ms, even if the chip could run faster
    precision: Precision | None = None  #: None: that of the chip's prices, or float32
    workers: Workers | None = None  #: workers that train together; None: a single chip
    annealed: bool = False  #: cores are rearranged to shorten the paths of spikes
    partitioned: bool = False  #: neurons are assigned to cores to shorten the paths of spikes
