"""What a local learning rule adds to a layer in an event network: equations and the numbers in them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class EventEquations:
    """A plasticity rule of input synapses, in Brian2's notation for equations (one unit per line, `: 1`).

    The layer supplies the neurons and each synapse's weight w; these equations add the rest. State variables start at 0 and
    are zeroed before every sample, but for the names in `kept` and those that the layer itself keeps: a layer with
    thresholds of its own keeps theta, which stands still unless `neuron_state` moves it.

    Order within a step t, which every engine must keep: state moves by forward Euler; neurons that cross their
    threshold reset and run `at_neuron_spike`; `on_post` of their synapses; input spikes of step t + 1 arrive and run
    `on_pre`; then `at_input_spike`. So an input spike of step t + 1 acts on the membrane at t + 1, and never counts for
    a spike of step t.

    Examples
    --------
    on_post="w = clip(w + potentiation * x_pre, 0, weight_max)": in on_pre and on_post, a name of the input line's state
    ends in `_pre`, of the neuron's state in `_post`.
    """

    input_state: str = ""  #: differential equations of each input line
    neuron_state: str = ""  #: differential equations of each neuron, beside its own
    at_input_spike: str = ""  #: what an input spike does to its line's state
    at_neuron_spike: str = ""  #: what a neuron's spike does to its own state
    on_pre: str = ""  #: what an input spike does to w
    on_post: str = ""  #: what a neuron's spike does to w
    times_ms: Mapping[str, float] = field(default_factory=dict)  #: time constants that the equations name
    numbers: Mapping[str, float] = field(default_factory=dict)  #: pure numbers that the equations name
    weight_max: float = math.inf
    weight_sum: float | None = None
    """Before every sample and after the last, each neuron's incoming weights are scaled to this sum; None: left alone."""
    kept: tuple[str, ...] = ()
