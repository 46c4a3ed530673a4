"""What the compiled engine must do by itself: windows of plasticity, Poisson counts, bounds, memory, samples, seeds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, PoissonTrain, SpikeTrain
from neurorec.engines.on_brian2 import run_network as in_brian2
from neurorec.engines.on_plastic import run_network
from neurorec.engines.plastic.arrays import network_arrays, power_tables
from neurorec.engines.plastic.network_plan import plan_network
from tests.engines.plastic.event_networks import RULES, small_network

TAU_PLUS_MS, TAU_MINUS_MS, GAIN, LOSS = 8.0, 12.0, 0.04, 0.05


def change_of_weight(lag, delay_ms=0.0):
    """Two given trains of one spike each, `lag` steps of 0.5 ms apart, and the weight between them."""
    traces = RULES["pair"].traces
    line, neuron = (
        EventPopulation(
            1, SpikeTrain(np.array([step]), np.array([0])), traces, reset="y += 1", after="x += 1", method="exact"
        )
        for step in (200, 200 + lag)
    )
    synapse = EventProjection(
        "line", "neuron", np.array([1.0]), np.array([0]), np.array([0]), delay_ms=delay_ms,
        on_pre=f"w = clip(w - {LOSS} * y_post, 0, 3)", on_post=f"w = clip(w + {GAIN} * x_pre, 0, 3)",
    )  # fmt: skip
    times_ms = {"tau_plus": TAU_PLUS_MS, "tau_minus": TAU_MINUS_MS}
    network = EventNetwork(0.5, {"line": line, "neuron": neuron}, {"synapse": synapse}, times_ms=times_ms)
    return run_network(network, 420).weights["synapse"][0] - 1.0


@pytest.mark.parametrize("lag", [1, 5, 100, -1, -5, -100])
def test_the_window_of_pair_stdp_is_exponential_on_both_sides(lag):
    expected = GAIN * np.exp(-0.5 * lag / TAU_PLUS_MS) if lag > 0 else -LOSS * np.exp(0.5 * lag / TAU_MINUS_MS)
    assert change_of_weight(lag) == pytest.approx(expected, rel=1e-12)


def test_a_pair_in_one_step_meets_the_trace_that_rises_first():
    assert change_of_weight(0) == pytest.approx(-LOSS, rel=1e-12)  # y rises in reset, x in after


def test_a_delayed_spike_meets_the_trace_at_its_arrival():
    assert change_of_weight(2, delay_ms=3.0) - GAIN * np.exp(-1.0 / TAU_PLUS_MS) == pytest.approx(
        -LOSS * np.exp(-2.0 / TAU_MINUS_MS), rel=1e-12
    )


@pytest.mark.parametrize("factor", [0.99, 0.5, 1.0])
def test_tables_of_powers_are_exact_until_they_underflow(factor):
    fine, coarse = power_tables(factor, 100_000)
    for n in (0, 1, 255, 256, 257, 1000, 99_999):
        found = fine[n & 255] * coarse[n >> 8] if n >> 8 < len(coarse) else 0.0
        assert found == pytest.approx(factor**n, rel=1e-12, abs=1e-300)


def drawn(rates_Hz, steps, size=50, dt_ms=1.0, sample_steps=0, seed=3):
    lines = EventPopulation(size, PoissonTrain(rates_Hz))
    network = EventNetwork(dt_ms, {"lines": lines}, {}, sample_steps=sample_steps)
    raster = np.zeros((steps, size), int)
    np.add.at(raster, run_network(network, steps, seed).spikes["lines"], 1)
    return raster


@pytest.mark.parametrize("rate_Hz", [2.0, 40.0, 500.0])
def test_poisson_counts_are_binomial_and_fall_on_all_lines_alike(rate_Hz):
    raster = drawn(rate_Hz, 20_000)
    assert raster.max() == 1
    counts = np.bincount(raster.sum(1), minlength=51)
    expected = binom.pmf(np.arange(51), 50, rate_Hz / 1000) * 20_000
    enough = expected > 10
    seen, wanted = (
        np.append(counts[enough], counts[~enough].sum()),
        np.append(expected[enough], expected[~enough].sum()),
    )
    keep = wanted > 1
    assert chisquare(seen[keep], wanted[keep] * seen[keep].sum() / wanted[keep].sum()).pvalue > 0.001
    assert chisquare(raster.sum(0)).pvalue > 0.001
    pairs = raster[:-1] * 2 + raster[1:]  # a line's spike says nothing about its next step
    p = rate_Hz / 1000
    expected_pairs = np.array([(1 - p) ** 2, p * (1 - p), p * (1 - p), p * p]) * pairs.size
    assert abs(np.bincount(pairs.ravel(), minlength=4) - expected_pairs).max() < 5 * np.sqrt(pairs.size * p)


def test_lines_of_their_own_rates_and_rates_of_each_sample():
    rates_Hz = np.array([np.linspace(0, 300, 50), np.zeros(50), np.full(50, 1000.0)])
    raster = drawn(rates_Hz, 6000, sample_steps=1000)
    first = raster.reshape(6, 1000, 50)[[0, 3]].sum((0, 1))
    chance = rates_Hz[0] / 1000
    assert first[0] == 0
    assert (abs(first - 2000 * chance) < 5 * np.sqrt(2000 * chance + 1)).all()
    assert raster[1000:2000].sum() == raster[4000:5000].sum() == 0
    assert raster[2000:3000].min() == 1


def test_a_seed_fixes_the_spikes_and_another_gives_others():
    one, same, other = (drawn(40.0, 500, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def poisson_driven(size=12):
    network = small_network("cuba", "pair")
    lines = replace(network.populations["inputs"], fires=PoissonTrain(np.linspace(10, 70, 30)))
    return replace(network, populations=network.populations | {"inputs": lines})


def test_poisson_input_replayed_into_brian2_gives_its_spikes_and_weights():
    network = poisson_driven()
    seen = run_network(network, 1000, seed=5)
    lines = replace(network.populations["inputs"], fires=SpikeTrain(*seen.spikes["inputs"]))
    expected = in_brian2(replace(network, populations=network.populations | {"inputs": lines}), 1000, target="numpy")
    assert seen.counts["neurons"] > 50
    assert np.array_equal(seen.spikes["neurons"], expected.spikes["neurons"])
    np.testing.assert_allclose(seen.weights["in"], expected.weights["in"], rtol=0, atol=1e-12)


def test_poisson_input_gives_brian2s_rates_and_weights_on_average():
    network = poisson_driven()
    ours = [run_network(network, 1000, seed) for seed in range(40)]
    theirs = [in_brian2(network, 1000, seed, target="numpy") for seed in range(6)]
    for figure in (
        lambda run: run.counts["inputs"],
        lambda run: run.counts["neurons"],
        lambda run: run.weights["in"].mean(),
        lambda run: run.weights["in"].std(),
    ):
        a, b = np.array([figure(run) for run in ours]), np.array([figure(run) for run in theirs])
        assert abs(a.mean() - b.mean()) < 4 * a.std() * np.sqrt(1 / len(a) + 1 / len(b))


@pytest.mark.parametrize(("gain", "loss", "reached"), [(4.5, 0.0, 1.5), (0.02, 4.5, 0.0)])
def test_weights_stay_in_bounds_however_strong_the_changes(gain, loss, reached):
    network = small_network("lif", "pair")
    seen = run_network(replace(network, numbers={**network.numbers, "potentiation": gain, "depression": loss}), 2000)
    for weights in seen.weights.values():
        assert weights.min() >= 0.0
        assert weights.max() <= 1.5  # three times the strength
        assert (weights == reached).any()


@pytest.mark.parametrize("full", [False, True])
def test_samples_start_with_scaled_weights_and_their_own_state(full):
    network = small_network("cuba", "pair", full)
    scaled = {name: replace(p, weight_sum=9.0, weight_max=2.0) for name, p in network.projections.items()}
    rested = {
        name: replace(p, at_sample={"x": 0.0, "y": 0.5} | ({"v": 0.25, "current": 0.0} if name == "neurons" else {}))
        for name, p in network.populations.items()
    }
    network = replace(network, populations=rested, projections=scaled, sample_steps=80)
    seen, expected = run_network(network, 400), in_brian2(network, 400, target="numpy")
    assert seen.counts["neurons"] > 30
    assert np.array_equal(seen.spikes["neurons"], expected.spikes["neurons"])
    for name in ("in", "rec"):
        np.testing.assert_allclose(seen.weights[name], expected.weights[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "full", "wanted"),
    [("static", False, (12, 8)), ("static", True, (8, 4)), ("pair", False, (20, 16)), ("pair", True, (8, 4)),
     ("reward", False, (32, 24))],
)  # fmt: skip
def test_memory_of_a_synapse_in_bytes_as_documented(rule, full, wanted):
    def bytes_of(sources, dtype):
        network = small_network("cuba", rule, full, lines=sources)
        given = network.projections["in"]
        if given.pre is not None:  # given in order, nothing is needed to give weights back in order
            order = np.lexsort((given.post, given.pre))
            given = replace(given, pre=given.pre[order], post=given.post[order])
        given = replace(given, weights=given.weights.astype(dtype))
        arrays = network_arrays(plan_network(replace(network, projections={"in": given})), 100)
        synapses = [
            a for name, a in arrays.items() if name.startswith("s0_") and a.shape[:1] == np.shape(given.weights)[:1]
        ]
        return sum(a.nbytes for a in synapses) / np.size(given.weights)

    assert (bytes_of(300, np.float64), bytes_of(300, np.float32)) == wanted


def test_single_precision_weights_that_do_not_change_give_the_same_spikes():
    network = small_network("cuba", delays_ms=(0.0, 1.5))
    single = {name: replace(p, weights=p.weights.astype(np.float32)) for name, p in network.projections.items()}
    double = {name: replace(p, weights=p.weights.astype(np.float64)) for name, p in single.items()}
    seen, expected = (run_network(replace(network, projections=p), 400) for p in (single, double))
    assert {w.dtype for w in seen.weights.values()} == {np.dtype(np.float32)}
    assert np.array_equal(seen.spikes["neurons"], expected.spikes["neurons"])
    assert seen.counts["neurons"] > 50


@pytest.mark.parametrize("rule", ["pair", "triplet", "reward"])
def test_single_precision_weights_learn_the_same_to_rounding(rule):
    network = small_network("lif", rule)
    given = EventPopulation(12, SpikeTrain(*run_network(network, 400).spikes["neurons"]), RULES[rule].traces, RULES[rule].reset,
                       RULES[rule].after)  # fmt: skip
    learning = {
        name: replace(p, on_pre=RULES[rule].on_pre) for name, p in network.projections.items()
    }  # spikes are given, so only weights can differ
    network = replace(network, populations={**network.populations, "neurons": given}, projections=learning)
    single = {name: replace(p, weights=p.weights.astype(np.float32)) for name, p in learning.items()}
    seen, expected = run_network(replace(network, projections=single), 400), run_network(network, 400)
    for name, weights in expected.weights.items():
        assert abs(weights - learning[name].weights).max() > 0.01
        assert 0 < abs(seen.weights[name] - weights).max() < 400 * 2.0**-24 * 1.5


def test_refractory_times_and_spikes_under_way_last_beyond_a_sample_in_both_engines():
    network = small_network("cuba", "pair", delays_ms=(0.0, 5.0))
    tired = replace(network.populations["neurons"], refractory_ms=8.0, at_sample={"v": 0.9, "current": 0.0})
    network = replace(network, populations={**network.populations, "neurons": tired}, sample_steps=20)
    seen, expected = run_network(network, 400), in_brian2(network, 400, target="numpy")
    steps, _ = seen.spikes["neurons"]
    assert ((steps % 20 > 4) & (steps < 380)).any()  # refractory for 16 steps, into the next sample
    assert np.array_equal(seen.spikes["neurons"], expected.spikes["neurons"])
    rested = replace(tired, refractory_ms=0.0)
    others = run_network(replace(network, populations={**network.populations, "neurons": rested}), 400)
    assert others.counts["neurons"] > seen.counts["neurons"] > 30


def test_nothing_given_is_changed():
    network = small_network("adaptive", "pair")
    before = [p.weights.copy() for p in network.projections.values()]
    run_network(network, 400)
    assert all(np.array_equal(a, p.weights) for a, p in zip(before, network.projections.values(), strict=True))


def test_a_variable_may_be_called_as_the_engine_calls_its_own_arrays():
    equations = "dhits/dt = -hits / tau : 1\ndx/dt = -x / tau : 1\nlast_x : 1\nx_last : 1\nsizes : 1"
    cells = EventPopulation(
        3, SpikeTrain(np.array([2]), np.array([1])), equations, after="hits += 1\nx += 1\nsizes = 7"
    )
    seen = run_network(EventNetwork(1.0, {"cells": cells}, {}, times_ms={"tau": 5.0}), 4).state["cells"]
    assert {name: values[1] for name, values in seen.items()} == pytest.approx(
        {"hits": 0.8, "x": 0.8, "last_x": 0.0, "x_last": 0.0, "sizes": 7.0}
    )


def test_on_post_sees_what_reset_changed_and_not_yet_what_after_changed():
    spike = SpikeTrain(np.array([2]), np.array([0]))
    cells = EventPopulation(1, spike, "y : 1\nz : 1", reset="y += 1", after="z += 10")
    synapse = EventProjection("cells", "cells", np.zeros((1, 1)), on_post="w = y_post + z_post")
    network = EventNetwork(1.0, {"cells": cells}, {"synapse": synapse})
    assert run_network(network, 4).weights["synapse"] == in_brian2(network, 4, target="numpy").weights["synapse"] == 1.0
