"""Context counts: clusters, shares, what is chosen on validation data, and what they cost."""

import re

import numpy as np
import pytest
import torch

from neurorec.basics.counts import Counts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.learning.context_counts import ContextCounts, cluster, log_shares
from neurorec.learning.rule import rules
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.hardware.nets import counts_of, make_net, run, wired


@pytest.fixture(scope="module")
def trained():
    return train(load_pair("fractal_prediction").rate, load_task("feigenbaum", 0), "context_counts", 0, device="cpu")


def test_few_different_states_become_prototypes_as_they_are():
    states = np.array([[0.5, 0.25], [0.0, 1.0], [0.5, 0.25], [0.5, 0.25 + 1e-9]])
    prototypes, passes = cluster(states, 4, 0)
    assert prototypes.tolist() == [[0.0, 1.0], [0.5, 0.25], [0.0, 1.0], [0.0, 1.0]]
    assert passes == 1


def test_prototypes_are_means_of_the_states_nearest_to_them():
    states = np.random.default_rng(0).random((300, 2))
    prototypes, passes = cluster(states, 5, 1)
    nearest = ((states[:, None] - prototypes) ** 2).sum(2).argmin(1)
    assert passes > 1
    for k in range(5):
        np.testing.assert_allclose(prototypes[k], states[nearest == k].mean(0), rtol=0, atol=1e-6)


def test_shares_by_hand():
    found = log_shares(torch.tensor([[3.0, 1.0], [0.0, 0.0]], dtype=torch.float64), 0.5).exp()
    torch.testing.assert_close(found, torch.tensor([[3.5 / 5, 1.5 / 5], [0.5, 0.5]], dtype=torch.float64))


def test_the_readout_gives_the_shares_of_symbols_after_each_context(trained):
    network, part = trained.network, trained.task.split("train")
    sent, _ = network.run(part.x)
    winners = sent["context"].argmax(2)
    counts = torch.zeros(100, 2, dtype=torch.float64)
    for winner, symbol, scored in zip(
        winners.flatten().tolist(), part.answers.flatten().tolist(), part.frame_mask.flatten().tolist(), strict=True
    ):
        counts[winner, symbol] += scored
    expected = log_shares(counts, trained.training["pseudo_count"]).T
    torch.testing.assert_close(network["readout"].weight, expected.float())
    assert not network["readout"].bias.any()
    assert trained.training["contexts"] == (counts.sum(1) > 0).sum() < 100


def test_a_fractal_prediction_machine_knows_more_than_two_symbols(trained):
    assert trained.scores["test"] < 0.2 * trained.task.baselines()["Markov model of order 2"]["test"]


def test_training_is_counted_as_a_walk_over_states_contexts_and_symbols():
    network = wired({"hidden": ("competitive", 7)}, (Wire(INPUT, "hidden"), Wire("hidden", "readout")), signal="values")
    K, H, outputs, S, passes = 7, 5, 3, 24, 2
    clustering, counting = Counts(), Counts()
    for _pass in range(passes):
        for _state in range(S):
            for _prototype in range(K):
                clustering += Counts(macs=H, dense_macs=H, elementwise=1, weight_reads=H + 1)  # minus half its square
            clustering += Counts(elementwise=K - 1 + H, activation_reads=H, gradient_reads=H, gradient_writes=H)
        for _coordinate in range(K * H):
            clustering += Counts(elementwise=1, weight_writes=1, plasticity_updates=1)
    for _state in range(S):
        counting += Counts(elementwise=1, gradient_reads=1, gradient_writes=1)
    for _share in range(K * outputs):  # summed, then added to, divided, and its logarithm
        counting += Counts(elementwise=3, nonlinearities=1, gradient_reads=2, weight_writes=1, plasticity_updates=1)
    activity, _, _ = run(network)
    updates = passes * K * H + K * outputs
    counted = rules["context_counts"].count_training(network, counts_of(network, activity).forward(), 4, updates)
    assert counted.phases["update"]["hidden"] == clustering
    assert counted.phases["update"]["readout"] == counting
    assert counted.phases["backward"].total == Counts()


def test_what_it_refuses():
    task = load_task("feigenbaum", 0)
    with pytest.raises(
        CannotRun, match="its readout must hear one layer of competitive units, which become the contexts"
    ):
        ContextCounts.check(make_net("elman"), task)
    with pytest.raises(CannotRun, match="the outputs are logarithms of shares, so the readout must be linear"):
        ContextCounts.check(make_net("competitive", readout="leaky"), task)
    late = (Wire(INPUT, "low"), Wire("low", "hidden", delay=1), Wire("hidden", "readout"))
    with pytest.raises(CannotRun, match="what the competitive units hear must come in the same step and unchanged"):
        ContextCounts.check(wired({"low": ("contractions", 3), "hidden": ("competitive", 7)}, late), task)
    said = "it counts which symbol follows, but this task has other targets; use the objective next_symbol"
    with pytest.raises(CannotRun, match=re.escape(said)):
        ContextCounts.check(make_net("competitive"), load_task("row_digits", 0))


def test_nothing_seen_is_nothing_to_choose_from(trained):
    rule = ContextCounts(load_pair("fractal_prediction").rate.training("context_counts", "feigenbaum"))
    from neurorec.engines.engine import choose_engine

    state = rule.init(
        trained.network, choose_engine("auto", trained.network), trained.task.objective, torch.Generator()
    )
    with pytest.raises(
        RunFailed, match="rule context counts has not seen any sample, so there is nothing to choose from"
    ):
        rule.finish(trained.network, state, trained.task.split("validation"))
