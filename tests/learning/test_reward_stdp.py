"""Reward-modulated STDP: its eligibilities are sums over pairs of spikes, and only rewards beyond the usual change weights."""

import math
from collections import Counter

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine
from neurorec.learning.reward_stdp import RewardSTDP, RewardSTDPCard
from neurorec.tasks.task import load_task
from tests.hardware.nets import counts_of, make_net, run
from tests.hardware.walks import synapses
from tests.learning.test_rewarded_samples import expected_change, gradient_of_expected_reward, samples
from tests.learning.test_three_factor_reward import net_for
from tests.nets import CLASSES, network

DT_MS, T = 1.0, 12


def rule(**changes) -> RewardSTDP:
    values = {"rule": "reward_stdp", "task": "made up", "epochs": 1, "batch_size": 1, "learning_rate": 1e-9,
              "learning_rate_decay": 1.0, "clip_norm": 1e9, "rate_target": 0.0, "rate_weight": 0.0, "stdp_rate": 0.01,
              "depression": 0.8, "tau_plus_ms": 4.0, "tau_minus_ms": 6.0, "tau_eligibility_ms": 15.0, "w_max": 50.0,
              "baseline_rate": 0.25}  # fmt: skip
    return RewardSTDP(RewardSTDPCard(**(values | changes)))


def spikes(units: int, seed: int, samples: int = 3) -> torch.Tensor:
    return (torch.rand(T, samples, units, generator=torch.Generator().manual_seed(seed)) < 0.4).double()


def window(lag_ms: float) -> float:
    return math.exp(-lag_ms / 4.0) if lag_ms >= 0 else -0.8 * math.exp(lag_ms / 6.0)


def over_pairs(line: torch.Tensor, neuron: torch.Tensor, end: int) -> float:
    """The sum over all pairs of spikes [T] before the step `end`."""
    return sum(
        window((t - s) * DT_MS) * math.exp(-(end - 1 - max(s, t)) * DT_MS / 15.0)
        for s in range(end) for t in range(end) if line[s] and neuron[t]
    )  # fmt: skip


@pytest.mark.parametrize("lengths", [None, [12, 5, 9]])
def test_the_eligibility_is_the_sum_over_pairs_of_spikes(lengths):
    lines, neurons = spikes(4, 1), spikes(3, 2)
    ends = None if lengths is None else torch.tensor(lengths)
    found = rule().eligibility(lines, neurons, DT_MS, ends)
    wanted = [
        [[over_pairs(lines[:, b, i], neurons[:, b, j], (lengths or [T] * 3)[b]) for i in range(4)] for j in range(3)]
        for b in range(3)
    ]
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("lag", [-5, -1, 0, 1, 5])
def test_one_pair_measures_the_window(lag):
    line, neuron = torch.zeros(T, 1, 1).double(), torch.zeros(T, 1, 1).double()
    line[T - 1 - max(lag, 0)], neuron[T - 1 + min(lag, 0)] = 1, 1
    assert float(rule().eligibility(line, neuron, DT_MS)) == pytest.approx(window(lag), rel=1e-12)


def one_step(net, method, labels, usual: float, monkeypatch):
    """The weights after one batch in which every answer is 0."""
    monkeypatch.setattr(torch, "multinomial", lambda p, *_, **__: torch.zeros(len(p), 1, dtype=torch.long))
    state = method.init(net, choose_engine("torch", net), CLASSES, torch.Generator())
    state.usual = torch.tensor(usual, dtype=torch.float64)
    state, info = method.step(net, state, CLASSES.without_targets(samples(net, labels)))
    return state, info


def weights_of(net) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net.named_parameters()}


def test_a_hidden_weight_changes_by_the_reward_beyond_the_usual_times_its_eligibility(monkeypatch):
    net, method = net_for(frozen=False), rule()
    batch, before = samples(net, [0, 1, 0]), weights_of(net)
    sent = choose_engine("torch", net).run(net, batch.x).sent["hidden"].detach()
    assert sent.any()
    arrived = torch.cat([batch.x, torch.cat([torch.zeros_like(sent[:1]), sent[:-1]])], 2)
    e = method.eligibility(arrived, sent, 1.0)
    wanted = 0.01 * (0.7 * e[0] - 0.3 * e[1] + 0.7 * e[2]) / 3
    state, info = one_step(net, method, [0, 1, 0], 0.3, monkeypatch)
    after = weights_of(net)
    moved = torch.cat([after[name] - before[name] for name in ("layers.hidden.w_in", "layers.hidden.w_rec")], 1)
    assert wanted.abs().max() > 1e-3
    torch.testing.assert_close(moved, wanted, rtol=1e-9, atol=1e-14)
    assert float(state.usual) == pytest.approx(0.3 + 0.25 * (2 / 3 - 0.3))
    assert info.loss == pytest.approx((2 * 0.7**2 + 0.3**2) / 3)


def test_a_reward_that_is_as_usual_changes_nothing(monkeypatch):
    net = net_for(frozen=False)
    before = weights_of(net)
    for labels, usual in ([0, 0, 0], 1.0), ([1, 2, 1], 0.0):
        state, _ = one_step(net, rule(learning_rate=0.1), labels, usual, monkeypatch)
        assert float(state.usual) == usual
    assert all(torch.equal(value, before[name]) for name, value in weights_of(net).items())


def test_weights_grow_to_their_bound_and_larger_ones_only_shrink(monkeypatch):
    net, method = net_for(frozen=False), rule(stdp_rate=1e3, w_max=0.5)
    w_in = net["hidden"].w_in
    before = w_in.detach().clone()
    assert (before.abs() > 0.5).any()
    one_step(net, method, [0, 0, 0], 0.0, monkeypatch)
    limit = before.abs().clamp_min(0.5)
    assert (w_in.abs() <= limit).all()
    assert (w_in.abs() == limit).any()
    assert not torch.equal(w_in, before)


