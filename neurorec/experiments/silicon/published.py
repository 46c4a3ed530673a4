"""TrueNorth, ODIN and the cortical microcircuit: published operating points compared with cards and with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurorec.basics.cards import read_toml
from neurorec.basics.errors import needed
from neurorec.experiments.silicon.rivals import KERAS_PJ, TRUENORTH_EVENT_PJ
from neurorec.experiments.silicon.score import Point, Score, spread_band
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import Description, described_work

RIVAL_OF = {"Xeon E5-2680v3": "cpu", "EPYC 7702": "cpu", "SpiNNaker 1": "spinnaker", "GPU": "gpu"}


def _table(name: str) -> list[dict[str, Any]]:
    return read_toml(Path(__file__).with_name("points.toml"))[name]


def chip_scores() -> list[Score]:
    """Mean power of described networks on the cards."""
    at_law, elsewhere = [], []
    for row in _table("truenorth"):
        events = 1_048_576 * row["synapses"] * row["rate_Hz"]
        point = _power(_sweep(row["rate_Hz"], row["synapses"]), "truenorth", row["mW"], TRUENORTH_EVENT_PJ * events * 1e-9,
                       f"{row['rate_Hz']} Hz, {row['synapses']} synapses, {row['volts']} V", row["volts"] == 0.8)  # fmt: skip
        (at_law if row["volts"] == 0.8 else elsewhere).append(point)
    odin = [
        _power(_odin(row["events_per_s"], row["clock_MHz"]), "odin", row["mW"], None, f"{row['clock_MHz']} MHz", False)
        for row in _table("odin")
    ]
    rival = f"{TRUENORTH_EVENT_PJ:g} pJ per event"
    return [
        Score("TrueNorth at 0.8 V", rival, at_law),
        Score("TrueNorth at other voltages, not covered by the card", rival, elsewhere),
        Score("ODIN, published law at its operating point", "-", odin),
    ]


def _power(net: Description, chip: str, mW: float, rival: float | None, name: str, fitted: bool) -> Point:
    cost = price(described_work(net), chip)
    energy_pJ = needed(cost.energy_pJ, f'chip "{chip}" has no energy for {name}: {cost.why_not}')
    latency_us = needed(
        cost.latency_us, f'chip "{chip}" has no latency, which is needed for power; add [time] to its card'
    )
    said, low, high = (pJ / latency_us.value * 1e-3 for pJ in (energy_pJ.value, energy_pJ.low, energy_pJ.high))
    return Point(chip, name, "mW", mW, said, low, high, rival, fitted)


def _sweep(rate_Hz: float, synapses: int) -> Description:
    layer = {"name": "chip", "size": 1_048_576, "recurrent_fan_in": synapses, "rate_Hz": rate_Hz}
    return Description.model_validate(
        {"about": "sweep", "neuron": "lif", "steps": 1000, "dt_ms": 1.0, "layer": [layer]}
    )


def _odin(events_per_s: float, clock_MHz: float) -> Description:
    lines = {"size": 256, "signal": "spikes", "spikes_per_inference": events_per_s / 256}
    layer = {"name": "crossbar", "size": 256, "spikes_per_step": 0.0}
    return Description.model_validate(
        {"about": "point", "neuron": "lif", "steps": 1000, "dt_ms": 1.0, "waits": True, "clock_MHz": clock_MHz,
         "input": lines, "layer": [layer]}
    )  # fmt: skip


def microcircuit_scores() -> list[Score]:
    """Each row predicted from the others of its kind of machine: power per node x nodes x run time, and without the time."""
    rows = _table("pd14")
    with_time, without = [], []
    for row in rows:
        rest = [other for other in rows if other is not row and other["kind"] == row["kind"]]
        if not rest:
            continue  # the only one of its kind: not predicted
        per_node = np.array([other["uJ_per_event"] / (other["nodes"] * other["real_time"]) for other in rest])
        with_time.append(_energy(row, per_node * row["nodes"] * row["real_time"]))
        without.append(_energy(row, np.array([other["uJ_per_event"] for other in rest])))
    rival = "KerasSpiking's table"
    return [
        Score("cortical microcircuit, power per node x measured time", rival, with_time),
        Score("cortical microcircuit, energy per event, time unknown", rival, without),
    ]


def _energy(row: dict[str, Any], said: np.ndarray) -> Point:
    """Geometric mean of the others."""
    value = float(np.exp(np.log(said).mean()))
    low, high = spread_band(value, said)
    rival = KERAS_PJ[RIVAL_OF[row["kind"]]] * 1e-6 if row["kind"] in RIVAL_OF else None
    return Point(row["kind"], row["name"], "uJ/event", row["uJ_per_event"], value, low, high, rival)
