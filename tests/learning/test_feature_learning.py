"""Hebb, Oja, Sanger and BCM: what each converges to, what it costs, and what it refuses."""

from collections import Counter

import pytest
import torch

from neurorec.basics.counts import Counts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.engine import choose_engine
from neurorec.learning.feature_learning import ends
from neurorec.learning.rule import rules
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import Task
from neurorec.training import train
from tests.hardware.nets import make_net, run
from tests.learning.test_training_counts import count_training
from tests.nets import CLASSES, network

RULES = ("hebb", "oja", "sanger", "bcm")


def learned(rule, x, steps, rate, *, cell="dense", units=1, activation="linear", start=0.1, **settings):
    """The weights [H, L] and the network after learning x [T, N, I] in `steps` batches of all samples."""
    net = network(cell, I=x.shape[2], H=units, activation=activation).double()
    with torch.no_grad():
        net["hidden"].w_in.mul_(start)
    settings = {"threshold_rate": 0.5, **settings} if rule == "bcm" else settings
    card = rules[rule].Card(
        rule=rule, task="t", epochs=1, batch_size=1, learning_rate=rate, learning_rate_decay=1.0, **settings
    )
    method = rules[rule](card)
    state = method.init(net, choose_engine("torch", net), CLASSES, torch.Generator())
    data = Batch(x, None, torch.ones(len(x), dtype=torch.bool))
    for _ in range(steps):
        state, info = method.step(net, state, data)
        assert info.updates == 1
    return net["hidden"].w_in.detach(), net


def spread_input(samples=200):
    """[1, N, 4] with mean 0 and principal components of well-separated variances; and the components, row by row."""
    generator = torch.Generator().manual_seed(0)
    axes, _ = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64))
    x = torch.randn(samples, 4, generator=generator, dtype=torch.float64) * torch.tensor([2.0, 1.2, 0.7, 0.3]) @ axes.T
    x = x - x.mean(0)
    _, vectors = torch.linalg.eigh(x.T @ x / samples)
    return x[None], vectors.flip(1).T


@pytest.mark.parametrize("units", [1, 3])
def test_every_unit_of_oja_converges_to_the_first_principal_component(units):
    x, components = spread_input()
    weights, _ = learned("oja", x, 150, 0.1, units=units)
    torch.testing.assert_close(weights * (weights @ components[0]).sign()[:, None], components[:1].expand(units, 4))


def test_sanger_converges_to_the_principal_components_in_order():
    x, components = spread_input()
    weights, _ = learned("sanger", x, 500, 0.2, units=3)
    torch.testing.assert_close(weights * (weights * components[:3]).sum(1).sign()[:, None], components[:3])


def test_hebb_turns_weights_to_the_first_principal_component_and_keeps_their_length():
    x, components = spread_input()
    before, _ = learned("hebb", x, 0, 0.05, units=3)
    weights, _ = learned("hebb", x, 150, 0.1, units=3)
    torch.testing.assert_close(weights.norm(dim=1), before.norm(dim=1))
    found = weights / weights.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found * (found @ components[0]).sign()[:, None], components[:1].expand(3, 4))


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_a_bcm_unit_selects_one_of_the_patterns(activation):
    """The only stable fixed points with N equally frequent, linearly independent patterns: y = N for one, 0 for the others."""
    patterns = torch.tensor([[1.0, 0.2, 0.0], [0.1, 1.0, 0.3], [0.0, 0.2, 1.0]], dtype=torch.float64)[None]
    weights, _ = learned("bcm", patterns, 1500, 0.05, units=6, activation=activation, start=0.3)
    answers = weights @ patterns[0].T
    answers = answers.relu() if activation == "relu" else answers
    awake = answers.max(1).values > 1  # a rectified unit whose sums are all negative never learns
    assert awake.sum() >= 3
    torch.testing.assert_close(answers[awake].max(1).values, torch.full_like(answers[awake][:, 0], 3.0))
    others = answers[awake].sort(1).values[:, :2]
    torch.testing.assert_close(others, torch.zeros_like(others))
    assert len(set(answers[awake].argmax(1).tolist())) > 1  # the start decides which


def test_one_update_of_each_rule_by_hand():
    x = torch.tensor([[[1.0, 2.0], [3.0, -1.0]]], dtype=torch.float64)
    for rule, wanted in {
        "oja": lambda w, y: w + 0.1 * (y.T @ x[0] / 2 - y.square().mean(0)[:, None] * w),
        "sanger": lambda w, y: w + 0.1 * (y.T @ x[0] - (y.T @ y).tril() @ w) / 2,
        "hebb": lambda w, y: (
            (w + 0.1 * y.T @ x[0] / 2) * (w.norm(dim=1) / (w + 0.1 * y.T @ x[0] / 2).norm(dim=1))[:, None]
        ),
        "bcm": lambda w, y: w + 0.1 * (y * (y - y.square().mean(0))).T @ x[0] / 2,
    }.items():
        before, _ = learned(rule, x, 0, 0.1, units=3, start=1.0)
        after, _ = learned(rule, x, 1, 0.1, units=3, start=1.0)
        torch.testing.assert_close(after, wanted(before, x[0] @ before.T))


