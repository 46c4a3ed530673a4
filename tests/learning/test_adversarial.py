"""A generator and its critic: what each step changes, the two losses, and scores of generated samples."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.functional import logsigmoid

import neurorec as nr
from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine
from neurorec.learning.adversarial import Adversarial, AdversarialCard, judge
from neurorec.learning.rule import rules
from neurorec.tasks.objectives.samples_classified import DISTANCE, classes_of, flat
from neurorec.tasks.task import load_task
from neurorec.training import load_pair

PAIR = load_pair("gan")
TASK: Any = load_task("drawn_digits", 0)


def contest(**changes):
    """The rate generator, the rule in its first state, and a batch of 20 images."""
    net = PAIR.half("rate").build(TASK.inputs, TASK.outputs, torch.Generator().manual_seed(0))
    card: Any = PAIR.half("rate").training("adversarial", "drawn_digits")
    rule = Adversarial(AdversarialCard(**{**card.model_dump(), **changes}))
    state = rule.init(net, choose_engine("auto", net), TASK.objective, torch.Generator().manual_seed(1))
    batch = TASK.split("train").take(torch.arange(20))
    rule._critic(state, batch, batch.answers[1:])
    return net, rule, state, batch


def weights(network):
    return [weight.detach().clone() for weight in network.parameters()]


def test_both_players_move_and_the_average_of_the_generator_is_kept():
    net, rule, state, batch = contest(averaging=0.75)
    before, critic = weights(net), weights(state.critic)
    state, info = rule.step(net, state, batch)
    after = weights(net)
    assert info.updates == 2
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(not torch.equal(a, b) for a, b in zip(critic, weights(state.critic), strict=True))
    rule.finish(net, state, batch)
    for start, end, kept in zip(before, after, weights(net), strict=True):
        torch.testing.assert_close(kept, 0.75 * start + 0.25 * end)


@pytest.mark.parametrize(("wrong", "penalty"), [(0.0, 0.0), (0.5, 0.0), (0.0, 2.0)])
def test_the_loss_of_the_critic_equals_its_equation(wrong, penalty):
    _, rule, state, batch = contest(wrong_class_weight=wrong, gradient_penalty=penalty, real_label=1.0)
    made = torch.rand(1, 20, 64, generator=torch.Generator().manual_seed(3))
    state.random.manual_seed(5)
    classes, real = classes_of(batch), batch.answers[1:].clone()
    found = rule._critic_loss(state, real, made, batch)
    outputs, of_made = state.critic(real)[0], state.critic(made)[0]
    rows = torch.arange(20)
    expected = -logsigmoid(outputs[rows, classes]).mean() - logsigmoid(-of_made[rows, classes]).mean()
    if wrong:
        by = int(torch.randint(1, 10, (1,), generator=torch.Generator().manual_seed(5)))
        expected = expected - wrong * logsigmoid(-outputs[rows, (classes + by) % 10]).mean()
    if penalty:
        slopes = [
            torch.autograd.functional.jacobian(lambda x, k=k: judge(state.critic, x, classes[k : k + 1]), real[:, k : k + 1])
            for k in range(20)
        ]  # fmt: skip
        expected = expected + penalty / 2 * torch.stack([slope.square().sum() for slope in slopes]).mean()
    torch.testing.assert_close(found, expected)


def test_a_step_of_the_generator_alone_convinces_the_critic():
    net, rule, state, batch = contest(critic_learning_rate=1e-12)

    @torch.no_grad()
    def doubt():
        sent = state.engine.sent(net, batch)[net.output][1:].sigmoid()
        return float(-logsigmoid(judge(state.critic, sent, classes_of(batch))).mean())

    first = doubt()
    for _ in range(5):
        state, info = rule.step(net, state, batch)
    assert info.loss is not None
    assert doubt() < info.loss < first


def test_real_samples_teach_what_real_samples_can_and_one_image_for_all_nothing():
    objective, test = TASK.objective, TASK.split("test")
    train = TASK.split("train")
    from_real = objective.compared(flat(train.answers, train), classes_of(train), test)
    assert from_real[objective.metric] > 0.95
    assert from_real[objective.metric] > max(scores["test"] for scores in TASK.baselines().values())
    same = objective.scores(torch.zeros_like(test.answers), test)
    assert same[objective.metric] == pytest.approx(0.1, abs=0.03)
    assert same[DISTANCE] > from_real[DISTANCE]
    other = replace(test, x=test.x.roll(1, 2))  # samples of the wrong classes
    assert objective.compared(flat(train.answers, train), (classes_of(train) + 1) % 10, other)[objective.metric] > 0.95


def test_what_it_cannot_learn_is_said():
    net = PAIR.half("rate").build(64, 10, torch.Generator().manual_seed(0))
    with pytest.raises(CannotRun) as caught:
        rules["adversarial"].check(net, nr.load_task("frame_digits", 0))
    assert str(caught.value) == (
        "rule adversarial learning cannot learn task frame_digits: it learns to generate samples of given classes; use a task "
        "with the objective samples_classified"
    )


@pytest.mark.parametrize("name", ["drawn_digits", "drawn_digit_rows"])
def test_classes_are_shown_before_digits_are_drawn(name):
    task: Any = load_task(name, 0)
    test = task.split("test")
    assert test.x[0].sum(1).eq(1).all()
    assert not test.x[1:].any()
    assert not test.answers[0].any()
    images = load_task("frame_digits", 0).split("test")
    assert torch.equal(flat(test.answers, test)[: images.size], images.x[0])
    assert torch.equal(classes_of(test), images.answers.repeat(4))


@pytest.mark.parametrize(("whole", "shape"), [(True, (1, 5, 64)), (False, (8, 5, 8))])
def test_the_critic_hears_whole_images_or_one_frame_per_step(whole, shape):
    rule, rows = contest(whole_images=whole)[1], load_task("drawn_digit_rows", 0).split("train").take(torch.arange(5))
    shown = rule._shown(rows.answers, rows)
    assert shown.shape == shape
    assert torch.equal(shown.transpose(0, 1).flatten(1), flat(rows.answers, rows))


@pytest.mark.parametrize(("pair", "task"), [("gan", "drawn_digits"), ("recurrent_gan", "drawn_digit_rows")])
@pytest.mark.parametrize("half", ["rate", "spiking"])
def test_cards_train(pair, task, half):
    run = nr.train(load_pair(pair).half(half), load_task(task, 0), "adversarial", max_epochs=1, max_samples=32)
    assert 0 < run.test_score < 1
    assert set(run.extra_scores) == {DISTANCE}
