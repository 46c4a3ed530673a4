"""Networks of several layers: every engine gives the same spikes and gradients, in one run, in two, and around a loop."""

import pytest
import torch

from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire
from tests.models.test_network import jordan, layer, readout, skipping, spikes, values
from tests.nets import on_dyadic_grid
from tests.rounding import answers_apart, assert_apart, assert_gradients_apart

T, B, UNITS = 20, 3, 6 + 5 + 3


def delayed():
    """As `skipping`, but the second layer hears the first one a step late; no loop."""
    net = skipping()
    wires = tuple(Wire("first", "second", 1) if wire == Wire("first", "second") else wire for wire in net.wires)
    return Network(dict(net.named_layers()), wires, "spikes", 4)


def looped():
    """The first layer hears the second, a step late."""
    layers = {"first": layer("lif", 9, 6, 0), "second": layer("lif", 6, 5, 1), "readout": readout(5, 3, True)}
    layers["second"].w_in.data *= 2
    wires = (Wire(INPUT, "first"), Wire("second", "first", 1), Wire("first", "second"), Wire("second", "readout"))
    return Network(layers, wires, "spikes", 4)


def gradients(net, x, outputs):
    """Of a weighted sum of the outputs, after every parameter and the input."""
    wish = torch.linspace(-1, 1, outputs.numel()).reshape(outputs.shape).to(outputs)
    wanted = {"x": x, **dict(net.named_parameters())}
    return dict(zip(wanted, torch.autograd.grad((outputs * wish).sum(), list(wanted.values())), strict=True))


def run_at_once(engine, make):
    net, x = on_dyadic_grid(make()), spikes(T, B).requires_grad_()
    seen = choose_engine(engine, net).run(net, x)
    return net, seen, gradients(net, x, seen.outputs)


def heard(net, sent):
    """What the readout hears."""
    return torch.cat([sent[wire.source] for wire in net.wires_into(net.output)], -1)


@pytest.mark.parametrize("engine", ["norse", "fused", "auto"])
@pytest.mark.parametrize("make", [skipping, delayed, looped])
def test_engines_agree_on_two_recurrent_layers(engine, make):
    net, plain, expected = run_at_once("torch", make)
    _, seen, found = run_at_once(engine, make)
    for name in ("first", "second"):
        assert 0.02 < plain.sent[name].mean() < 0.9
        assert torch.equal(seen.sent[name], plain.sent[name])
        for part, other in zip(plain.state.layers[name], seen.state.layers[name], strict=True):
            assert torch.equal(part, other)
    assert_apart(seen.outputs, plain.outputs, answers_apart(net["readout"], heard(net, plain.sent)), "answers")
    assert all(gradient.abs().sum() > 0 for gradient in expected.values())
    assert_gradients_apart(found, expected, T, B, UNITS)


@pytest.mark.parametrize("engine", ["torch", "norse", "fused"])
@pytest.mark.parametrize("make", [skipping, delayed, looped])
@pytest.mark.parametrize("cut", [1, 7])
def test_a_state_handed_over_continues_the_run(engine, make, cut):
    net, whole, expected = run_at_once(engine, make)
    x, runner = spikes(T, B).requires_grad_(), choose_engine(engine, net)
    begin = runner.run(net, x[:cut])
    rest = runner.run(net, x[cut:], state=begin.state)
    for name in ("first", "second"):
        assert torch.equal(torch.cat([begin.sent[name], rest.sent[name]]), whole.sent[name])
        for part, other in zip(whole.state.layers[name], rest.state.layers[name], strict=True):
            assert torch.equal(part, other)
    for wire, brought in whole.state.delayed.items():
        assert torch.equal(rest.state.delayed[wire], brought)
    outputs, apart = torch.cat([begin.outputs, rest.outputs]), answers_apart(net["readout"], heard(net, whole.sent))
    assert_apart(outputs, whole.outputs, 2 * apart, "answers")
    assert_apart(rest.state.layers["readout"].y, whole.state.layers["readout"].y, 2 * apart[-1], "state of the readout")
    assert_gradients_apart(gradients(net, x, outputs), expected, T, B, UNITS)


@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_a_jordan_network_has_the_gradients_of_its_unrolled_equation(engine):
    net, x = jordan().double(), values().requires_grad_()
    hidden, out = net["hidden"], net["readout"]
    h, y, answers = torch.zeros(2, 5).double(), torch.zeros(2, 3).double(), []
    for x_t in x:
        h = torch.tanh(torch.cat([x_t, y], 1) @ hidden.w_in.T + h @ hidden.w_rec.T + hidden.bias)
        y = h @ out.weight.T + out.bias
        answers.append(y)
    seen = choose_engine(engine, net).run(net, x)
    torch.testing.assert_close(seen.outputs, torch.stack(answers))
    expected = gradients(net, x, torch.stack(answers))
    assert all(gradient.abs().sum() > 0 for gradient in expected.values())
    torch.testing.assert_close(gradients(net, x, seen.outputs), expected)