def test_the_readout_follows_the_gradient_of_the_expected_reward(monkeypatch):
    net = net_for(frozen=False)
    wanted = {name: value for name, value in gradient_of_expected_reward(net).items() if "readout" in name}
    found = expected_change(net, rule(stdp_rate=0.0), lambda state: state.usual.fill_(0.7), monkeypatch)
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert wanted[name].abs().max() > 1e-4
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-10, atol=1e-13)


def test_frozen_recurrent_weights_stay_and_the_others_learn(monkeypatch):
    net = net_for(frozen=True)
    before = weights_of(net)
    one_step(net, rule(), [0, 1, 0], 0.0, monkeypatch)
    moved = {name for name, value in weights_of(net).items() if not torch.equal(value, before[name])}
    assert moved == {"layers.hidden.w_in", "layers.readout.weight", "layers.readout.bias"}


@pytest.mark.parametrize("readout", ["leaky", "linear"])
def test_its_counts_are_those_of_a_walk_over_spikes_and_synapses(readout):
    net = make_net("lif", readout=readout)
    activity, x, hidden = run(net)
    assert hidden.any()
    found = RewardSTDP.count_training(net, counts_of(net, activity).forward(), 4, 2)
    for layer, walked in walk(net, x, hidden).items():
        counted = vars(found.phases["backward"].of(layer))
        assert {name: number for name, number in counted.items() if number and name != "dense_macs"} == walked
    filtered, synapses_, trained = readout == "leaky", 5 * 7 + 7 * 7, 7 * 3 + 3
    assert {(store.layer, store.kind): store.words for store in found.stores} == {
        ("hidden", "trace"): 5 + 7 + 7 + synapses_, ("hidden", "gradient"): synapses_,
        ("readout", "trace"): 7 * (1 + filtered) + 1, ("readout", "gradient"): trained, ("readout", "moment"): 2 * trained,
    }  # fmt: skip
    update = found.update
    assert update.plasticity_updates == 2 * synapses_
    assert update.weight_writes == 2 * (synapses_ + trained)
    assert update.elementwise == 2 * (4 * synapses_ + 12 * trained + trained + 1 + 3)
    assert update.moment_reads == 2 * 2 * trained


def walk(net, x, hidden) -> dict[str, Counter]:
    """Every step, line, neuron and synapse; then every sample."""
    cell, filtered = net["hidden"], net["readout"].card.name == "leaky"
    counted = {"hidden": Counter(), "readout": Counter()}
    own, touch = counted["hidden"], {"trace_reads": 1, "trace_writes": 1, "trace_updates": 1}
    for b in range(x.shape[1]):
        for t in range(len(x)):
            before = hidden[t - 1, b] if t else torch.zeros(cell.size)
            arrived = [bool(one) for one in (*x[t, b], *before)]
            reached = [synapses(cell.w_in, i) for i in range(cell.input_size)]
            reached += [synapses(cell.w_rec, j) for j in range(cell.size)]
            for spike, ends in zip(arrived, reached, strict=True):
                own.update(touch, elementwise=1)  # decay of the line's trace
                own.update({**touch, "elementwise": 1} if spike else {})
                for _ in ends:
                    own.update(touch, elementwise=1)  # decay of the eligibility
                    if spike:  # depression times the neuron's trace
                        own.update(touch, elementwise=2, trace_reads=1)
            for spike in hidden[t, b]:
                own.update(touch, elementwise=1)
                own.update({**touch, "elementwise": 1} if spike else {})
                for _ in arrived if spike else ():
                    own.update(touch, elementwise=1, trace_reads=1)
            for _ in range(cell.size):
                for _ in range(1 + filtered):  # filter and mean
                    counted["readout"].update(touch, elementwise=2)
        for _ in range(5 * 7 + 7 * 7):
            own.update(macs=1, trace_reads=1, gradient_reads=1, gradient_writes=1)
        for _ in range(3 * (7 + 1)):
            counted["readout"].update(macs=1, trace_reads=1, gradient_reads=1, gradient_writes=1)
        counted["readout"].update(elementwise=2 * 3 + 2, values_sent=1)
    return counted


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: network("elman"), "STDP pairs spikes, but units of Elman send values; use three_factor_reward"),
        (lambda: make_net("lif", signal="values"), "STDP pairs spikes, but its input lines carry values; use an encoder"),
        (lambda: network("lif", learn_time_constants=True), "trains synapses but not time constants; set"),
        (lambda: network("liquid_state"), "its recurrent layer is fixed; train its readout with the rule ridge"),
    ],
)  # fmt: skip
def test_it_says_what_it_cannot_train(model, said):
    with pytest.raises(CannotRun) as caught:
        RewardSTDP.check(model())
    assert said in str(caught.value)


def test_it_answers_once_per_sample():
    with pytest.raises(CannotRun) as caught:
        RewardSTDP.check(network("lif"), load_task("delayed_match_to_sample", 0))
    assert str(caught.value) == (
        "rule reward-modulated STDP cannot learn task delayed_match_to_sample: it is rewarded once per sample, at its end, but "
        "task delayed_match_to_sample rewards an action per frame; use three_factor_reward"
    )


def test_it_has_no_derivative_for_a_regulariser_of_rates():
    with pytest.raises(ValueError, match="rate_weight must be 0: STDP takes no derivatives"):
        rule(rate_weight=1.0)
