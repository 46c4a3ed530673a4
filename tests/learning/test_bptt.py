"""BPTT: it learns, it stops at NaN, and its settings do what they say."""

import pytest
import torch

from neurorec.basics.errors import RunFailed
from neurorec.engines.engine import engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.tasks.task import Batch
from tests.nets import inputs, network


def rule(**changes):
    values = {"rule": "bptt", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 1e-2,
              "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0}  # fmt: skip
    return BPTT(BPTTCard(**(values | changes)))


def batch_for(net, T=10, B=32):
    x = inputs(net, T, B)
    target = (x[:, :, 0].sum(0) > x[:, :, 1].sum(0)).long()
    return Batch(x, target, torch.arange(T) >= T - 2)


def losses(net, method, steps):
    state, batch = method.init(net, engines["torch"](), torch.Generator()), batch_for(net)
    found = []
    for _ in range(steps):
        state, info = method.step(net, state, batch)
        found.append(info.loss)
    return found


@pytest.mark.parametrize("name", ["elman", "lstm", "lif", "adaptive_lif", "competitive_lif"])
def test_the_loss_falls(name):
    found = losses(network(name, H=24), rule(), 120)
    assert found[-1] < 0.7 * found[0]


def test_a_frozen_recurrence_stays_at_zero():
    net = network("lif", H=12)
    net.cell.freeze_recurrence()
    losses(net, rule(), 3)
    assert not net.cell.w_rec.any()


def test_the_rate_regulariser_pulls_towards_its_target():
    quiet, loud = network("lif", H=24), network("lif", H=24)
    losses(quiet, rule(rate_weight=100.0, rate_target=0.0), 40)
    losses(loud, rule(rate_weight=100.0, rate_target=0.4), 40)
    x = batch_for(quiet).x
    assert quiet.cell(x)[0].mean() + 0.1 < loud.cell(x)[0].mean()


def test_the_learning_rate_decays_by_update():
    method, net = rule(learning_rate_decay=0.5), network("elman")
    state = method.init(net, engines["torch"](), torch.Generator())
    for _ in range(3):
        state, _ = method.step(net, state, batch_for(net))
    assert state.optimizer.param_groups[0]["lr"] == pytest.approx(1e-2 / 8)


def test_a_loss_that_becomes_nan_says_what_to_turn():
    net = network("elman")
    with torch.no_grad():
        net.readout.weight.fill_(float("nan"))
    with pytest.raises(RunFailed) as caught:
        losses(net, rule(), 1)
    assert str(caught.value) == (
        "the loss became nan; lower learning_rate (now 0.01) or clip_norm (now 1) in the pair card"
    )


def test_the_loss_is_the_cross_entropy_of_the_answered_steps():
    net = network("elman")
    batch = batch_for(net)
    with torch.no_grad():
        logits = net(batch.x)[-2:].mean(0)
    method = rule()
    _, info = method.step(net, method.init(net, engines["torch"](), torch.Generator()), batch)
    assert info.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, batch.target)), rel=1e-5)
