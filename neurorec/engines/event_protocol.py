"""Synapses between given spike trains, as in experiments on plasticity: what a rule does to them, in any event engine."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from neurorec.engines.event_engine import EventEngine
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_layer import all_numbers, all_times_ms
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, SpikeTrain

Trains = Sequence[ArrayLike]


def weights_after(
    engine: EventEngine,
    rule: EventEquations,
    pre_ms: Trains,
    post_ms: Trains,
    weight: float,
    dt_ms: float,
    held: Mapping[str, float] | None = None,
    method: str = "exact",
) -> np.ndarray:
    """The weights [N] of N synapses, each with its own line and neuron, after the lines spiked at `pre_ms` and the neurons at
    `post_ms` (N lists of multiples of dt_ms).

    Of two spikes in one step, the neuron's comes first.

    Parameters
    ----------
    held : further variables of the neurons and their constant values, such as {"v": 0.5} under voltage clamp
    method : how traces decay: "exact", or "euler" as in layers that learn
    """
    count = len(pre_ms)
    pre, post = (_train(trains, dt_ms) for trains in (pre_ms, post_ms))
    lines = EventPopulation(count, pre, rule.input_state, after=rule.at_input_spike, method=method)
    neurons = EventPopulation(
        count, post, rule.neuron_state, rule.at_neuron_spike, rule.after_neuron_spike, method=method
    )  # fmt: skip
    each = np.arange(count)
    synapses = EventProjection(
        "lines", "neurons", np.full(count, weight), each, each, on_pre=rule.on_pre, on_post=rule.on_post,
        state=rule.synapse_state,
    )  # fmt: skip
    network = EventNetwork(
        dt_ms, {"lines": lines, "neurons": neurons}, {"synapses": synapses}, times_ms=all_times_ms(rule),
        numbers={**all_numbers(rule, dt_ms), **(held or {})},
    )  # fmt: skip
    steps = 1 + int(max(pre.steps.max(initial=0), post.steps.max(initial=0)))
    return engine.run_network(network, steps, record=()).weights["synapses"]


def _train(trains: Trains, dt_ms: float) -> SpikeTrain:
    each = [np.rint(np.asarray(times, float) / dt_ms).astype(np.int64) for times in trains]
    steps, neurons = np.concatenate(each), np.repeat(np.arange(len(each)), [len(times) for times in each])
    order = np.argsort(steps, kind="stable")
    return SpikeTrain(steps[order], neurons[order])
