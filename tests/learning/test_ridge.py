"""Ridge regression: the closed form, checked against scikit-learn and against its own normal equations."""

import pytest
import torch
from sklearn.linear_model import Ridge as SklearnRidge

from neurorec.basics import least_squares
from neurorec.basics.least_squares import Moments, solve_ridge
from neurorec.engines.engine import engines
from neurorec.learning.ridge import Ridge, RidgeCard, best_ridge, readout_features
from neurorec.models import readout
from neurorec.tasks.task import Batch, masked_mean
from tests.nets import CLASSES, inputs, network
from tests.rounding import assert_apart, mean_answers_apart


def made_data():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(60, 5, generator=generator).double()
    Y = torch.randn(60, 3, generator=generator).double()
    return torch.cat([X, torch.ones(60, 1)], 1), Y


def test_weights_equal_scikit_learn():
    X, Y = made_data()
    ours = solve_ridge(X, Y, penalty=0.01)
    theirs = SklearnRidge(alpha=0.01 * 60).fit(X[:, :-1].numpy(), Y.numpy())
    torch.testing.assert_close(ours[:, :-1], torch.as_tensor(theirs.coef_), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(ours[:, -1], torch.as_tensor(theirs.intercept_), rtol=1e-6, atol=1e-8)


def test_many_features_are_added_up_in_blocks(monkeypatch):
    X, Y = made_data()
    monkeypatch.setattr(least_squares, "BLOCK", 7)
    at_once = Moments.of(X, Y)
    monkeypatch.setattr(least_squares, "MOST_COPIED", 60 * 6 - 1)
    found = Moments.of(X, Y)
    assert found.samples == 60
    assert not torch.equal(found.features, at_once.features)  # another order of sums
    torch.testing.assert_close(found.features, X.T @ X)
    torch.testing.assert_close(found.targets, X.T @ Y)


def test_the_penalty_is_chosen_on_validation_data():
    """Pure noise features: the heaviest penalty generalises best; informative ones: the lightest."""
    generator = torch.Generator().manual_seed(1)
    target = torch.arange(200) % 2
    clear = torch.stack([target * 2.0 - 1, torch.ones(200)], 1)
    noise = torch.cat([torch.randn(200, 150, generator=generator), clear * 0.3], 1)
    wanted = torch.nn.functional.one_hot(target[:100], 2) * 2.0 - 1
    held_out = Batch(noise[None, 100:], target[100:], torch.tensor([True]))
    _, chosen = best_ridge(noise[:100], wanted, (noise[100:], held_out), CLASSES, [1e-9, 1.0])
    assert chosen == 1.0


@pytest.mark.parametrize("readout", ["linear", "leaky"])
def test_the_trained_readout_gives_what_its_features_promise(readout):
    """Features times weights must be exactly what the network's own forward pass then answers."""
    net = network("liquid_state", I=4, H=30, O=2, readout=readout)
    x = inputs(net, 12, 40)
    batch = Batch(x, torch.arange(40) % 2, torch.arange(12) >= 8)
    engine = engines["torch"]()
    rule = Ridge(RidgeCard(rule="ridge", task="made up", epochs=1, batch_size=40, penalties=[1e-3]))
    state, info = rule.step(net, rule.init(net, engine, CLASSES, torch.Generator()), batch)
    before = net["hidden"].w_rec.clone()
    assert rule.finish(net, state, batch) == {"penalty": 1e-3}
    assert info.updates == 0
    assert torch.equal(net["hidden"].w_rec, before)
    weights = torch.cat([net["readout"].weight, net["readout"].bias[:, None]], 1)
    promised = readout_features(net, engine, batch, CLASSES) @ weights.T
    hidden = net["hidden"](x)[0]
    apart = mean_answers_apart(net["readout"], hidden, batch.mask)
    assert_apart(promised, masked_mean(net(x), batch.mask), apart, "answers")


def test_the_leaky_filter_of_a_long_series_in_blocks_is_its_recursion(monkeypatch):
    monkeypatch.setattr(readout, "MANY_STEPS", 4)
    monkeypatch.setattr(readout, "LONG_SERIES", 10)
    net = network("lif", H=4, O=2).double()
    h = torch.rand(11, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    blocks = net["readout"].filter(h)
    monkeypatch.setattr(readout, "LONG_SERIES", 11)
    torch.testing.assert_close(blocks, net["readout"].filter(h))


def test_the_leaky_kernel_is_its_recursion():
    net = network("lif", H=4, O=2).double()
    h = torch.rand(9, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    rate, y, steps = 1.0 / 5.0, torch.zeros(3, 2).double(), []
    for h_t in h:
        y = y + rate * (-y + torch.nn.functional.linear(h_t, net["readout"].weight, net["readout"].bias))
        steps.append(y)
    torch.testing.assert_close(net["readout"](h)[0], torch.stack(steps))
