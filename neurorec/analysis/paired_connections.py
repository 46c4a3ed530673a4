"""Connections among neurons that learn by triplet or pair STDP, after Clopath et al. (2010).

Ten LIF neurons are connected all to all, and each fires when its own input line does. Rate code: lines fire at random, at 5
to 50 Hz. Sequence: they fire one after the other, 20 ms apart, repeatedly.

For independent spikes of rates r_pre and r_post, the minimal triplet rule of Pfister and Gerstner (2006) changes weights by

    r_pre r_post (A3+ tau+ tau_y r_post - A2- tau-)

per unit of time, which is positive above r_post = A2- tau- / (A3+ tau+ tau_y) = 19.2 Hz; pair STDP changes them by
r_pre r_post (A+ tau+ - A- tau-), whose sign does not depend on rates.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Picture, Raster, series
from neurorec.basics.cards import Card
from neurorec.engines.event_models import NEURONS, RULES, input_lines, neurons, synapses
from neurorec.engines.event_network import EventNetwork, PoissonTrain, SpikeTrain
from neurorec.engines.on_plastic import run_network

SIZE, DT_MS, INTERVAL_MS, SHOWN_MS = 10, 0.5, 20.0, 1000.0
RATES_HZ = np.linspace(5.0, 50.0, SIZE)
SLOW, FAST = (
    RATES_HZ <= 15.0,
    RATES_HZ >= 25.0,
)  #: clearly below and above the rate at which the triplet rule changes sign
WEIGHT_MAX, START, STRONG = 0.05, 0.5, 2 / 3  #: in units of the threshold; the others in units of the maximum
DEPRESSION, TRIPLET_POTENTIATION = 7.1e-3, 6.5e-3  #: A2- and A3+, in units of the maximal weight
TIMES_MS = {"tau_mem": 20.0, "tau_plus": 16.8, "tau_minus": 33.7, "tau_x": 101.0, "tau_y": 114.0}
_UNITS = {"v_rest": 0.0, "v_threshold": 1.0, "v_reset": 0.0, "weight_max": WEIGHT_MAX}


class PairedSettings(Card):
    rule: Literal["triplet", "pair"]
    code: Literal["rates", "sequence"]
    balance: Annotated[float, Field(gt=0, le=10)] = 1.05  #: of the pair rule: A- tau- over A+ tau+
    time_s: Annotated[float, Field(ge=1, le=1e4)]


def connected(settings: PairedSettings) -> EventNetwork:
    rule, model = RULES[settings.rule], NEURONS["lif"]
    if settings.rule == "triplet":
        sizes = {"potentiation": 0.0, "triplet_potentiation": TRIPLET_POTENTIATION, "triplet_depression": 0.0}
    else:
        sizes = {"potentiation": DEPRESSION * TIMES_MS["tau_minus"] / TIMES_MS["tau_plus"] / settings.balance}
    changes = {name: size * WEIGHT_MAX for name, size in {"depression": DEPRESSION, **sizes}.items()}
    turn = np.arange(int(settings.time_s * 1000.0 / INTERVAL_MS))
    sequence = SpikeTrain((turn * INTERVAL_MS / DT_MS).astype(np.int64), turn % SIZE)
    pre, post = np.nonzero(~np.eye(SIZE, dtype=bool))
    return EventNetwork(
        DT_MS,
        {
            "lines": input_lines(SIZE, PoissonTrain(RATES_HZ) if settings.code == "rates" else sequence),
            "neurons": neurons(SIZE, model, rule, refractory_ms=2.0),
        },
        {
            "drive": synapses("lines", "neurons", np.eye(SIZE) * 2.0, model),
            "among": synapses(
                "neurons", "neurons", np.full(len(pre), START * WEIGHT_MAX), model, rule, pre=pre, post=post, delay_ms=1.0
            ),
        },
        TIMES_MS, {**_UNITS, **changes},
    )  # fmt: skip


def bidirectional(strong: np.ndarray, members: np.ndarray) -> float:
    """The share of pairs of these neurons that are strongly connected both ways."""
    among = strong[np.ix_(members, members)]
    pairs = np.triu_indices(int(members.sum()), 1)
    return float((among & among.T)[pairs].mean())


@analyses.register("paired_connections")
class PairedConnections(Analysis):
    """A connection is strong above two thirds of the maximum. Neurons of 5 to 15 Hz are slow, those from 25 Hz are fast."""

    about = "Ten neurons that learn by triplet or pair STDP: which of them become connected both ways"
    sources = ("clopath2010", "pfister2006")
    Settings = PairedSettings
    example = {"rule": "triplet", "code": "rates", "time_s": 10.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "bidirectional": Value("share of all pairs that are strongly connected both ways"),
        "bidirectional, fast": Value("the same among fast neurons (rates)", higher_is_better=True),
        "bidirectional, slow": Value("the same among slow neurons (rates)", higher_is_better=False),
        "forward only": Value(
            "share of neurons that are strongly connected to their successor, and not back (sequence)", higher_is_better=True
        ),
        "strong": Value("share of connections that are strong"),
        "rate": Value("mean rate of the neurons", "Hz"),
    }  # fmt: skip

    def run(self, settings: PairedSettings, seed: int) -> Found:
        network = connected(settings)
        seen = run_network(network, round(settings.time_s * 1000.0 / DT_MS), seed, record=["neurons"])
        among = network.projections["among"]
        weights = np.zeros((SIZE, SIZE))
        weights[among.pre, among.post] = seen.weights["among"] / WEIGHT_MAX
        strong, by_rates, after = weights > STRONG, settings.code == "rates", np.roll(np.arange(SIZE), -1)
        forward = strong[np.arange(SIZE), after] & ~strong[after, np.arange(SIZE)]
        values = {
            "bidirectional": bidirectional(strong, np.ones(SIZE, bool)),
            "bidirectional, fast": bidirectional(strong, FAST) if by_rates else float("nan"),
            "bidirectional, slow": bidirectional(strong, SLOW) if by_rates else float("nan"),
            "forward only": float("nan") if by_rates else float(forward.mean()),
            "strong": float(strong.sum() / (SIZE * (SIZE - 1))),
            "rate": seen.counts["neurons"] / SIZE / settings.time_s,
        }
        figures = _matrix(weights), _raster(*seen.spikes["neurons"])
        return Found(values, (*figures, _rates(seen.spikes["neurons"][1], settings)) if by_rates else figures)


def _matrix(weights: np.ndarray) -> Picture:
    names = [f"{number}" for number in range(1, SIZE + 1)]
    return Picture(
        "Weights after learning", "Relative to the maximum; a pair is bidirectional if both entries are strong.",
        "to neuron", "from neuron", weights.tolist(), "weight over its maximum", names, names,
    )  # fmt: skip


def _raster(steps: np.ndarray, who: np.ndarray) -> Raster:
    shown = steps * DT_MS < SHOWN_MS
    return Raster("Spikes", "The first second.", (steps[shown] * DT_MS).tolist(), (who[shown] + 1).tolist())


def _rates(who: np.ndarray, settings: PairedSettings) -> Curves:
    rates = np.bincount(who, minlength=SIZE) / settings.time_s
    return Curves(
        "Rates of the neurons", "The line: where the triplet rule changes sign for independent spikes.", "neuron", "rate (Hz)",
        {"neurons": series(range(1, SIZE + 1), rates)}, level=crossing_Hz(),
    )  # fmt: skip


def crossing_Hz() -> float:
    """The rate of the target at which the triplet rule changes sign for independent spikes."""
    gain = TRIPLET_POTENTIATION * TIMES_MS["tau_plus"] * TIMES_MS["tau_y"] / 1000.0
    return DEPRESSION * TIMES_MS["tau_minus"] / gain
