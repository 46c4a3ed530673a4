"""The engine `fused` on its fast paths: spikes, final state and every gradient equal those of the plain step."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.models.cells.surrogate import surrogates
from tests.engines.fused.comparing import SPIKING, assert_agree, on_grid, results
from tests.nets import inputs, network
from tests.rounding import assert_gradients_apart


@pytest.mark.parametrize("T", [1, 17])
@pytest.mark.parametrize("name", SPIKING)
def test_every_gradient_also_of_a_given_first_state(name, T):
    net = on_grid(name, I=6, H=19, input_gain=6.0)
    start = net["hidden"].initial_state(5)
    generator = torch.Generator().manual_seed(1)
    drawn = {key: torch.round(torch.rand(5, 19, generator=generator) * 16) / 16 for key in start._fields}
    drawn["z"] = (drawn["z"] > 0.5).float()
    assert_agree(net, inputs(net, T, 5, share=0.5), type(start)(**drawn))


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_gradients_against_double_precision(name):
    net = on_grid(name, I=6, H=19, input_gain=6.0, tau_syn_ms=2.0, tau_mem_ms=2.0)
    assert_agree(net, inputs(net, 6, 5, share=0.5), dtype=torch.float64)


@pytest.mark.parametrize("slope", [0.2, 1.0, 8.0])
@pytest.mark.parametrize("name", SPIKING)
def test_a_compact_surrogate_skips_only_what_is_zero(name, slope):
    net = on_grid(name, I=9, H=140, input_gain=5.0, surrogate="triangle", slope=slope)
    assert_agree(net, inputs(net, 12, 19, share=0.3))


@pytest.mark.parametrize("surrogate", list(surrogates))
def test_every_surrogate_with_its_slope(surrogate):
    """Its slope matters, on both fast engines, and near the threshold and far from it."""
    found = {}
    for slope in (0.25, 64.0):
        net = on_grid("lif", I=9, H=33, input_gain=5.0, surrogate=surrogate, slope=slope)
        x = inputs(net, 12, 19, share=0.3)
        assert_agree(net, x)
        assert_agree(net, x, other="norse")
        found[slope] = results("fused", net, x)[2]["w_in"]
    assert not torch.allclose(found[0.25], found[64.0], rtol=0.5)


@pytest.mark.parametrize("name", SPIKING)
@pytest.mark.parametrize("share", [0.05, 0.4, 1.0])
def test_sparse_and_dense_input_of_any_value(name, share):
    net = on_grid(name, I=130, H=70, input_gain=5.0)
    x = inputs(net, 12, 17, share=share)
    assert_agree(net, x * torch.round(torch.rand(130, generator=torch.Generator().manual_seed(0)) * 8) / 8)
    assert_agree(net, x)


def test_busy_neurons_take_the_dense_product():
    net = on_grid("lif", I=20, H=40, input_gain=40.0, v_reset=0.75)
    x = inputs(net, 10, 16, share=0.9)
    assert results("fused", net, x)[0].mean() > 0.3
    assert_agree(net, x)


def test_steps_that_a_mask_leaves_out():
    """Sequences of unequal length: steps behind an end are masked in the loss, so their gradient of the spikes is zero."""
    net = on_grid("lif", I=6, H=19, input_gain=6.0)
    x, lengths = inputs(net, 11, 4, share=0.5), torch.tensor([11, 3, 7, 1])
    mask = (torch.arange(11)[:, None] < lengths).float()[..., None]
    found = []
    for engine in ("torch", "fused"):
        net.zero_grad()
        hidden, _ = engines[engine]().unroll(net["hidden"], x)
        (net["readout"](hidden)[0] * mask).square().sum().backward()
        found.append({"w_rec": net["hidden"].w_rec.grad.clone()})
    assert_gradients_apart(*found, 11, 4, 19)


def test_weights_that_are_not_trained_get_no_gradient():
    net = network("lif", input_gain=6.0)
    net["hidden"].freeze_recurrence()
    hidden, _ = engines["fused"]().unroll(net["hidden"], inputs(net, 9, 3))
    hidden.sum().backward()
    assert net["hidden"].w_rec.grad is None
    assert net["hidden"].w_in.grad.abs().sum() > 0
