"""MLPerf Tiny v1.0: each task predicted from the other tasks of the same device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from neurorec.experiments.silicon.abr import read_rows
from neurorec.experiments.silicon.rivals import keras_uJ
from neurorec.experiments.silicon.score import Point, Score, spread_band


def tiny_scores(folder: Path) -> list[Score]:
    """One price per multiply-accumulate; on GAP9, where that fails, also with a fixed cost."""
    table: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(folder / "mlperf_tiny_v1.0_energy.csv"):
        table.setdefault(f"{row['device']} {row['stack']}".strip(), []).append(row)
    groups = {
        "microcontrollers": [name for name in table if name.startswith("STM32")],
        "GAP9": [name for name in table if name.startswith("GAP9")],
        "NDP9120": [name for name in table if name.startswith("Syntiant")],
    }
    rival = "KerasSpiking's ARM price"
    scores = []
    for group, devices in groups.items():
        points = [point for device in devices for point in _leave_one_out(device, table[device], affine=False)]
        scores.append(Score(f"MLPerf Tiny, {group}, price per operation", rival, points))
        if group == "GAP9":  # the other device has three tasks: the remaining two determine both terms exactly
            bent = [point for device in devices for point in _leave_one_out(device, table[device], affine=True)]
            scores.append(Score(f"MLPerf Tiny, {group}, price per operation plus fixed cost", rival, bent))
    return scores


def _leave_one_out(device: str, rows: list[dict[str, str]], affine: bool) -> list[Point]:
    macs = np.array([float(row["int8_MACs"]) for row in rows])
    energy = np.array([float(row["median_uJ_per_inf"]) for row in rows])
    points = []
    for at, row in enumerate(rows):
        rest = np.arange(len(rows)) != at
        prices = energy[rest] / macs[rest]
        if affine:
            terms = nnls(np.stack([1 / energy[rest], macs[rest] / energy[rest]], axis=1), np.ones(rest.sum()))[0]
            said = float(terms[0] + terms[1] * macs[at])
            low, high = spread_band(said, (terms[0] + terms[1] * macs[rest]) / energy[rest])
        else:
            said = float(prices.mean()) * macs[at]
            low, high = spread_band(said, prices)
        points.append(Point(device, row["task"], "uJ", energy[at], said, low, high, keras_uJ("arm", macs[at])))
    return points
