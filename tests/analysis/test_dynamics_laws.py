"""Laws of exponents, fixed points and gradients, on systems whose answers are known."""

import math

import pytest
import torch

from neurorec.analysis.exponents import Exponents, exponents
from neurorec.analysis.fixed_points import EXACT, fixed_points
from neurorec.analysis.gradient_flow import ending, gradient_norms
from neurorec.analysis.random_rate_net import RandomRateNet, RandomRateNetCard
from neurorec.analysis.transition_to_chaos import AtGains, first_reaches
from neurorec.analysis.whole_state import flat_step, jacobians, visited
from neurorec.tasks.batch import Batch
from tests.nets import network


def generator():
    return torch.Generator().manual_seed(0)


def measured(carry, x, steps, count=None, before=0, every=1, dt=1.0):
    return exponents(carry, x, count or len(x), steps, before=before, every=every, dt=dt, generator=generator())


@pytest.mark.parametrize("every", [1, 3])
def test_exponents_of_a_linear_map_are_the_logarithms_of_its_eigenvalues(every):
    moduli = [1.5, 0.9, 0.4, 0.1]
    basis = torch.linalg.qr(torch.randn(4, 4, generator=generator(), dtype=torch.float64))[0]
    A = basis @ torch.diag(torch.tensor(moduli, dtype=torch.float64)) @ basis.T
    found = measured(lambda x, Q: (A @ x, A @ Q), torch.zeros(4, dtype=torch.float64), 300, before=100, every=every)
    assert found.values == pytest.approx([math.log(each) for each in moduli], abs=1e-9)


def test_a_rotation_that_shrinks_has_a_pair_of_equal_exponents():
    A = 0.8 * torch.tensor([[math.cos(1.0), -math.sin(1.0)], [math.sin(1.0), math.cos(1.0)]], dtype=torch.float64)
    found = measured(lambda x, Q: (A @ x, A @ Q), torch.zeros(2, dtype=torch.float64), 50)
    assert found.values == pytest.approx([math.log(0.8)] * 2, abs=1e-12)


def test_the_tent_map_with_slope_1_9_grows_by_log_1_9():
    def carry(x, Q):
        return 1.9 * torch.minimum(x, 1 - x), (1.9 if float(x) < 0.5 else -1.9) * Q

    found = measured(carry, torch.tensor([0.3], dtype=torch.float64), 200)
    assert found.values == pytest.approx([math.log(1.9)], abs=1e-12)


def test_the_exponents_of_the_henon_map_add_up_to_the_logarithm_of_its_contraction():
    def carry(x, Q):
        J = torch.tensor([[-2.8 * float(x[0]), 1.0], [0.3, 0.0]], dtype=torch.float64)
        return torch.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]]), J @ Q

    found = measured(carry, torch.zeros(2, dtype=torch.float64), 2000, before=100)
    assert sum(found.values) == pytest.approx(math.log(0.3), abs=1e-9)
    assert 0.38 < found.values[0] < 0.46  # 0.419 after infinitely many steps
    assert found.dimension == pytest.approx(1 + found.values[0] / -found.values[1])


def test_dimension_and_entropy_of_a_spectrum():
    assert Exponents([0.5, 0.0, -1.0, -2.0], []).dimension == pytest.approx(2.5)
    assert Exponents([0.5, 0.25, -1.0], []).entropy == pytest.approx(0.75)
    assert Exponents([-1.0], []).dimension == 0.0
    assert math.isnan(Exponents([0.5, -0.1], []).dimension)


def test_all_exponents_of_a_network_add_up_to_the_mean_logarithm_of_its_volume_change():
    net = network("elman", H=6).double().requires_grad_(False)
    step, start = flat_step(net)
    x = torch.randn(80, 1, 5, generator=generator(), dtype=torch.float64)
    states, at = visited(step, start(1), x), iter(range(80))

    def carry(state, Q):
        t = next(at)
        return step(state[None], x[t])[0], jacobians(step, state[None], x[t])[0] @ Q

    found = measured(carry, start(1)[0], 80)
    volumes = torch.linalg.det(jacobians(step, states[:-1, 0], x[:, 0])).abs().log()
    assert sum(found.values) == pytest.approx(float(volumes.mean()), abs=1e-9)


def test_all_exponents_of_the_flow_add_up_to_its_divergence():
    net = RandomRateNet(12, 2.0, 0)
    found = net.measure(12, RandomRateNetCard(time=20.0, before=2.0, dt=0.05))
    assert sum(found.values) / net.divergence == pytest.approx(1.0, abs=1e-4)  # Runge-Kutta: dt^4


def test_a_silent_network_has_the_exponents_of_its_weights():
    net = RandomRateNet(8, 0.3, 1)
    found = net.measure(8, RandomRateNetCard(time=200.0, before=100.0, dt=0.05))
    rates = sorted((torch.linalg.eigvals(net.w).real - 1).tolist(), reverse=True)
    assert found.values == pytest.approx(rates, abs=0.01)  # pairs of complex eigenvalues turn: bounded by 1 / time
    assert net.at_rest() == pytest.approx(rates[0], abs=1e-12)


