"""The compiled engine equals Brian2: spike for spike, and weights to rounding, for every neuron model and rule."""

import numpy as np
import pytest

from neurorec.engines.on_brian2 import run_network as in_brian2
from neurorec.engines.on_plastic import run_network
from tests.engines.plastic.event_networks import NEURONS, RULES, small_network

STEPS = 400
CASES = [(model, "static", False) for model in NEURONS] + [("cuba", rule, False) for rule in RULES if rule != "static"]
CASES += [
    ("lif", "pair", True),
    ("coba", "reward", True),
    ("izhikevich", "triplet", False),
    ("adaptive", "static", True),
]


def both(network, steps=STEPS):
    return run_network(network, steps), in_brian2(network, steps, target="numpy")


def assert_same(network, steps=STEPS):
    seen, expected = both(network, steps)
    assert seen.counts == expected.counts
    for name in network.populations:
        assert np.array_equal(seen.spikes[name], expected.spikes[name]), name
    for name, weights in expected.weights.items():
        np.testing.assert_allclose(seen.weights[name], weights, rtol=0, atol=1e-12 * np.abs(weights).max())
    for name, variables in expected.state.items():
        for variable, values in variables.items():
            if variable in seen.state.get(name, ()):
                found = seen.state[name][variable].ravel()
                np.testing.assert_allclose(found, values, rtol=1e-8, atol=1e-10, err_msg=f"{name}.{variable}")
    return seen


@pytest.mark.parametrize(("model", "rule", "full"), CASES)
def test_spikes_weights_and_state(model, rule, full):
    network = small_network(model, rule, full)
    seen = assert_same(network)
    assert seen.counts["neurons"] > 30
    moved = [np.abs(seen.weights[name] - p.weights).max() > 0.01 for name, p in network.projections.items()]
    assert moved == [rule != "static"] * 2


@pytest.mark.parametrize("rule", ["static", "pair", "reward"])
def test_delays_that_differ_between_synapses(rule):
    network = small_network("lif", rule, delays_ms=(0.0, 0.5, 1.5, 7.0))
    seen = assert_same(network)
    at_once = run_network(small_network("lif", rule, delays_ms=(0.0,)), STEPS)
    assert not np.array_equal(seen.spikes["neurons"], at_once.spikes["neurons"])
