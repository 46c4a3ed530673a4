"""BPTT: it learns, it stops at NaN, and its settings do what they say."""

import copy
from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.engine import engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Batch, masked_mean
from tests.nets import CLASSES, cell_card, inputs, network, on_dyadic_grid
from tests.rounding import OPERATIONS, assert_gradients_apart, gamma


def rule(**changes):
    values = {"rule": "bptt", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 1e-2,
              "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0}  # fmt: skip
    return BPTT(BPTTCard(**(values | changes)))


def batch_for(net, T=10, B=32):
    x = inputs(net, T, B)
    target = (x[:, :, 0].sum(0) > x[:, :, 1].sum(0)).long()
    return Batch(x, target, torch.arange(T) >= T - 2)


def losses(net, method, steps):
    state, batch = method.init(net, engines["torch"](), CLASSES, torch.Generator()), batch_for(net)
    found = []
    for _ in range(steps):
        state, info = method.step(net, state, batch)
        found.append(info.loss)
    return found


@pytest.mark.parametrize("name", [name for name in cells if BPTT.why_not(network(name)) is None])
def test_the_loss_falls(name):
    found = losses(network(name, H=24), rule(), 120)
    assert found[-1] < 0.7 * found[0]


def test_a_frozen_recurrence_stays_at_zero():
    net = network("lif", H=12)
    net["hidden"].freeze_recurrence()
    losses(net, rule(), 3)
    assert not net["hidden"].w_rec.any()


def test_the_rate_regulariser_pulls_towards_its_target():
    quiet, loud = network("lif", H=24), network("lif", H=24)
    losses(quiet, rule(rate_weight=100.0, rate_target=0.0), 40)
    losses(loud, rule(rate_weight=100.0, rate_target=0.4), 40)
    x = batch_for(quiet).x
    assert quiet["hidden"](x)[0].mean() + 0.1 < loud["hidden"](x)[0].mean()


def test_the_learning_rate_decays_by_update():
    method, net = rule(learning_rate_decay=0.5), network("elman")
    state = method.init(net, engines["torch"](), CLASSES, torch.Generator())
    for _ in range(3):
        state, _ = method.step(net, state, batch_for(net))
    assert state.descent.optimizer.param_groups[0]["lr"] == pytest.approx(1e-2 / 8)


def test_a_loss_that_becomes_nan_says_what_to_turn():
    net = network("elman")
    with torch.no_grad():
        net["readout"].weight.fill_(float("nan"))
    with pytest.raises(RunFailed) as caught:
        losses(net, rule(), 1)
    assert str(caught.value) == (
        "the loss became nan; lower learning_rate (now 0.01) or clip_norm (now 1) in the pair card"
    )


def test_the_loss_is_the_cross_entropy_of_the_answered_steps():
    net = network("elman").double()
    batch = batch_for(net)
    batch = replace(batch, x=batch.x.double())
    with torch.no_grad():
        logits = net(batch.x)[-2:].mean(0)
    method = rule()
    _, info = method.step(net, method.init(net, engines["torch"](), CLASSES, torch.Generator()), batch)
    assert info.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, batch.target)))


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_samples_that_end_early_are_trained_as_if_there_were_nothing_behind(engine):
    """The same loss, rate regulariser included, and the same gradients as of the batch cut off at the ends."""
    found = []
    for padded in (False, True):
        net = on_dyadic_grid(network("lif", input_gain=6.0))
        long = batch_for(net, T=14)
        mask, ends = (torch.arange(14) >= 8) & (torch.arange(14) < 10), torch.full((32,), 10)
        each = mask[:, None].expand(14, 32)
        batch = Batch(long.x, long.target, each, ends) if padded else Batch(long.x[:10], long.target, mask[:10])
        method = rule(rate_target=0.3, rate_weight=5.0)
        _, info = method.step(net, method.init(net, engines[engine](), CLASSES, torch.Generator()), batch)
        found.append((info.loss, {name: weight.grad for name, weight in net.named_parameters()}))
    assert found[0][0] == pytest.approx(found[1][0], rel=2 * gamma(32 + OPERATIONS))  # a mean over 32 samples
    assert_gradients_apart(found[1][1], found[0][1], 10, 32, 7)


def test_every_sample_is_averaged_over_its_own_answers():
    outputs, mask = (
        torch.randn(6, 3, 2),
        torch.tensor([[0, 1, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]]),
    )
    expected = torch.stack([outputs[mask[:, b] > 0, b].mean(0) for b in range(3)])
    torch.testing.assert_close(masked_mean(outputs, mask > 0), expected)


def jordan():
    """Feed-forward units that hear the answer of the step before."""
    layers = {
        "hidden": cells["dense"](cell_card("dense", 6), 5),
        "readout": LinearReadout(ReadoutCard(name="linear"), 6, 2),
    }
    wires = (Wire(INPUT, "hidden"), Wire("readout", "hidden", 1, "softmax"), Wire("hidden", "readout"))
    net = Network(layers, wires, "values", 3)
    net.reset_parameters(torch.Generator().manual_seed(0))
    return net


@pytest.mark.parametrize("steps", [1, 3], ids=["a step per frame", "three steps per frame"])
def test_teacher_forcing_is_a_feed_forward_network_that_hears_the_right_answers(steps):
    """The same loss and gradients as of its layers without any loop, each frame told the right answer of the step before."""
    net, generator = jordan(), torch.Generator().manual_seed(1)
    x = torch.rand(8, 4, 3, generator=generator).repeat_interleave(steps, 0)
    target = torch.randint(2, (8, 4), generator=generator)
    batch = Batch(x, target, torch.ones(8 * steps, dtype=torch.bool), steps_per_frame=steps, per_frame=True)
    method, objective = rule(teacher_forcing=True), objectives["step_classification"]()
    state = method.init(net, engines["torch"](), objective, torch.Generator())
    told = torch.nn.functional.one_hot(target, 2).float().repeat_interleave(steps, 0)
    told = torch.cat([torch.zeros(1, 4, 2), told[:-1]])
    plain = copy.deepcopy(net)
    answers = plain["readout"](plain["hidden"](torch.cat([x, told], 2))[0])[0].unflatten(0, (8, steps)).mean(1)
    loss = torch.nn.functional.cross_entropy(answers.flatten(0, 1), target.flatten())
    loss.backward()
    _, info = method.step(net, state, batch)
    assert info.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
    for one, two in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("net", "objective"), [(jordan(), "classification"), (network("elman"), "step_classification")]
)
def test_teacher_forcing_is_refused_where_there_is_nothing_to_force(net, objective):
    with pytest.raises(CannotRun) as caught:
        rule(teacher_forcing=True).init(net, engines["torch"](), objectives[objective](), torch.Generator())
    assert str(caught.value) == (
        "teacher_forcing needs a delayed wire from the readout and targets in every frame; set it to false"
    )
