"""Equations and parameters that a local learning rule adds to a layer in an event network."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class EventEquations:
    """A plasticity rule of input synapses, in Brian2's notation for equations (one unit per line, `: 1`).

    The layer defines the neurons and each synapse's weight w; these equations add the rest. State variables start at 0 and
    are reset to 0 before every sample, except the names in `kept` and those that the layer itself keeps: a layer with
    adaptive thresholds keeps theta, which is constant unless `neuron_state` has an equation for it.

    Order within a step t, which every engine must follow: state advances by forward Euler; neurons that cross their
    threshold reset and run `at_neuron_spike`; `on_post` of their synapses; input spikes of step t + 1 arrive and run
    `on_pre`; then `at_input_spike` and `after_neuron_spike`. So an input spike of step t + 1 acts on the membrane at
    t + 1, and never affects a spike of step t.

    Examples
    --------
    on_post="w = clip(w + potentiation * x_pre, 0, weight_max)": in on_pre and on_post, names of the input line's state
    end in `_pre`, names of the neuron's state in `_post`.
    """

    input_state: str = ""  #: differential equations of each input line
    neuron_state: str = ""  #: differential equations of each neuron, besides the layer's
    at_input_spike: str = ""  #: effect of an input spike on its line's state
    at_neuron_spike: str = ""  #: effect of a neuron's spike on its own state, before its synapses change
    after_neuron_spike: str = ""  #: the same, after its synapses and those of the next input spikes have changed
    on_pre: str = ""  #: effect of an input spike on w
    on_post: str = ""  #: effect of a neuron's spike on w
    on_reward: str = ""  #: effect of a reward on w
    synapse_state: str = ""  #: differential equations of each synapse: variables that only decay
    times_ms: Mapping[str, float] = field(default_factory=dict)  #: time constants used in the equations
    numbers: Mapping[str, float] = field(default_factory=dict)  #: dimensionless numbers used in the equations
    weight_max: float = math.inf
    weight_sum: float | None = None
    """Before every sample and after the last, each neuron's incoming weights are normalised to this sum; None: never."""
    kept: tuple[str, ...] = ()
