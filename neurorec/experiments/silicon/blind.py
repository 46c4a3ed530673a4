"""Predictions of points whose measurements we have not seen, for those who have.

For the Loihi board of the size sweep, time and power are modelled separately from the two given sizes: power is a straight line
in operations (activity is proportional to neurons and synapses), the time per inference lies midway between a straight line and
a power law, as on every calibrated board. Both are fitted to that board; the chip cards are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurorec.basics.errors import needed
from neurorec.experiments.silicon.abr import read_rows
from neurorec.hardware.calibrate.law_fit import Rows, disagreement, fit
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import Description, described_work


@dataclass(frozen=True)
class Blind:
    """`from_what`: basis of the prediction."""

    point: str
    value: float
    low: float
    high: float
    unit: str
    from_what: str


def operations_of(branches: int) -> int:
    """Multiply-accumulates of the scaling network with that many branches."""
    return 99_840 + 655_360 * branches + 65_536 * max(branches, 1) + 7_424


def loihi_sweep(folder: Path, branches: list[int]) -> list[Blind]:
    """Total energy per inference, and the part above the board's idle power after a run (activity)."""
    count = "n_copies(-1=keyword spotter)"
    rows = [row for row in read_rows(folder / "abr_loihi_rails.csv") if row[count] in ("0", "10")]
    sizes = np.array([float(operations_of(int(row[count]))) for row in rows])
    times = Rows(sizes, np.ones(len(rows)), np.array([float(row["ms_per_inf"]) * 1e3 for row in rows]))
    time_us, found = fit(times), []
    apart = disagreement(time_us, times)
    for column, to_W, what in (("run_W", 1.0, "total"), ("run_minus_post_mW", 1e-3, "run minus idle after a run")):
        slope, floor = np.polyfit(sizes, [float(row[column]) * to_W for row in rows], 1)
        for n in branches:
            uJ = float(floor + slope * operations_of(n)) * time_us.at(operations_of(n), 1)
            said = "this board at N = 0 and 10: power linear, time midway"
            found.append(Blind(f"Loihi size sweep, N = {n}, {what}", uJ, uJ / apart, uJ * apart, "µJ", said))
    return found


def blind_predictions() -> list[Blind]:
    """Chip cards, without any fit: nearest neighbours on Loihi, and TrueNorth at rates between its two points."""
    found = []
    for chip in ("loihi1", "loihi1_sanafe"):
        cost = price(described_work(_nearest_neighbours()), chip)
        dynamic_pJ = needed(
            cost.dynamic_pJ, f'chip "{chip}" has no dynamic energy for nearest neighbours: {cost.why_not}'
        )
        said = [pJ * 1e-6 for pJ in (dynamic_pJ.value, dynamic_pJ.low, dynamic_pJ.high)]
        found.append(Blind("nearest neighbours, one query, dynamic", said[0], said[1], said[2], "µJ", f"card {chip}"))
    for rate_Hz in (20.0, 50.0):
        cost = price(described_work(_truenorth(rate_Hz)), "truenorth")
        energy_pJ = needed(cost.energy_pJ, f'chip "truenorth" has no energy at {rate_Hz:g} Hz: {cost.why_not}')
        mW = [pJ * 1e-9 for pJ in (energy_pJ.value, energy_pJ.low, energy_pJ.high)]
        found.append(Blind(f"TrueNorth, {rate_Hz:g} Hz, 0.8 V", mW[0], mW[1], mW[2], "mW", "card truenorth"))
    return found


def _nearest_neighbours() -> Description:
    """docs/networks/knn_pohoiki_springs.toml."""
    lines = {"size": 750, "signal": "spikes", "spikes_per_inference": 708.5}
    layer = {"name": "neighbours", "size": 76_800, "spikes_per_step": 0.0}
    return Description.model_validate({"about": "k-NN", "neuron": "lif", "steps": 60, "input": lines, "layer": [layer]})


def _truenorth(rate_Hz: float) -> Description:
    """One second of docs/networks/truenorth_sweep.toml at another rate."""
    layer = {"name": "chip", "size": 1_048_576, "recurrent_fan_in": 128, "rate_Hz": rate_Hz}
    return Description.model_validate(
        {"about": "sweep", "neuron": "lif", "steps": 1000, "dt_ms": 1.0, "layer": [layer]}
    )
