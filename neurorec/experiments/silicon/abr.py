"""Keyword spotting on CPU, GPU and Loihi (Blouw et al. 2019): what of it is fitted, what is to be predicted.

The logs have no licence, so the tables are read from a folder (see `find_measured`) and never committed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import InputError
from neurorec.hardware.calibrate import Measurement

ENDS = ("scaled_0x", "scaled_10x", "bsize_1", "bsize_64")  #: fitted, by protocol; every other run is predicted
BOARDS = {"xeon_e5_2630": "cpu", "quadro_k4000": "gpu"}


@dataclass(frozen=True)
class Runs:
    """The runs of one device: `ends` may be fitted, `rest` not."""

    ends: list[Measurement]
    rest: list[Measurement]


def find_measured(folder: Path | None) -> Path:
    """The folder of measured tables: the one given, or ../shared/facts/measured beside the checkout."""
    tried = [folder] if folder else [PACKAGE.parent.parent / "shared" / "facts" / "measured"]
    for place in tried:
        if (place / "abr_kws_measured.csv").is_file():
            return place
    raise InputError(
        f"{tried[0]}: no abr_kws_measured.csv here; name the folder of the measured tables as the argument "
        "(python -m neurorec.experiments.silicon FOLDER)"
    )


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keyword_runs(folder: Path, device: str) -> Runs:
    """All runs of `device` ("cpu" or "gpu")."""
    ends, rest = [], []
    for row in read_rows(folder / "abr_kws_measured.csv"):
        if row["hw"] == device:
            name = row["run"].removeprefix(f"{device}_")
            (ends if name in ENDS else rest).append(_measurement(row))
    return Runs(ends, rest)


def _measurement(row: dict[str, str]) -> Measurement:
    idle_W = float(row["total_W"]) - float(row["dynamic_W_vs_boot_idle"])
    return Measurement(
        where=row["run"],
        operations=float(row["dense_macs_per_inf"]),
        batch=int(row["batch"]),
        energy_uJ=float(row["tot_J_per_inf"]) * 1e6,
        time_us=1e6 / float(row["inf_per_s"]),
        idle_mW=idle_W * 1e3,
    )
