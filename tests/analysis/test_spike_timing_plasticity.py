"""Studies of STDP: networks are wired as published, equations behave as their theory says, and measures are tried by hand."""

import numpy as np
import pytest

from neurorec.analysis.analysis import analyse
from neurorec.analysis.paired_connections import (
    DT_MS,
    RATES_HZ,
    PairedSettings,
    bidirectional,
    connected,
    crossing_Hz,
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
