"""Blocks of time: as the plain loop, but for the order of sums; what is left to the plain loop."""

import pytest
import torch

from neurorec.engines import on_blocks
from neurorec.engines.engine import choose_engine
from neurorec.engines.on_blocks import OnBlocks, in_blocks
from tests.nets import network

T = 1234  # no multiple of the number of blocks


def long_series(B=1, **changes):
    net = network("echo_state", I=2, H=40, **{"leak": 0.7, "spectral_radius": 0.6, **changes}).double()
    return net["hidden"], torch.rand(T, B, 2, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("changes", [{"density": 0.1}, {"density": 1.0}, {"activation": "linear"}])
@pytest.mark.parametrize("B", [1, 3])
def test_blocks_are_the_plain_loop(B, changes):
    cell, x = long_series(B, **changes)
    form = cell.fading_form()
    start = type(cell.initial_state(B))(torch.rand(B, 40).double())
    plain, end = cell(x, start)
    blocks = in_blocks(form, x, start, 40)
    assert blocks is not None
    assert not torch.equal(blocks, plain)  # another order of sums
    torch.testing.assert_close(blocks, plain, rtol=0, atol=1e-12)
    found, last = OnBlocks().unroll(cell, x, start)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-12)
    torch.testing.assert_close(last.h, end.h, rtol=0, atol=1e-12)


def test_single_precision_differs_by_the_order_of_sums():
    cell, x = long_series()
    plain, found = (run(x.float())[0] for run in (cell.float(), lambda x: OnBlocks().unroll(cell, x)))
    assert 0 < float((plain - found).abs().max()) < on_blocks.AGREE * torch.finfo(torch.float32).eps


def test_a_layer_that_does_not_forget_is_run_step_by_step():
    """With spectral radius 3 and no bias, states are chaotic."""
    cell, x = long_series(spectral_radius=3.0, bias_scale=0.0)
    assert in_blocks(cell.fading_form(), x, cell.initial_state(1), 40) is None
    with torch.no_grad():
        assert torch.equal(OnBlocks().unroll(cell, x)[0], cell(x)[0])


def test_short_series_batches_gradients_and_unequal_lengths_are_left_to_the_loop():
    cell, x = long_series(5)
    assert torch.equal(OnBlocks().unroll(cell, x)[0], cell(x)[0])
    x = x[:, :2]
    assert torch.equal(OnBlocks().unroll(cell, x[:100])[0], cell(x[:100])[0])
    ends = torch.tensor([T, 500])
    assert torch.equal(OnBlocks().unroll(cell, x, lengths=ends)[0], cell(x, lengths=ends)[0])
    assert not torch.equal(OnBlocks().unroll(cell, x, lengths=torch.tensor([T, T]))[0], cell(x)[0])
    learned = x.clone().requires_grad_(True)
    OnBlocks().unroll(cell, learned)[0].sum().backward()
    assert learned.grad is not None


def test_only_layers_that_declare_it_run_in_blocks():
    assert choose_engine("auto", network("cycle_reservoir")["hidden"]).title == "blocks"
    assert OnBlocks().why_not(network("gru")["hidden"]) == "it does not declare that its state forgets where it started"
    assert OnBlocks().why_not(network("echo_state")["hidden"].to("meta")) == (
        "its weights are on meta; this engine uses the CPU"
    )
