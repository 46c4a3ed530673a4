"""Threads of the engine `fused`: as many as torch may use, never a different result."""

import pytest
import torch

from neurorec.engines.fused import threads
from tests.engines.fused.comparing import on_grid, results
from tests.nets import inputs
from tests.rounding import assert_gradients_apart


@pytest.mark.parametrize("pool", [True, False], ids=["torch's workers", "threads of its own"])
def test_threads_never_change_spikes_and_the_same_call_gives_the_same_bits(monkeypatch, pool):
    if not pool:
        monkeypatch.setattr(threads, "_torch_pool", lambda: None)
    net = on_grid("lif", I=30, H=40, input_gain=6.0)
    x = inputs(net, 20, 37)
    one, _, gradients = results("fused", net, x)
    torch.set_num_threads(3)
    first, again = results("fused", net, x), results("fused", net, x)
    assert torch.equal(one, first[0])
    for key in gradients:
        assert torch.equal(first[2][key], again[2][key])
    assert_gradients_apart(gradients, first[2], 20, 37, 40)


@pytest.mark.parametrize("pool", [True, False], ids=["torch's workers", "threads of its own"])
def test_a_batch_is_shared_whole_and_errors_come_back(monkeypatch, pool):
    if not pool:
        monkeypatch.setattr(threads, "_torch_pool", lambda: None)
    torch.set_num_threads(4)
    for batch in (0, 1, 8, 61, 200):
        ranges = threads.share(batch, lambda low, high, part: (low, high))
        assert [row for low, high in ranges for row in range(low, high)] == list(range(batch))
        assert len(ranges) == threads.count_threads(batch)

    def fails(low, high, part):
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part"):
        threads.share(200, fails)
