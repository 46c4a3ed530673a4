"""What the engine `fused` keeps for the way back, and that working out the rest again changes nothing."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.engines.fused import unroll
from tests.engines.fused.comparing import SPIKING, assert_agree, on_grid, results
from tests.nets import inputs, network
from tests.rounding import assert_gradients_apart


def test_nothing_is_kept_without_a_gradient():
    net = network("lif", input_gain=6.0)
    x = inputs(net, 9, 3)
    with torch.no_grad():
        quiet, _ = engines["fused"]().unroll(net["hidden"], x)
    assert not quiet.requires_grad
    assert torch.equal(quiet, engines["fused"]().unroll(net["hidden"], x)[0].detach())


def kept_bytes(engine, net, x):
    """Bytes that autograd keeps for the way back, each memory once; weights and input, which exist anyway, left out."""
    kept = {}
    known = {tensor.untyped_storage().data_ptr() for tensor in (x, *net.parameters())}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden, _ = engines[engine]().unroll(net["hidden"], x)
    assert hidden.requires_grad
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_it_keeps_one_number_and_some_bits_a_step(name):
    net = network(name, I=70, H=64)
    x = inputs(net, 30, 8, share=0.1)
    ours = kept_bytes("fused", net, x)
    assert ours <= 30 * 8 * (64 * 4 + 64 // 8 + 128 // 8) + 8 * 64 * 4  # u - threshold, bits, and the first spikes
    assert ours < kept_bytes("norse", net, x) / 2.5


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_beyond_its_limit_it_keeps_less_than_a_tenth_of_what_norse_keeps(monkeypatch, name):
    monkeypatch.setattr(unroll, "KEEP_BYTES", {True: 0, False: 0})
    net = network(name, I=70, H=64)
    x = inputs(net, 96, 8, share=0.1)
    assert kept_bytes("fused", net, x) < kept_bytes("norse", net, x) / 10


@pytest.mark.parametrize("name", SPIKING)
def test_working_out_again_changes_nothing(monkeypatch, name):
    net = on_grid(name, I=6, H=19, input_gain=6.0)
    x = inputs(net, 50, 5, share=0.5)
    z, final, gradients = results("fused", net, x)
    monkeypatch.setattr(unroll, "KEEP_BYTES", {True: 0, False: 0})
    z_again, final_again, gradients_again = results("fused", net, x)
    assert torch.equal(z, z_again)
    assert all(torch.equal(one, two) for one, two in zip(final, final_again, strict=True))
    assert_gradients_apart(gradients_again, gradients, 50, 5, 19)
    assert_agree(net, x)
