"""Backpropagation through time equals finite differences; a spike's gradient is its stated surrogate."""

import pytest
import torch

from neurorec.models.cells.surrogate import surrogates
from tests.nets import inputs, network


@pytest.mark.parametrize("name", ["elman", "lstm"])
def test_bptt_of_rate_cells_equals_finite_differences(name):
    net = network(name, I=3, H=4).double()
    x = inputs(net, 5, 2).double()
    names = [key for key, _ in net.named_parameters()]
    values = [value.detach().requires_grad_(True) for value in net.parameters()]

    def loss(*weights):
        return torch.func.functional_call(net, dict(zip(names, weights, strict=True)), (x,)).square().sum()

    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", list(surrogates))
@pytest.mark.parametrize("slope", [0.5, 10.0])
def test_a_spike_steps_forward_and_uses_its_surrogate_backward(name, slope):
    spike = surrogates[name](slope)
    x = torch.tensor([-2.0, -0.05, 0.0, 0.05, 2.0], requires_grad=True)
    z = spike(x)
    assert z.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
    (z * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]) * spike.derivative(x.detach()))


def test_superspike_derivative_by_hand():
    assert surrogates["superspike"](10.0).derivative(torch.tensor([0.1])).item() == pytest.approx(0.25)
    assert surrogates["triangle"](2.0).derivative(torch.tensor([0.25, 0.6])).tolist() == [0.5, 0.0]


def test_the_spike_in_the_reset_carries_no_gradient():
    """One neuron, one step above threshold: dz/dx is alpha w s'(u - 1), and dv/dx is zero, for the reset cuts it."""
    net = network("lif", I=1, H=1, v_reset=0.25)
    with torch.no_grad():
        net.cell.w_in.fill_(16.0)
        net.cell.w_rec.zero_()
    x = torch.ones(1, 1, 1, requires_grad=True)
    z, state = net.cell(x)
    assert z.item() == 1.0
    (slope_z,) = torch.autograd.grad(z.sum(), x, retain_graph=True)
    assert slope_z.item() == pytest.approx(16 / 8 / (5 * 1.0 + 1) ** 2)
    (slope_v,) = torch.autograd.grad(state.v.sum(), x)
    assert slope_v.item() == 0.0
