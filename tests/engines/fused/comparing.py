"""Networks on the dyadic grid, and how the engine `fused` is compared with another on them."""

import torch

from neurorec.engines.engine import engines
from tests.nets import inputs, network, on_dyadic_grid
from tests.rounding import OPERATIONS, assert_apart, assert_gradients_apart, gamma

__all__ = ["SPIKING", "assert_agree", "inputs", "on_grid", "results"]
SPIKING = ["lif", "adaptive_lif", "liquid_state", "competitive_lif"]


def on_grid(name, **changes):
    """A network that spikes, its weights on the dyadic grid; competitive neurons with thresholds of their own."""
    net = network(name, **changes)
    if name == "competitive_lif":
        net["hidden"].w_in.data *= 5
        net["hidden"].w_rec.data /= 200
        net["hidden"].theta.copy_(torch.arange(net["hidden"].size) / 64)
    return on_dyadic_grid(net)


def results(engine, net, x, state=None, dtype=torch.float32):
    """Spikes, final state, and the gradients of x, every weight and every part of the first state."""
    net = net.to(dtype)
    net.zero_grad(set_to_none=True)
    x = x.to(dtype).detach().requires_grad_(True)
    cell = net["hidden"]
    start = cell.initial_state(x.shape[1]) if state is None else state
    start = type(start)(*(part.to(dtype).detach().requires_grad_(True) for part in start))
    for weight in cell.parameters():
        weight.requires_grad_(True)
    z, final = engines[engine]().unroll(cell, x, start)
    total = sum(
        (part * torch.linspace(-1, 2, part.numel()).reshape(part.shape).to(dtype)).sum() for part in (z, *final)
    )
    total.backward()
    wanted = {"x": x, **{f"first {k}": v for k, v in start._asdict().items()}, **dict(cell.named_parameters())}
    gradients = {key: torch.zeros_like(one) if one.grad is None else one.grad.clone() for key, one in wanted.items()}
    return z.detach(), final, gradients


def assert_agree(net, x, state=None, other="torch", dtype=torch.float32, spikes=True):
    z, final, gradients = results("fused", net, x, state)
    z_other, final_other, gradients_other = results(other, net, x, state, dtype)
    net.float()
    assert torch.equal(z, z_other.float())
    assert (z.mean() > 0) == spikes
    for part, part_other in zip(final, final_other, strict=True):
        exact = dtype == torch.float32  # in double precision every step's elementwise roundings are others
        apart = 0.0 if exact else 2 * gamma(len(x) * OPERATIONS) * max(1.0, float(part_other.detach().abs().max()))
        assert_apart(part, part_other, apart, "final state")
    assert_gradients_apart(gradients, gradients_other, *x.shape[:2], net["hidden"].size)