def test_recurrent_weights_learn_from_the_output_of_the_step_before():
    x = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(1)).double()
    elman = {"cell": "elman", "units": 3, "activation": "tanh", "start": 1.0}
    before, net = learned("oja", x, 0, 0.1, **elman)
    h = net["hidden"](x)[0].detach()
    earlier = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
    whole, heard, y = torch.cat([before, net["hidden"].w_rec.detach()], 1), torch.cat([x, earlier], 2), h.flatten(0, 1)
    wanted = whole + 0.1 * (y.T @ heard.flatten(0, 1) / 12 - y.square().mean(0)[:, None] * whole)
    after, trained = learned("oja", x, 1, 0.1, **elman)
    torch.testing.assert_close(torch.cat([after, trained["hidden"].w_rec.detach()], 1), wanted)


def test_steps_after_the_end_of_a_sample_teach_nothing():
    x = torch.rand(3, 2, 2, generator=torch.Generator().manual_seed(1)).double()
    x[1:, 1] = 0
    net = network("dense", I=2, H=3).double()
    mask = torch.tensor([[True, True], [True, False], [True, False]])
    pre, post = ends(net, choose_engine("torch", net), Batch(x, None, mask, torch.tensor([3, 1])))
    assert torch.equal(pre, torch.stack([x[0, 0], x[0, 1], x[1, 0], x[2, 0]]))
    assert post.shape == (4, 3)


def test_weights_that_become_infinite_fail_the_run():
    x = torch.full((1, 2, 2), 1e200, dtype=torch.float64)
    with pytest.raises(RunFailed, match=r"a weight became infinite; lower learning_rate \(now 0.1\) in the pair card"):
        learned("oja", x, 3, 0.1)


@pytest.mark.parametrize("cell", ["dense", "elman"])
@pytest.mark.parametrize("rule", RULES)
def test_learning_is_counted_as_a_walk_over_its_synapses(rule, cell):
    net = make_net(cell, signal="values")
    activity, x, _ = run(net)
    update = count_training(net, activity, rule, samples_seen=4, weight_updates=2).phases["update"].of("hidden")
    units, lines, walked = 7, 5 + (7 if cell == "elman" else 0), Counter()
    for _ in range(x.shape[0] * x.shape[1]):
        for unit in range(units):
            if rule == "bcm":  # y (y - theta), y^2 and its sum
                walked.update(elementwise=4, trace_reads=2, trace_writes=1, trace_updates=1)
            for _ in range(lines):
                walked.update(elementwise=4 if rule in ("oja", "sanger") else 2, weight_reads=1)
                walked.update(gradient_reads=1, gradient_writes=1)
                if rule == "sanger" and unit < units - 1:
                    walked.update(values_sent=1, activation_reads=1, activation_writes=1)
    for _ in range(2):
        for _ in range(units):
            if rule == "hebb":
                walked.update(nonlinearities=2, elementwise=1)
            if rule == "bcm":  # mean, difference, times rate, added
                walked.update(elementwise=4, trace_reads=2, trace_writes=2, trace_updates=1)
            for _ in range(lines):
                walked.update(elementwise=2, weight_reads=1, weight_writes=1, gradient_reads=1, plasticity_updates=1)
                if rule == "hebb":  # two squared lengths; scaled
                    walked.update(macs=2, dense_macs=2, weight_reads=2, weight_writes=1, weights_scaled=1)
    assert update == Counts(**walked)


@pytest.mark.parametrize("rule", RULES)
def test_features_are_read_out_by_ridge_regression_and_by_labels(rule):
    x = torch.zeros(1, 60, 4)
    x[:, ::2, :2] = x[:, 1::2, 2:] = 1
    x += 0.1 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    splits = {"train": range(30), "validation": range(30, 45), "test": range(45, 60)}
    task = Task.from_arrays(x, torch.arange(60) % 2, "classification", splits)
    settings = {
        "epochs": 3, "batch_size": 10, "learning_rate": 0.05, "learning_rate_decay": 1.0,
        "count_readout_penalties": [1e-3], **({"threshold_rate": 0.5} if rule == "bcm" else {}),
    }  # fmt: skip
    seen = train(network("dense", I=4, H=6, O=2, activation="relu"), task, rule, settings=settings, device="cpu")
    assert seen.scores["test"] == 1.0
    assert "accuracy (label assignment)" in seen.extra_scores


def test_other_cells_and_loops_are_refused():
    with pytest.raises(CannotRun) as caught:
        rules["oja"].check(network("lstm"))
    assert str(caught.value) == (
        "rule Oja's rule cannot train LSTM: it takes each unit's output as a function of its weighted sum, which LSTM is not; "
        "use the cell dense or elman"
    )
    assert "which residual is not" in str(rules["hebb"].why_not(network("residual")))  # its step adds its input


def test_what_they_relax_of_the_six_objections():
    net = network("dense")
    stances = {rule: [judgement.stance for judgement in rules[rule].judgements(net)] for rule in RULES}
    alone = ["relaxed", "relaxed", "relaxed", "relaxed", "kept", "partly"]
    assert stances == {"hebb": alone, "oja": alone, "bcm": alone,
                       "sanger": ["partly", "relaxed", "kept", "partly", "kept", "partly"]}  # fmt: skip
