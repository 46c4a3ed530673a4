"""Curvature products equal finite differences; a Newton step does what its quadratic model says."""

import itertools

import pytest
import torch

from neurorec.basics.errors import RunFailed
from neurorec.engines.engine import engines
from neurorec.learning import hessian_free
from neurorec.learning.conjugate_gradients import Solution
from neurorec.learning.curvature import Curvature, flat, unflat
from neurorec.learning.hessian_free import HessianFree, HessianFreeCard
from neurorec.models.constraint import Signed
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, objectives
from tests.hardware.nets import counts_of, make_net, run
from tests.nets import CLASSES, network

T, B, O = 6, 4, 3  # noqa: E741
STEP = 3e-4  #: of finite differences
FORMS = {"classification": False, "step_classification": True, "step_regression": True}


def rule(**changes) -> HessianFree:
    values = {"rule": "hessian_free", "task": "made up", "epochs": 1, "batch_size": 4, "curvature_samples": 4,
              "most_products": 50, "damping": 0.1, "structural_damping": 0.0, "warm_start": 0.95}  # fmt: skip
    return HessianFree(HessianFreeCard(**values | changes))


def batch_for(net: Network, kind: str = "classification", samples: int = B) -> Batch:
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(T, samples, net.input_size, generator=generator).to(next(net.parameters()))
    ends = torch.randint(3, T + 1, (samples,), generator=generator)
    runs = torch.arange(T)[:, None] < ends
    if kind == "step_regression":
        target = torch.randn(T, samples, O, generator=generator).to(x)
    else:
        target = torch.randint(O, (T, samples) if FORMS[kind] else (samples,), generator=generator)
    return Batch(x, target, runs, ends, per_frame=FORMS[kind])