def test_the_transition_is_interpolated_where_the_level_is_first_reached():
    assert first_reaches([1.0, 2.0, 3.0], [-1.0, 1.0, 2.0], 0.0) == 1.5
    assert first_reaches([1.0, 2.0, 3.0, 4.0], [-1.0, 1.0, -3.0, 3.0], 0.5) == 1.75
    assert first_reaches([1.0, 2.0, 3.0], [-1.0, 0.25, 1.25], 0.75) == 2.5  # positive, but below the level, at 2
    assert math.isnan(first_reaches([1.0, 2.0], [-1.0, -2.0], 0.0))
    assert math.isnan(first_reaches([1.0, 2.0], [1.0, 2.0], 0.0))


def test_a_network_at_many_gains_is_one_network_per_gain():
    gains, card = [0.4, 0.9, 2.5], RandomRateNetCard(time=2.0, before=1.0, dt=0.1)
    together = AtGains(10, gains, 3, 1)
    for gain, rest in zip(gains, together.at_rest().tolist(), strict=True):
        assert rest == pytest.approx(RandomRateNet(10, gain, 3, 1).at_rest(), abs=1e-12)
    found = together.largest(card).tolist()
    alone = AtGains(10, gains, 3, 1)
    h, Q = alone.start[:, None].repeat(1, 3), torch.randn(10, 3, generator=alone.generator, dtype=torch.float64)
    for k, gain in enumerate(gains):
        net, state, tangent = RandomRateNet(10, gain, 3, 1), h[:, k], Q[:, k : k + 1]
        for t in range(30):
            if t == 10:
                tangent = tangent / tangent.norm()
            state, tangent = net.carry(state, tangent, 0.1)
        assert found[k] == pytest.approx(float(tangent.norm().log()) / 2.0, abs=1e-9)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_jacobians_are_finite_differences_of_the_step(cell):
    net = network(cell, H=4).double().requires_grad_(False)
    step, start = flat_step(net)
    states = start(3) + 0.3 * torch.randn(start(3).shape, generator=generator(), dtype=torch.float64)
    x = torch.randn(3, 5, generator=generator(), dtype=torch.float64)
    J, eps = jacobians(step, states, x), 1e-6
    for k in range(states.shape[1]):
        moved = states.clone()
        moved[:, k] += eps
        other = states.clone()
        other[:, k] -= eps
        assert torch.allclose(J[:, :, k], (step(moved, x) - step(other, x)) / (2 * eps), atol=1e-8, rtol=0)


def test_fixed_points_of_a_switch_are_found_exactly():
    """h = tanh(2 h) in each of two units: 0 and plus or minus 0.957504, hence nine points, of which four are stable."""

    def step(state, x):
        return torch.tanh(2 * state) + x

    starts = torch.randn(200, 2, generator=generator(), dtype=torch.float64)
    found, given = fixed_points(step, starts, torch.zeros(200, 2, dtype=torch.float64), 50)
    assert len(found) == 9
    assert float((step(found, given) - found).norm(dim=1).max()) < EXACT
    values = sorted({round(abs(float(v)), 6) for v in found.flatten()})
    assert values == pytest.approx([0.0, 0.957504], abs=1e-6)
    moduli = torch.linalg.eigvals(jacobians(step, found, given)).abs()
    assert int((moduli < 1).all(1).sum()) == 4


@pytest.mark.parametrize("cell", ["elman", "gru", "lif", "adaptive_lif"])
def test_gradient_norms_are_those_of_autograd(cell):
    """Against the gradient with respect to a perturbation of the hidden state that is added k steps before the end."""
    net = network(cell, H=4).double()
    T, B = 6, 3
    x = torch.randn(T, B, 5, generator=generator(), dtype=torch.float64).abs()
    norms = gradient_norms(net, x, generator())
    state = net.initial_state(B)
    direction = torch.nn.functional.normalize(
        torch.randn(net.run(x)[0][net.output][-1].shape, generator=generator(), dtype=torch.float64), dim=1
    )
    assert len(norms) == T
    for lag in (1, 3, T):
        state = net.initial_state(B)
        for t in range(T - lag):
            state = net.step(state, x[t])[1]
        parts = [part.detach().requires_grad_() for part in state.layers["hidden"]]
        after = state._replace(layers={**state.layers, "hidden": type(state.layers["hidden"])(*parts)})
        y, _ = net.run(x[T - lag :], after)
        gradients = torch.autograd.grad((y[net.output][-1] * direction).sum(), parts, allow_unused=True)
        flat = torch.cat([g for g in gradients if g is not None], 1)
        assert torch.allclose(norms[lag - 1], flat.norm(dim=1), atol=1e-12, rtol=1e-9)


def test_samples_of_unequal_length_are_aligned_at_their_ends():
    x = torch.arange(10.0).reshape(5, 2, 1)
    batch = ending(Batch(x, None, torch.ones(5, dtype=torch.bool), torch.tensor([5, 3])), 4)
    assert batch.x[:, 0, 0].tolist() == [4.0, 6.0, 8.0]
    assert batch.x[:, 1, 0].tolist() == [1.0, 3.0, 5.0]
