"""Small networks of every neuron model and rule, driven by given spikes, that two engines can be compared on."""

import numpy as np

from neurorec.engines.event_models import NEURONS, RULES, input_lines, neurons, synapses
from neurorec.engines.event_network import EventNetwork, SpikeTrain

__all__ = ["NEURONS", "RULES", "small_network"]
NUMBERS = {"v_rest": 0.1, "v_threshold": 1.0, "v_reset": 0.0, "v_reversal": 4.0, "coupling": 0.2, "current_rise": 0.1,
           "threshold_rise": 0.05}  # fmt: skip
IZHIKEVICH = {"quadratic": 0.04, "linear": 5.0, "offset": 140.0, "recovery": 0.02, "coupling": 0.2, "u_rise": 8.0,
              "v_threshold": 30.0, "v_reset": -65.0}  # fmt: skip
TIMES_MS = {"tau_mem": 10.0, "tau_syn": 3.0, "tau_adapt": 50.0, "tau_theta": 40.0, "tau_unit": 1.0, "tau_plus": 8.0,
            "tau_minus": 12.0, "tau_x": 50.0, "tau_y": 45.0, "tau_mark": 50.0}  # fmt: skip
STRENGTH = {"lif": 0.5, "cuba": 2.0, "coba": 0.5, "adaptive": 0.6, "izhikevich": 14.0}
REFRACTORY_MS = {"cuba": 2.0, "coba": 1.0, "lif": 1.5}
START = {"izhikevich": {"v": -65.0, "u": -13.0}, "lif": {"v": np.linspace(0.0, 0.9, 12)}}


def small_network(model, rule="static", full=False, delays_ms=(0.5,), seed=1, lines=30, size=12):
    """Input lines onto neurons, which are connected among each other; both projections plastic under a rule."""
    random, strength, plastic = np.random.default_rng(seed), STRENGTH[model], rule != "static"
    start = START.get(model, {}) | ({"y": 0.4} if plastic else {})
    inputs = input_lines(lines, spike_train(random, lines, 400, 0.02), RULES[rule])
    cells = neurons(
        size, NEURONS[model], RULES[rule], start=start, refractory_ms=REFRACTORY_MS.get(model, 0.0),
    )  # fmt: skip
    onto = {"onto": NEURONS[model], "rule": RULES[rule]}
    rates = {
        "potentiation": 0.04,
        "depression": 0.05,
        "triplet_potentiation": 0.02,
        "triplet_depression": 0.03,
        "weight_max": 3.0,
    }
    return EventNetwork(
        0.5, {"inputs": inputs, "neurons": cells},
        {"in": projection(random, "inputs", lines, size, strength, full, delays_ms, onto),
         "rec": projection(random, "neurons", size, size, 0.3 * strength, full, delays_ms, onto)},
        times_ms=TIMES_MS,
        numbers=NUMBERS | (IZHIKEVICH if model == "izhikevich" else {}) | {k: v * strength for k, v in rates.items()},
        reward=SpikeTrain(np.array([100, 101, 250, 250]), np.array([1.0, -0.5, 2.0, 1.0])) if rule == "reward" else None,
    )  # fmt: skip


def spike_train(random, lines, steps, chance):
    return SpikeTrain(*np.nonzero(random.random((steps, lines)) < chance))


def projection(random, source, sources, size, strength, full, delays_ms, onto):
    weights = strength * random.uniform(0.2, 1.0, (sources, size))
    if full:
        return synapses(source, "neurons", weights, delay_ms=delays_ms[0], **onto)
    pre, post = np.nonzero(random.random((sources, size)) < 0.4)
    shuffled = random.permutation(len(pre))
    pre, post = pre[shuffled], post[shuffled]
    delay_ms = random.choice(delays_ms, len(pre)) if len(delays_ms) > 1 else delays_ms[0]
    return synapses(source, "neurons", weights[pre, post], pre=pre, post=post, delay_ms=delay_ms, **onto)
