"""Neurons and rules of plasticity to build event networks from; their numbers stand in the network, by the names used here.

Every pair of a neuron here and a rule here may be combined. To make your own, copy one: the equations are all there is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurorec.engines.event_network import EventPopulation, EventProjection, PoissonTrain, SpikeTrain
from neurorec.models.forms import NeuronModel


@dataclass(frozen=True)
class Plasticity:
    """Traces that both ends of a synapse carry, what their spikes do to them, and what w makes of it."""

    traces: str = ""
    reset: str = ""  #: before `on_post` and arriving spikes of the same step
    after: str = ""  #: after them
    on_pre: str = ""
    on_post: str = ""
    state: str = ""
    on_reward: str = ""


#: numbers: tau_mem, v_rest, v_threshold, v_reset in all; the others where they are named
NEURONS: dict[str, NeuronModel] = {
    "lif": NeuronModel(  # a spike moves the membrane itself
        "dv/dt = (v_rest - v) / tau_mem : 1 (unless refractory)", "v > v_threshold", "v = v_reset", "v_post += w", "exact"
    ),
    "cuba": NeuronModel(  # a spike moves a current, which decays
        "dv/dt = (v_rest - v + current) / tau_mem : 1 (unless refractory)\ndcurrent/dt = -current / tau_syn : 1",
        "v > v_threshold", "v = v_reset", "current_post += w", "exact",
    ),
    "coba": NeuronModel(  # a spike moves a conductance, which pulls v to v_reversal
        "dv/dt = (v_rest - v + g * (v_reversal - v)) / tau_mem : 1 (unless refractory)\ndg/dt = -g / tau_syn : 1",
        "v > v_threshold", "v = v_reset", "g_post += w",
    ),
    "adaptive": NeuronModel(  # each spike raises the threshold, and a current that opposes the next spike
        "dv/dt = (v_rest - v - a) / tau_mem : 1 (unless refractory)\n"
        "da/dt = (coupling * (v - v_rest) - a) / tau_adapt : 1\ndtheta/dt = -theta / tau_theta : 1",
        "v > v_threshold + theta", "v = v_reset\na += current_rise\ntheta += threshold_rise", "v_post += w",
    ),
    "izhikevich": NeuronModel(  # v in mV, time in units of tau_unit (1 ms)
        "dv/dt = (quadratic * v**2 + linear * v + offset - u) / tau_unit : 1\n"
        "du/dt = recovery * (coupling * v - u) / tau_unit : 1",
        "v >= v_threshold", "v = v_reset\nu += u_rise", "v_post += w",
    ),
}  # fmt: skip

_PAIR_TRACES = "dx/dt = -x / tau_plus : 1\ndy/dt = -y / tau_minus : 1"
_LOSS, _GAIN = "w = clip(w - depression * y_post, 0, weight_max)", "w = clip(w + potentiation * x_pre, 0, weight_max)"
#: numbers: tau_plus, tau_minus, potentiation, depression, weight_max; the others where they are named
RULES: dict[str, Plasticity] = {
    "static": Plasticity(),
    "pair": Plasticity(_PAIR_TRACES, "y += 1", "x += 1", _LOSS, _GAIN),
    "nearest": Plasticity(_PAIR_TRACES, "y = 1", "x = 1", _LOSS, _GAIN),  # only the last spike of either end counts
    "triplet": Plasticity(  # and the spike before the last one of the same end, which x2 and y2 remember
        _PAIR_TRACES + "\ndx2/dt = -x2 / tau_x : 1\ndy2/dt = -y2 / tau_y : 1", "y += 1", "x += 1\nx2 += 1\ny2 += 1",
        "w = clip(w - y_post * (depression + triplet_depression * x2_pre), 0, weight_max)",
        "w = clip(w + x_pre * (potentiation + triplet_potentiation * y2_post), 0, weight_max)",
    ),
    "reward": Plasticity(  # pairs mark the synapse (c, which fades); a reward turns the mark into weight
        _PAIR_TRACES, "y += 1", "x += 1", "c -= depression * y_post", "c += potentiation * x_pre",
        "dc/dt = -c / tau_mark : 1", "w = clip(w + reward * c, 0, weight_max)",
    ),
}  # fmt: skip


def neurons(size: int, model: NeuronModel, rule: Plasticity = RULES["static"], **more: Any) -> EventPopulation:
    """Neurons with the traces that `rule` needs; `more` is anything else that an `EventPopulation` takes."""
    return EventPopulation(
        size, model.fires, _lines(model.equations, rule.traces), reset=_lines(model.reset, rule.reset), after=rule.after,
        **{"method": model.method, **more},
    )  # fmt: skip


def input_lines(
    size: int, fires: SpikeTrain | PoissonTrain, rule: Plasticity = RULES["static"], **more: Any
) -> EventPopulation:
    """Lines of given or Poisson spikes, with the traces that `rule` needs."""
    return EventPopulation(size, fires, rule.traces, reset=rule.reset, after=rule.after, **more)


def synapses(
    source: str, target: str, weights: np.ndarray, onto: NeuronModel, rule: Plasticity = RULES["static"], **more: Any
) -> EventProjection:
    """Synapses onto neurons of the model `onto`, which learn by `rule`."""
    return EventProjection(
        source, target, weights, on_pre=_lines(onto.jump, rule.on_pre), on_post=rule.on_post, on_reward=rule.on_reward,
        state=rule.state, **more,
    )  # fmt: skip


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
