"""python -m benchmarks.cost_counts [--steps 1000] [--rounds 3]: SANA-FE's gesture network, priced here and by SANA-FE 2.2.

SANA-FE simulates the network and sums its energy in one go (`sim`, timing model "simple", all cores of the
machine). Here the activity is observed once (a run of the net), and counted, routed and priced from the sums. Building the
chip there and placing the network here are done once each and reported separately. Counts are checked
to be equal. Needs `pip install sanafe`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sanafe_chip import OPTIONS, dvs_core_of, dvs_network, sanafe_chip
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import Mapping, place
from neurorec.hardware.mapping.layout import Layout
from neurorec.hardware.mapping.net import net_of
from neurorec.hardware.mapping.routes import Ground, travel
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic, find_traffic
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.placed import Placed
from neurorec.hardware.pricing.price import price_placed
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.graph import ObservedGraph, observe_graph, observed_work

RESULT = Path(__file__).parent / "results" / "cost_counts.json"
CARD = load_chip("loihi1_sanafe")


def timed(action: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    found = action()
    return found, time.perf_counter() - start


def placed(seen: ObservedGraph) -> tuple[Mapping, SpikeTraffic]:
    """The net on the cores of SANA-FE's tutorial."""
    net, core_of = net_of(observed_work(seen), CARD), dvs_core_of()
    return place(net, CARD), find_traffic(net, Layout(core_of, int(core_of.max()) + 1))


def priced(seen: ObservedGraph, mapping: Mapping, traffic: SpikeTraffic) -> Cost:
    """From observed activity to joules: counts, routes, price."""
    units = [seen.sent[name] for name in seen.roles.units]
    spikes = traffic.with_spikes(np.concatenate([seen.input_spikes, *units]))
    travelled = travel(spikes, np.arange(traffic.cores), Ground.of(CARD, traffic.cores))
    across, along = travelled.hops
    mapping = replace(mapping, packets=travelled.packets, hops_east_west=across, hops_north_south=along)
    work = observed_work(seen)
    return price_placed("loihi1_sanafe", Placed(work, count_work(work), mapping, CARD))


def compare(sanafe: Any, steps: int, rounds: int) -> dict[str, Any]:
    graph, frame = dvs_network(sanafe)
    x = np.broadcast_to(frame, (steps, 1, *frame.shape)).astype(np.float32)
    chip, building_s = timed(lambda: sanafe_chip(sanafe, graph, dvs_core_of(), bias=frame))
    (mapping, traffic), placing_s = timed(lambda: placed(observe_graph(graph, x[:1], OPTIONS, "values")))
    found: dict[str, list[float]] = {"sanafe_sim_s": [], "ours_run_s": [], "ours_price_s": []}
    for _ in range(rounds):
        chip.reset()
        theirs, sim_s = timed(lambda: chip.sim(steps, timing_model="simple"))
        seen, run_s = timed(lambda: observe_graph(graph, x, OPTIONS, "values"))
        cost, price_s = timed(lambda seen=seen: priced(seen, mapping, traffic))
        for name, seconds in zip(found, (sim_s, run_s, price_s), strict=True):
            found[name].append(seconds)
        assert cost.operations is not None
        assert cost.operations.total.spikes == theirs["neurons_fired"]
        assert cost.mapping is not None
        assert cost.mapping.packets == theirs["packets_sent"]
    pairs = list(zip(*found.values(), strict=True))
    assert cost.dynamic_pJ is not None
    return {
        "steps": steps,
        "rounds": rounds,
        "sanafe_building_s": building_s,
        "ours_placing_s": placing_s,
        **{name: statistics.median(seconds) for name, seconds in found.items()},
        "times_faster_from_activity": statistics.median(sim / price for sim, _, price in pairs),
        "times_faster_with_the_run": statistics.median(sim / (run + price) for sim, run, price in pairs),
        "energy_by_theirs": cost.dynamic_pJ.value * 1e-12 / theirs["energy"]["total"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_counts", description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    try:
        import sanafe
    except ImportError:
        raise SystemExit("sanafe is not installed; pip install sanafe==2.2.9 into an environment of your own") from None
    found = compare(sanafe, asked.steps, asked.rounds)
    libraries = ("sanafe", "numpy", "scipy", "torch", "nir")
    found["machine"] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in libraries},
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    for name, value in found.items():
        print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
