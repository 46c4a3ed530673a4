"""Keyword spotting: on CPU and GPU, the law through four end points compared with all other runs; Loihi's given points."""

from __future__ import annotations

from pathlib import Path

from neurorec.basics.errors import needed
from neurorec.experiments.silicon.abr import BOARDS, keyword_runs, read_rows
from neurorec.experiments.silicon.rivals import KERAS_PJ, keras_uJ
from neurorec.experiments.silicon.score import Point, Score
from neurorec.hardware.calibrate import Calibration, Measurement, calibrate
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import Description, described_work


def keyword_scores(folder: Path, fitted: list[str]) -> list[Score]:
    """Total and dynamic energy, separately."""
    scores = []
    for board, device in BOARDS.items():
        runs = keyword_runs(folder, device, fitted)
        law = calibrate(runs.ends)
        every = [(m, True) for m in runs.ends] + [(m, False) for m in runs.rest]
        total = [_point(board, device, law, m, is_end, dynamic=False) for m, is_end in every]
        dynamic = [_point(board, device, law, m, is_end, dynamic=True) for m, is_end in every]
        rival = "KerasSpiking's price per operation"
        scores.append(Score(f"keyword spotting, {board}, total", rival, total))
        scores.append(Score(f"keyword spotting, {board}, dynamic", rival, dynamic))
    return scores


def _point(board: str, device: str, law: Calibration, m: Measurement, fitted: bool, dynamic: bool) -> Point:
    if dynamic:
        missing = f"the law of {board} has no dynamic part, because its measurements have no idle_mW; add that column"
        said, measured = needed(law.dynamic_uJ(m.operations, m.batch), missing), m.dynamic_uJ
    else:
        said, measured = law.total_uJ(m.operations, m.batch), m.energy_uJ
    low, high = said / law.band_factor, said * law.band_factor
    return Point(board, m.where, "uJ", measured, said, low, high, keras_uJ(device, m.operations), fitted)


def affine_error(folder: Path, device: str, fitted: list[str], dynamic: bool) -> float:
    """The bar: straight lines through the same end points, in operations at batch 1 and in 1 / batch."""
    runs = keyword_runs(folder, device, fitted)
    value = (lambda m: m.dynamic_uJ) if dynamic else (lambda m: m.energy_uJ)
    small, large, one, many = (next(m for m in runs.ends if m.where.endswith(end)) for end in fitted)
    errors = []
    for m in runs.rest:
        if m.batch == 1:
            part = (m.operations - small.operations) / (large.operations - small.operations)
            said = value(small) + (value(large) - value(small)) * part
        else:
            part = (1 / m.batch - 1 / many.batch) / (1 - 1 / many.batch)
            said = value(many) + (value(one) - value(many)) * part
        errors.append(abs(said / value(m) - 1))
    return sum(errors) / len(errors)


def loihi_scores(folder: Path, spikes_per_step: float) -> list[Score]:
    """Activity energy (run minus idle after a run) and total of the spotter."""
    rows = read_rows(folder / "abr_loihi_rails.csv")
    spotter = [row for row in rows if row["n_copies(-1=keyword spotter)"] == "-1"]
    active_uJ = sum(float(row["run_minus_post_uJ_per_inf"]) for row in spotter) / len(spotter)
    total_uJ = sum(float(row["run_W"]) * float(row["ms_per_inf"]) * 1e3 for row in spotter) / len(spotter)
    net, points = spiking_spotter(spikes_per_step), ([], [])
    dynamic = price(described_work(net), "loihi1_sanafe").dynamic_pJ
    sanafe_uJ = dynamic.value * 1e-6 if dynamic else None  # SANA-FE counts no static power
    for chip in ("loihi1", "loihi1_sanafe"):
        cost = price(described_work(net), chip)
        missing = f'chip "{chip}" has no price for the keyword spotter: {cost.why_not}'
        operations, bands = needed(cost.operations, missing), (cost.dynamic_pJ, cost.energy_pJ)
        counted = operations.total
        updates = counted.neuron_updates + counted.values_sent
        keras = KERAS_PJ["loihi"] * counted.synaptic_events + KERAS_PJ["loihi_neuron"] * updates
        rival = keras * 1e-6 / operations.samples
        for at, (measured, pJ) in enumerate(zip((active_uJ, total_uJ), bands, strict=True)):
            band = needed(pJ, missing)
            said = [number * 1e-6 for number in (band.value, band.low, band.high)]
            name = "spotter, mean of 5 runs"
            points[at].append(Point(chip, name, "uJ", measured, said[0], said[1], said[2], rival, sanafe=sanafe_uJ))
    rival = "KerasSpiking's table"
    return [
        Score("keyword spotter, Loihi cards, activity", rival, points[0]),
        Score("keyword spotter, Loihi cards, total", rival, points[1]),
    ]


def spiking_spotter(spikes_per_step: float) -> Description:
    layers = [{"name": name, "size": 256, "spikes_per_step": spikes_per_step} for name in ("first", "second")]
    return Description.model_validate(
        {
            "about": "spiking keyword spotter",
            "neuron": "lif",
            "steps": 10,
            "input": {"size": 390, "signal": "spikes", "spikes_per_step": spikes_per_step},
            "layer": [*layers, {"name": "letters", "size": 29}],
        }
    )
