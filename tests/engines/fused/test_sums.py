"""Weighted sums over time instead of outputs: equal to summing the outputs, for every engine, readout and cell."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.engines.fused import unroll
from neurorec.models.cell import cells
from neurorec.models.readout import readouts
from neurorec.tasks.task import Batch, masked_mean
from tests.engines.fused.comparing import SPIKING, on_grid
from tests.nets import CLASSES, inputs, network, on_dyadic_grid
from tests.rounding import assert_apart, assert_gradients_apart, mean_answers_apart, sums_apart, unrolled_apart


def gradients_of(net, loss):
    net.zero_grad(set_to_none=True)
    loss.backward()
    return {
        key: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
        for key, weight in net.named_parameters()
    }


@pytest.mark.parametrize("keep", [0, 2**30], ids=["worked out again", "kept"])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", SPIKING)
def test_sums_and_their_gradients_are_those_of_the_outputs(monkeypatch, name, rows, keep):
    monkeypatch.setattr(unroll, "KEEP_BYTES", {True: keep, False: keep})
    net = on_grid(name, I=70, H=37, input_gain=6.0)
    for weight in net["hidden"].parameters():
        weight.requires_grad_(True)
    x = inputs(net, 43, 19, share=0.3)
    weights = torch.rand(rows, 43, generator=torch.Generator().manual_seed(1))
    weights[:, 5:9] = 0
    wish = torch.linspace(-1, 1, rows * 19 * 37).reshape(rows, 19, 37)
    plain = torch.einsum("kt,tbh->kbh", weights, net["hidden"](x)[0])
    summed = engines["fused"]().weighted_sums(net["hidden"], x, weights)
    assert summed.abs().sum() > 0
    assert_apart(summed, plain, sums_apart(plain.detach(), 43), "sums")  # no term is negative
    assert_gradients_apart(
        gradients_of(net, (summed * wish).sum()), gradients_of(net, (plain * wish).sum()), 43, 19, 37
    )


@pytest.mark.parametrize("readout", list(readouts))
@pytest.mark.parametrize("name", list(cells))
def test_the_answer_is_the_mean_output_over_the_masked_steps(name, readout):
    net = network(name, readout=readout, input_gain=6.0)
    torch.nn.init.normal_(net["readout"].bias, generator=torch.Generator().manual_seed(0))
    net = on_dyadic_grid(net)
    x, mask = torch.round(inputs(net, 12, 6) * 16) / 16, torch.arange(12) % 5 > 2
    wish, hidden = torch.linspace(-1, 1, 18).reshape(6, 3), net["hidden"]
    rounded = hidden.output_signal == "values" and hidden.recurrent_weights()
    apart = mean_answers_apart(net["readout"], hidden(x)[0], mask, unrolled_apart(hidden, x)[0] if rounded else 0.0)
    for engine in (engines[one]() for one in engines if engines[one]().why_not(hidden) is None):
        answer, plain = engine.answers(net, Batch(x, None, mask), CLASSES), masked_mean(net(x), mask)
        assert_apart(answer, plain, apart, "answers")
        if answer.requires_grad:
            found, expected = (gradients_of(net, (one * wish).sum()) for one in (answer, plain))
            assert_gradients_apart(found, expected, 12, 6, 7)


def test_a_changed_cell_is_recorded_anew():
    """What was compiled for a cell serves as long as nothing that its step reads is replaced."""
    net = on_grid("lif", I=6, H=19, input_gain=6.0)
    x = inputs(net, 15, 5, share=0.5)
    engine = engines["fused"]()
    first = engine.unroll(net["hidden"], x)[0]
    assert torch.equal(first, engine.unroll(net["hidden"], x)[0])
    net["hidden"].w_in.data *= 2
    assert torch.equal(engine.unroll(net["hidden"], x)[0], net["hidden"](x)[0])
    net["hidden"].tau_mem.tau_ms = 2.0
    assert torch.equal(engine.unroll(net["hidden"], x)[0], net["hidden"](x)[0])
    net["hidden"].w_rec = torch.nn.Parameter(net["hidden"].w_rec.detach() * -2)
    assert torch.equal(engine.unroll(net["hidden"], x)[0], net["hidden"](x)[0])
    assert not torch.equal(engine.unroll(net["hidden"], x)[0], first)
