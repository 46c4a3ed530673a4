"""Ready-made neurons and plasticity rules for event networks; parameter values are set in the network, under the same names.

Any neuron can be combined with any rule. To make your own, copy one and change its equations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurorec.engines.event_network import EventPopulation, EventProjection, PoissonTrain, SpikeTrain
from neurorec.models.forms import NeuronModel


@dataclass(frozen=True)
class Plasticity:
    """Traces at both ends of a synapse, the effect of spikes on them, and the change of w."""

    traces: str = ""
    reset: str = ""  #: before `on_post` and arriving spikes of the same step
    after: str = ""  #: after them
    on_pre: str = ""
    on_post: str = ""
    state: str = ""
    on_reward: str = ""


#: parameters: tau_mem, v_rest, v_threshold, v_reset in all models; others as used in the equations
NEURONS: dict[str, NeuronModel] = {
    "lif": NeuronModel(  # a spike changes the membrane potential directly
        "dv/dt = (v_rest - v) / tau_mem : 1 (unless refractory)", "v > v_threshold", "v = v_reset", "v_post += w", "exact"
    ),
    "cuba": NeuronModel(  # a spike changes a current, which decays
        "dv/dt = (v_rest - v + current) / tau_mem : 1 (unless refractory)\ndcurrent/dt = -current / tau_syn : 1",
        "v > v_threshold", "v = v_reset", "current_post += w", "exact",
    ),
    "coba": NeuronModel(  # a spike changes a conductance, which pulls v towards v_reversal
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
#: parameters: tau_plus, tau_minus, potentiation, depression, weight_max; others as used in the equations
RULES: dict[str, Plasticity] = {
    "static": Plasticity(),
    "pair": Plasticity(_PAIR_TRACES, "y += 1", "x += 1", _LOSS, _GAIN),
    "nearest": Plasticity(_PAIR_TRACES, "y = 1", "x = 1", _LOSS, _GAIN),  # only the last spike at each end counts
    "triplet": Plasticity(  # with traces x2 and y2 of earlier spikes at the same end
        _PAIR_TRACES + "\ndx2/dt = -x2 / tau_x : 1\ndy2/dt = -y2 / tau_y : 1", "y += 1", "x += 1\nx2 += 1\ny2 += 1",
        "w = clip(w - y_post * (depression + triplet_depression * x2_pre), 0, weight_max)",
        "w = clip(w + x_pre * (potentiation + triplet_potentiation * y2_post), 0, weight_max)",
    ),
    "reward": Plasticity(  # spike pairs mark the synapse (c, which decays); a reward converts the mark to a weight change
        _PAIR_TRACES, "y += 1", "x += 1", "c -= depression * y_post", "c += potentiation * x_pre",
        "dc/dt = -c / tau_mark : 1", "w = clip(w + reward * c, 0, weight_max)",
    ),
}  # fmt: skip


def neurons(size: int, model: NeuronModel, rule: Plasticity = RULES["static"], **more: Any) -> EventPopulation:
    """Neurons with the traces that `rule` needs; `more`: further arguments of the population."""
    return EventPopulation(
        size, model.fires, _lines(model.equations, rule.traces), reset=_lines(model.reset, rule.reset), after=rule.after,
        **{"method": model.method, **more},
    )  # fmt: skip


def input_lines(
    size: int, fires: SpikeTrain | PoissonTrain, rule: Plasticity = RULES["static"], **more: Any
) -> EventPopulation:
    """Input lines with given or Poisson spikes, and the traces that `rule` needs."""
    return EventPopulation(size, fires, rule.traces, reset=rule.reset, after=rule.after, **more)


def synapses(
    source: str, target: str, weights: np.ndarray, onto: NeuronModel, rule: Plasticity = RULES["static"], **more: Any
) -> EventProjection:
    """Synapses onto neurons of the model `onto` that learn by `rule`."""
    return EventProjection(
        source, target, weights, on_pre=_lines(onto.jump, rule.on_pre), on_post=rule.on_post, on_reward=rule.on_reward,
        state=rule.state, **more,
    )  # fmt: skip


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
