"""Keyword spotting on CPU, GPU and Loihi (Blouw et al. 2019): which runs are fitted, which are predicted.

The logs have no licence, so the tables are read from a folder (see `find_measured`) and not committed.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import InputError
from neurorec.hardware.calibrate import Measurement

BOARDS = {"xeon_e5_2630": "cpu", "quadro_k4000": "gpu"}


@dataclass(frozen=True)
class Runs:
    """The runs of one device: `ends` may be fitted, `rest` not."""

    ends: list[Measurement]
    rest: list[Measurement]


def find_measured() -> Path | None:
    """The folder named by NEUROREC_MEASURED, or ../shared/facts/measured next to the checkout, or None.

    Raises
    ------
    InputError
        If that folder has no tables.
    """
    named = os.environ.get("NEUROREC_MEASURED")
    folder = Path(named) if named else PACKAGE.parent.parent / "shared" / "facts" / "measured"
    if (folder / "abr_kws_measured.csv").is_file():
        return folder
    if named:
        raise InputError(
            f"NEUROREC_MEASURED: {folder}: there is no abr_kws_measured.csv; set it to the folder of the measured tables"
        )
    return None


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keyword_runs(folder: Path, device: str, fitted: Collection[str]) -> Runs:
    """All runs of `device` ("cpu" or "gpu"); those in `fitted` are the end points."""
    ends, rest = [], []
    for row in read_rows(folder / "abr_kws_measured.csv"):
        if row["hw"] == device:
            name = row["run"].removeprefix(f"{device}_")
            (ends if name in fitted else rest).append(_measurement(row))
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
