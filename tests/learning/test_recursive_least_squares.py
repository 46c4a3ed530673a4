"""Recursive least squares: equal to ridge regression, forgetting, and FORCE."""

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import engines
from neurorec.learning.recursive_least_squares import RecursiveLeastSquares, RecursiveLeastSquaresCard
from neurorec.learning.ridge import readout_features
from neurorec.models.network import Network
from neurorec.models.wires import Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from tests.nets import inputs, network

VALUES = objectives["series_prediction"]()


def rule(penalty=0.1, forgetting=1.0):
    card = RecursiveLeastSquaresCard(
        rule="recursive_least_squares", task="made up", epochs=1, batch_size=1, penalty=penalty, forgetting=forgetting
    )
    return RecursiveLeastSquares(card)


def learn(net, batch, steps=1, **settings):
    method = rule(**settings)
    state = method.init(net, engines["torch"](), VALUES, torch.Generator())
    for _ in range(steps):
        state, info = method.step(net, state, batch)
    return torch.cat([net["readout"].weight, net["readout"].bias[:, None]], 1), info


def made_up(net, T=40, B=3):
    x = inputs(net, T, B).double()
    target = torch.rand(T, B, 3, generator=torch.Generator().manual_seed(1)).double()
    mask = torch.arange(T)[:, None] >= torch.tensor([5, 0, 9])
    return Batch(x, target, mask, per_frame=True)


@pytest.mark.parametrize("name", ["echo_state", "liquid_state"])
def test_the_weights_are_those_of_ridge_regression_on_all_frames(name):
    net = network(name).double()
    batch = made_up(net)
    found, info = learn(net, batch)
    features = readout_features(net, engines["torch"](), batch, VALUES)
    X, Y = features[batch.frame_mask], batch.answers[batch.frame_mask]
    wanted = torch.linalg.solve(X.T @ X + 0.1 * torch.eye(X.shape[1]).double(), X.T @ Y).T
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    assert info.updates == int(batch.mask.sum()) == 120 - 14


def test_forgetting_weights_frames_by_their_age():
    net = network("echo_state").double()
    batch = made_up(net, B=1)
    batch = Batch(batch.x, batch.target, torch.ones(40, dtype=torch.bool), per_frame=True)
    found, _ = learn(net, batch, forgetting=0.8)
    X, Y = readout_features(net, engines["torch"](), batch, VALUES)[:, 0], batch.answers[:, 0]
    age = 0.8 ** torch.arange(39, -1, -1).double()[:, None]
    kept = 0.1 * 0.8**40 * torch.eye(8).double()
    wanted = torch.linalg.solve(X.T @ (age * X) + kept, X.T @ (age * Y)).T
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)


def with_feedback(H=100):
    """An echo state network without input whose output is its input in the next step."""
    plain = network("echo_state", I=2, H=H, O=1, spectral_radius=0.9, leak=1.0, input_scale=0.3)
    wires = (Wire("input", "hidden"), Wire("readout", "hidden", 1), Wire("hidden", "readout"))
    return Network(dict(plain.named_layers()), wires, "values", 1).double()


@torch.no_grad()
def test_force_makes_a_network_oscillate_by_itself():
    """It learns on its own output from the start, and afterwards continues the wave for more than two periods."""
    net, T = with_feedback(), 1500
    wave = torch.sin(torch.arange(T + 100) * 0.3).double()[:, None, None]
    batch = Batch(torch.zeros(T, 1, 1).double(), wave[:T], torch.ones(T, dtype=torch.bool), per_frame=True)
    learn(net, batch, penalty=0.01)
    _, state = net.run(torch.zeros(T, 1, 1).double(), forced={"readout": wave[:T]})
    found, _ = net.run(torch.zeros(50, 1, 1).double(), state)
    assert (found["readout"] - wave[T : T + 50]).abs().max() < 0.2


def test_what_is_learned_does_not_depend_on_the_first_weights_of_the_readout():
    """They are replaced by 0 before the network hears its own output."""
    target = torch.rand(20, 1, 1, generator=torch.Generator().manual_seed(0)).double()
    batch = Batch(torch.zeros(20, 1, 1).double(), target, torch.ones(20, dtype=torch.bool), per_frame=True)
    found = []
    for size in (0.0, 5.0):
        net = with_feedback(10)
        with torch.no_grad():
            net["readout"].weight.fill_(size)
        found.append(learn(net, batch)[0].detach().clone())
    assert torch.equal(*found)


def test_it_refuses_what_it_cannot_learn_in_words():
    with pytest.raises(
        CannotRun, match=r"it learns in every frame, but task row_digits has one answer per sample; use ridge$"
    ):
        RecursiveLeastSquares.check(network("echo_state"), load_task("row_digits", 0))
    leaky = network("echo_state", I=2, O=1, readout="leaky")
    wires = (Wire("input", "hidden"), Wire("readout", "hidden", 1), Wire("hidden", "readout"))
    fed_back = Network(dict(leaky.named_layers()), wires, "values", 1)
    with pytest.raises(CannotRun, match=r"its output is filtered before it feeds back.*use a linear readout$"):
        RecursiveLeastSquares.check(fed_back)