def parts(net: Network, objective: Objective, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Loss, answers and what the hidden units send."""
    sent = engines["torch"]().sent(net, batch)
    answers = objective.answers(sent["readout"], batch)
    return objective.loss(answers, batch), answers, sent["hidden"]


def columns(function, point: torch.Tensor, step: float) -> torch.Tensor:
    """The derivative of a function of [N] by central differences of fourth order: [M, N]."""
    found = []
    for axis in torch.eye(len(point), dtype=torch.float64) * step:
        near, far = (function(point + k * axis) - function(point - k * axis) for k in (1, 2))
        found.append((8 * near - far) / (12 * step))
    return torch.stack(found, 1)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("name", ["elman", "lstm"])
def test_products_equal_finite_differences(name, kind):
    """Of the answers after the weights, of the hidden outputs, and of the loss's slope after the answers."""
    net, objective = network(name, I=2, H=3, O=O).double(), objectives[kind]()
    batch, weights = batch_for(net, kind), list(net.parameters())
    origin = flat(weights).detach().clone()

    def at(values: torch.Tensor):
        with torch.no_grad():
            for weight, new in zip(weights, unflat(values, weights), strict=True):
                weight.copy_(new)
            return parts(net, objective, batch)

    def slope(answers: torch.Tensor) -> torch.Tensor:
        answers = answers.view(shape).clone().requires_grad_()
        return torch.autograd.grad(objective.loss(answers, batch), answers)[0].flatten()

    shape, answers = at(origin)[1].shape, at(origin)[1].flatten()
    jacobian = columns(lambda values: at(values)[1].flatten(), origin, STEP)
    states = columns(lambda values: at(values)[2].flatten(), origin, STEP)
    curved = columns(slope, answers, STEP)
    at(origin)
    loss, y, hidden = parts(net, objective, batch)
    curvature = Curvature(weights, loss, y, [hidden])
    vectors = torch.randn(3, len(origin), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = jacobian.T @ curved @ jacobian
    for damping, structural in ((0.0, 0.0), (0.3, 0.7)):
        matrix = expected + structural * states.T @ states + damping * torch.eye(len(origin)).double()
        for vector in vectors:
            found = curvature.product(vector, damping, structural)
            assert (found - matrix @ vector).norm() < 1e-8 * (matrix @ vector).norm()
    assert torch.linalg.eigvalsh(expected)[0] > -1e-9


def test_where_the_answers_are_linear_in_the_weights_it_is_the_hessian():
    """Of the cross-entropy of a readout of fixed features, by finite differences of its gradient."""
    net = network("elman").double()
    net["hidden"].requires_grad_(False)
    batch, weights = batch_for(net), [net["readout"].weight, net["readout"].bias]
    origin = flat(weights).detach().clone()

    def gradient(values: torch.Tensor) -> torch.Tensor:
        for weight, new in zip(weights, unflat(values, weights), strict=True):
            weight.data.copy_(new)
        return flat(torch.autograd.grad(parts(net, CLASSES, batch)[0], weights))

    hessian = columns(gradient, origin, STEP)
    gradient(origin)
    loss, answers, _ = parts(net, CLASSES, batch)
    vector = torch.randn(len(origin), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Curvature(weights, loss, answers, []).product(vector)
    assert (found - hessian @ vector).norm() < 1e-8 * found.norm()


def test_one_step_solves_a_linear_regression():
    net, objective = network("elman", H=4).double(), objectives["step_regression"]()
    for parameter in net["hidden"].parameters():
        parameter.requires_grad_(False)
    batch, method = batch_for(net, "step_regression", 40), rule(damping=1e-9, curvature_samples=40, most_products=400)
    state, _ = method.step(net, method.init(net, engines["torch"](), objective, torch.Generator()), batch)
    _, answers, hidden = parts(net, objective, batch)
    counts = batch.frame_mask
    features = torch.cat([hidden, torch.ones_like(hidden[..., :1])], -1)[counts]
    best = torch.linalg.lstsq(features, batch.answers[counts]).solution
    torch.testing.assert_close(answers[counts], features @ best, rtol=1e-3, atol=1e-3)
    assert state.damping == pytest.approx(1e-9 * 2 / 3)  # the model was right


def trained(method: HessianFree, net: Network, batch: Batch, steps: int):
    state, found = method.init(net, engines["torch"](), CLASSES, torch.Generator()), []
    for _ in range(steps):
        state, info = method.step(net, state, batch)
        found.append((info, state.damping))
    return found


@pytest.mark.parametrize("name", ["elman", "lstm", "leaky_integrator"])
@pytest.mark.parametrize("structural", [0.0, 0.1])
def test_the_loss_never_rises(name, structural):
    net = network(name, H=12)
    batch = batch_for(net, samples=24)
    found = trained(rule(structural_damping=structural, curvature_samples=24), net, batch, 8)
    losses = [info.loss for info, _ in found]
    assert all(later <= before for before, later in itertools.pairwise(losses))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(("share", "factor"), [(0.1, 3 / 2), (0.5, 1), (0.9, 2 / 3), (-1, 3 / 2)])
def test_damping_follows_how_much_of_the_predicted_fall_came_and_no_step_leads_uphill(monkeypatch, share, factor):
    net, size = network("elman").double(), 1e-4
    batch, before = batch_for(net), flat(list(net.parameters())).detach().clone()

    def down_the_gradient(product, b, start, most):
        return [Solution(size * b * (1 if share > 0 else -1), -size * float(b @ b) / abs(share))]

    monkeypatch.setattr(hessian_free, "conjugate_gradients", down_the_gradient)
    ((_, damping),) = trained(rule(), net, batch, 1)
    assert damping == pytest.approx(0.1 * factor)
    assert torch.equal(flat(list(net.parameters())), before) == (share < 0)


def test_a_step_that_is_too_long_is_shortened(monkeypatch):
    net = network("elman").double()
    batch, gone = batch_for(net), []

    def too_far(product, b, start, most):
        gone.append(1e3 * b)
        return [Solution(gone[0], -1.0)]

    before = flat(list(net.parameters())).detach().clone()
    loss = float(parts(net, CLASSES, batch)[0].detach())
    monkeypatch.setattr(hessian_free, "conjugate_gradients", too_far)
    ((info, _),) = trained(rule(), net, batch, 1)
    share = ((flat(list(net.parameters())).detach() - before) / gone[0]).mean()
    trials = info.more["trial_samples"] // batch.size
    assert float(share) == pytest.approx(0.8 ** (trials - 1))
    assert float(parts(net, CLASSES, batch)[0].detach()) < loss


def test_of_the_solutions_it_takes_the_last_before_which_the_loss_was_higher(monkeypatch):
    net = network("elman").double()
    batch, taken = batch_for(net), {}

    def four(product, b, start, most):
        b = b / b.norm() ** 2
        taken.update({scale: scale * b for scale in (0.001, 0.02, 0.01, 1e4)})
        return [Solution(way, -1.0) for way in taken.values()]

    before = flat(list(net.parameters())).detach().clone()
    monkeypatch.setattr(hessian_free, "conjugate_gradients", four)
    trained(rule(), net, batch, 1)
    torch.testing.assert_close(flat(list(net.parameters())).detach(), before + taken[0.02])


def test_structural_damping_keeps_hidden_units_where_they_are():
    moved = []
    for structural in (0.0, 100.0):
        net = network("elman", H=12).double()
        batch = batch_for(net, samples=24)
        before = parts(net, CLASSES, batch)[2].detach()
        trained(rule(damping=0.01, structural_damping=structural, curvature_samples=24), net, batch, 1)
        moved.append(float((parts(net, CLASSES, batch)[2].detach() - before).norm()))
    assert moved[1] < 0.5 * moved[0]


def test_costs_are_counted_from_products_and_trials():
    net = make_net("elman", signal="values")
    forward = counts_of(net, run(net)[0]).forward()
    backprop = HessianFree.count_training(net, forward, 8, 2, products=0, product_samples=0, trial_samples=0)
    tried = HessianFree.count_training(net, forward, 8, 2, products=30, product_samples=120, trial_samples=40)
    N, per_sample = net.parameter_count, forward.layers.total.macs // 4
    assert tried.update.macs - backprop.update.macs == 5 * 30 * N
    assert tried.backward.macs == backprop.backward.macs // 8 * (8 + 120) + per_sample * (2 * 120 + 40)
    gradients = sum(store.words for store in tried.stores if store.kind == "gradient")
    assert gradients == 5 * N
    assert backprop.update.weight_writes == 2 * N


def test_products_and_trials_are_reported():
    net = network("elman", H=12)
    (info, _), *_ = trained(rule(curvature_samples=10, most_products=7), net, batch_for(net, samples=24), 1)
    assert (info.updates, info.more["products"], info.more["product_samples"]) == (1, 7, 70)
    assert info.more["trial_samples"] % 24 == 0
    assert info.more["trial_samples"] >= 24


def test_what_it_refuses():
    assert HessianFree.why_not(network("lif")) == (
        "its spikes are steps, but Newton steps need a loss with a curvature; use bptt"
    )
    plain = network("elman")
    layers = {"hidden": plain["hidden"], "readout": plain["readout"]}
    signed = Network(
        layers, (Wire(INPUT, "hidden"), Wire("hidden", "readout")), "values", 5,
        constraints=(Signed(Wire(INPUT, "hidden"), "positive"),),
    )  # fmt: skip
    assert "constrained" in HessianFree.why_not(signed)
    with torch.no_grad():
        plain["readout"].weight.fill_(float("nan"))
    with pytest.raises(RunFailed) as caught:
        trained(rule(), plain, batch_for(plain), 1)
    assert str(caught.value) == "the loss became nan; raise damping (now 0.1) in the pair card"
