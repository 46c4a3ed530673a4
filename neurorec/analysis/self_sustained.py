"""The balanced networks of Vogels and Abbott: how long they stay active by themselves, and how irregularly."""

from typing import Annotated, Literal

from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.brunel_states import BIN_MS, network_figures
from neurorec.analysis.found import Found
from neurorec.analysis.spike_statistics import activity, after, irregularity, synchrony
from neurorec.analysis.vogels_abbott import DT_MS, coba, cuba
from neurorec.basics.cards import Card
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.on_plastic import run_network

NETWORKS = {"coba": coba, "cuba": cuba}


class SelfSustainedSettings(Card):
    network: Literal["coba", "cuba"]  #: conductances, started by a kick; or currents, with a drive above the threshold
    size: Annotated[int, Field(ge=200, le=50_000)]  #: neurons; the benchmark has 4,000
    before_ms: Annotated[float, Field(ge=0, le=1e5)]  #: not measured
    time_ms: Annotated[float, Field(ge=50, le=1e6)]


@analyses.register("vogels_abbott")
class SelfSustained(Analysis):
    """Simulated by the plastic engine. Baselines: the same network with synapses without effect."""

    about = "The balanced networks COBA and CUBA of Vogels and Abbott: activity without external input"
    sources = ("vogels2005", "brette2007")
    Settings = SelfSustainedSettings
    example = {"network": "coba", "size": 1000, "before_ms": 50.0, "time_ms": 200.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "active for": Value("time of the last spike after the kick, or all the simulated time", "ms", higher_is_better=True),
        "rate": Value("mean rate of all neurons", "Hz"),
        "CV of intervals": Value("coefficient of variation of the intervals of a neuron, mean", higher_is_better=True),
        "synchrony": Value("variance over mean of the number of spikes of all neurons in 0.5 ms; 1 if they are independent"),
    }  # fmt: skip

    def run(self, settings: SelfSustainedSettings, seed: int) -> Found:
        before, steps = round(settings.before_ms / DT_MS), round(settings.time_ms / DT_MS)

        def measured(coupled: bool) -> tuple[dict[str, float], tuple]:
            random = numpy_generator(seed, f"network {settings.network}")
            run = run_network(NETWORKS[settings.network](random, settings.size, coupled), before + steps)
            spikes = run.spikes["neurons"]
            late = after(spikes, before)
            late = (late[0] - before, late[1])
            course = activity(late, settings.size, steps, DT_MS, BIN_MS)
            values = {
                "active for": float(spikes[0][-1] + 1) * DT_MS if len(spikes[0]) else 0.0,
                "rate": len(late[0]) / settings.size / steps / DT_MS * 1000.0,
                "CV of intervals": irregularity(late, settings.size), "synchrony": synchrony(course, settings.size, BIN_MS),
            }  # fmt: skip
            return values, network_figures(late, course, steps)

        values, figures = measured(True)
        alone, _ = measured(False)
        known = {name: ("synapses without effect", value) for name, value in alone.items() if value == value}
        return Found(values, figures, known)
