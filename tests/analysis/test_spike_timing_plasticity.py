"""Studies of STDP: networks are wired as published, equations behave as their theory says, and measures are tried by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neurorec.analysis import distal_reward
from neurorec.analysis.analysis import analyse
from neurorec.analysis.distal_reward import DistalSettings, Pairings, RewardedNetwork, course
from neurorec.analysis.paired_connections import (
    DT_MS,
    RATES_HZ,
    PairedSettings,
    bidirectional,
    connected,
    crossing_Hz,
)
from neurorec.analysis.pattern_in_noise import (
    PATTERN_MS,
    Shown,
    inputs_with_pattern,
    judged,
    latencies,
    learning_neuron,
)
from neurorec.analysis.weight_competition import GROUP_ROWS, INPUTS, CompetitionSettings, input_rates, run_neuron
from neurorec.engines.event_models import RULES
from neurorec.engines.on_plastic import run_network


def competition(**changed):
    return CompetitionSettings(**{"rate_Hz": 10.0, "inputs": "independent", "time_s": 1.0, **changed})


def test_rates_of_the_first_half_are_correlated_and_those_of_the_second_are_not():
    rates = input_rates(10.0, True, np.random.default_rng(0))
    assert isinstance(rates, np.ndarray)
    assert rates.shape == (GROUP_ROWS, INPUTS)
    assert rates.min() >= 0
    assert rates.mean() == pytest.approx(10.0, rel=0.01)
    seen = np.corrcoef(rates[:, [0, 1, INPUTS // 2, INPUTS // 2 + 1]].T)
    assert seen[0, 1] == pytest.approx(0.5, abs=0.05)
    assert abs(seen[2:, :2]).max() < 0.06
    assert abs(seen[2, 3]) < 0.06
    assert rates[:, [0, -1]].std(0) / 10.0 == pytest.approx(0.3 * 2**0.5, rel=0.05)
    assert input_rates(10.0, False, np.random.default_rng(0)) == 10.0


def test_fixed_weights_stay_at_their_maximum_and_the_neuron_fires_fast():
    seen = run_neuron(competition(), 0, RULES["static"], 1.0)
    assert (seen.weights == 1.0).all()
    assert seen.last(0.5)[0] > 100.0


def test_competition_leaves_few_weights_in_the_middle_and_the_correlated_inputs_win():
    found = analyse("weight_competition", {"rate_Hz": 20.0, "inputs": "half correlated", "time_s": 600.0})
    values = found.values
    assert values["middle"] < 0.15
    assert values["advantage of the first half"] > 0.3
    assert values["rate"] < 0.5 * found.baselines["rate"][1]
    assert values["weak"] + values["middle"] + values["strong"] == pytest.approx(1.0)
    assert values["weaker end"] == min(values["weak"], values["strong"])
    both = (values["first half"] + values["second half"]) / 2
    assert values["strong"] - 0.25 < both < 0.25 + values["strong"] + values["middle"]


def test_a_pair_is_bidirectional_if_both_of_its_connections_are_strong():
    strong = np.zeros((4, 4), bool)
    strong[0, 1] = strong[1, 0] = strong[0, 2] = strong[3, 0] = True
    assert bidirectional(strong, np.ones(4, bool)) == pytest.approx(1 / 6)
    assert bidirectional(strong, np.array([True, True, False, False])) == 1.0
    assert bidirectional(strong, np.array([True, False, True, True])) == 0.0


@pytest.mark.parametrize("rule", ["triplet", "pair"])
def test_neurons_fire_when_their_lines_do(rule):
    network = connected(PairedSettings(rule=rule, code="sequence", time_s=1.0))
    steps, who = run_network(network, round(1000 / DT_MS)).spikes["neurons"]
    assert who.tolist() == [k % 10 for k in range(50)]
    assert set(np.diff(steps)) == {20.0 / DT_MS}
    assert len(network.projections["among"].weights) == 90


def test_independent_spikes_change_weights_as_the_theory_of_the_triplet_rule_says():
    """Below the crossing, connections to a neuron become weaker, above it stronger."""
    assert crossing_Hz() == pytest.approx(7.1e-3 * 33.7 / (6.5e-3 * 16.8 * 0.114))
    network = connected(PairedSettings(rule="triplet", code="rates", time_s=20.0))
    among = network.projections["among"]
    seen = run_network(network, round(20_000 / DT_MS), seed=3)
    assert among.post is not None
    change = np.bincount(among.post, seen.weights["among"] - among.weights)
    assert (change[0.75 * crossing_Hz() > RATES_HZ] < 0).all()
    assert (change[1.4 * crossing_Hz() < RATES_HZ] > 0).all()


def test_only_the_triplet_rule_connects_fast_neurons_both_ways_and_both_rules_learn_a_sequence_forward():
    def found(rule, code):
        return analyse("paired_connections", {"rule": rule, "code": code, "time_s": 100.0}).values

    triplet, pair = found("triplet", "rates"), found("pair", "rates")
    assert triplet["bidirectional, fast"] > 0.8
    assert triplet["bidirectional, slow"] == pair["bidirectional, fast"] == 0.0
    for rule in ("triplet", "pair"):
        values = found(rule, "sequence")
        assert values["forward only"] == 1.0
        assert values["bidirectional"] == 0.0
        assert values["rate"] == 5.0


def test_the_pattern_repeats_and_rates_are_the_same_during_it():
    shown = inputs_with_pattern(np.random.default_rng(0), 400, 60)
    starts = shown.starts
    assert (np.diff(starts) > PATTERN_MS).all()
    assert len(starts) * PATTERN_MS / 60_000 == pytest.approx(0.25, abs=0.03)
    counts = np.zeros((60_000, 400), bool)
    counts[shown.steps, shown.inputs] = True
    shows = counts[starts[:, None] + np.arange(PATTERN_MS)]  # [presentations, 50, 400]
    repeated, others = shows[:, :, :200].mean(0), shows[:, :, 200:].mean(0)
    assert ((repeated < 0.2) | (repeated == 1.0)).all()  # noise of 10 Hz, or a spike of the pattern
    assert (others < 0.25).all()
    for part in (counts, shows[:, :, :200], shows[:, :, 200:]):
        assert part.mean() * 1000 == pytest.approx(54.0, rel=0.06)


def test_latencies_hits_and_false_alarms_of_a_made_up_neuron():
    starts = np.array([100, 300, 700, 900])
    spikes = np.array([10, 120, 310, 400, 705, 907, 930])
    assert np.array_equal(latencies(spikes, starts), [np.nan, 20, 10, np.nan, 5, 7, 30], equal_nan=True)
    shown = Shown(np.zeros(0, int), np.zeros(0, int), starts)
    trial = judged(spikes, np.ones(4), shown, 1000)
    assert (trial.hits, trial.false_alarms, trial.last_ms, trial.first_ms) == (1.0, 0, 7.0, 7.0)
    assert trial.found
    assert judged(spikes[:5], np.ones(4), shown, 1000).hits == 0.5
    assert judged(np.array([800]), np.ones(4), shown, 1000).false_alarms == 1
    assert np.isnan(latencies(np.array([5]), np.zeros(0, int))).all()


def test_the_neuron_pairs_nearest_spikes_once():
    """Input 0 fires 1 ms before the neuron and twice after it; input 1 fires only after it."""
    shown = Shown(np.array([5, 10, 20, 25, 30]), np.array([0, 2, 0, 1, 0]), np.zeros(0, int))
    network = learning_neuron(shown, 3)
    population = network.populations["neuron"]
    driven = replace(network, populations={**network.populations, "neuron": replace(population, fires="v > 1e-9")})
    driven = replace(driven, numbers={**driven.numbers, "v_reset": -1e9})  # it fires once, at step 6
    weights = run_network(driven, 40).weights["synapses"][:, 0]
    gain, loss = 2.0**-5, 0.8 * 2.0**-5
    plus, minus = 1 - 1 / 16.8, 1 - 1 / 33.7
    expected = [0.475 + gain * plus - loss * minus**14, 0.475 - loss * minus**19]
    np.testing.assert_allclose(weights[:2], expected, rtol=1e-12)


def distal(**changed):
    made_up = {"size": 40, "fan_out": 8, "time_s": 2, "trace_ms": 1000.0, "rewards": "pairing"}
    return RewardedNetwork(DistalSettings(**{**made_up, **changed}), np.random.default_rng(0))


def test_wiring_of_the_rewarded_network():
    net = distal()
    assert net.excitatory == 32
    assert (net.pre != net.post).all()
    assert set(np.bincount(net.pre)) == {8}
    assert net.post[~net.plastic].max() < 32
    assert len({*zip(net.pre.tolist(), net.post.tolist(), strict=True)}) == 320
    assert max(net.ends) < 32
    assert net.weights[net.target] == 0.0
    assert np.delete(net.weights, net.target).tolist() == [1.0] * 255


def test_pieces_of_a_run_continue_each_other(monkeypatch):
    """Without noise, which differs: the same spikes, and the same marks of the synapses."""
    monkeypatch.setattr(distal_reward, "NOISE_HZ", 0.0)
    whole, pieces = distal(), distal()
    for net in (whole, pieces):
        net.state["v"] = np.linspace(-70.0, 20.0, 40)
        net.weights = net.weights * 20.0
    times, who = whole.run(300, 0)
    seen = [(at + 100 * k, neuron) for k in range(3) for at, neuron in zip(*pieces.run(100, 0), strict=True)]
    assert len(times) > 60
    assert seen == list(zip(times, who, strict=True))
    np.testing.assert_allclose(pieces.trace, whole.trace, rtol=1e-9, atol=1e-12)
    assert whole.trace.any()


def test_a_pairing_is_the_source_and_then_the_target_within_20_ms():
    pairings = Pairings(3, 5)
    assert pairings.seen(np.array([5.0, 10.0, 15.0, 30.0, 31.0]), np.array([5, 3, 5, 5, 5])) == [15.0, 30.0]
    assert pairings.seen(np.array([40.0, 41.0]), np.array([3, 4])) == []
    assert pairings.seen(np.array([60.0, 61.0]), np.array([5, 5])) == [60.0]  # continued from the piece before


def test_a_reward_changes_marked_synapses_within_their_bounds_and_ranks_are_those_of_sorted_weights():
    net = distal()
    net.trace = np.linspace(-6.0, 6.0, len(net.weights))
    before = net.weights
    net.reward(0.5)
    np.testing.assert_array_equal(net.weights, np.clip(before + 0.5 * net.trace, 0.0, 4.0))
    net.weights = np.arange(256.0)
    net.target = 255
    assert net.rank == 0.0
    net.target = 0
    assert net.rank == 1.0


def test_rewards_come_one_to_three_seconds_after_a_pairing(monkeypatch):
    given = []
    monkeypatch.setattr(RewardedNetwork, "reward", lambda net, amount: given.append(amount))
    net = distal(time_s=6)
    first, then = net.ends
    ran = []

    def run(time_ms, seed):
        ran.append(time_ms)
        return (np.array([100.0, 110.0]), np.array([first, then])) if len(ran) == 1 else (np.zeros(0), np.zeros(0, int))

    monkeypatch.setattr(net, "run", run)
    pieces = list(course(net, 0))
    (rewarded,) = (piece for piece in pieces if piece.rewards)
    assert 1110 <= rewarded.end_ms < 3110
    assert given == [distal_reward.REWARD]
    assert sum(ran) == pieces[-1].end_ms == 6000
    assert max(ran) <= 1000
