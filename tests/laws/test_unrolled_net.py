"""A recurrent net is a layered net that keeps reusing the same weights ("Learning in recurrent networks").

The layered net has one feed-forward layer per step, all tied. With a delay of 1 in using each connection, as in the lecture,
layer t holds the state of step t at step t. In double precision; the bounds follow from the number of sums.
"""

import pytest
import torch

from neurorec.models.cell import cells
from neurorec.models.constraint import SameWeights
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.models.wires import INPUT, Wire
from tests.models.test_network import readout
from tests.nets import cell_card, network
from tests.rounding import OPERATIONS, gamma

T, B, I, H, O = 7, 5, 3, 4, 2  # noqa: E741
ROUNDINGS = T * (I + H + OPERATIONS) + T * B
STEPS = range(1, T + 1)


def recurrent(activation):
    net = network("elman", I=I, H=H, O=O, activation=activation)
    net.learn_start("hidden", 1.0, 0.5)
    net.reset_parameters(torch.Generator().manual_seed(4))
    torch.nn.init.uniform_(net["hidden"].bias, -1, 1, generator=torch.Generator().manual_seed(5))
    return net.double()


def unrolled(net, activation):
    """One layer and one readout per step, with the weights of `net`. "h0" only stands for the initial state."""
    layers = {"h0": cells["dense"](cell_card("dense", H, activation=activation), I)}
    wires, tied = [Wire(INPUT, "h0")], []
    for t in STEPS:
        layers |= {f"h{t}": cells["dense"](cell_card("dense", H, activation=activation), I + H), f"y{t}": readout(H, O)}
        wires += [Wire(INPUT, f"h{t}"), Wire(f"h{t - 1}", f"h{t}", 1), Wire(f"h{t}", f"y{t}")]
        tied += [SameWeights(f"{kind}{t}", f"{kind}1") for kind in "hy" if t > 1]
    made = Network(layers, tuple(wires), "values", I, f"y{T}", tied).double()
    with torch.no_grad():
        made["h1"].w_in.copy_(torch.cat([net["hidden"].w_in, net["hidden"].w_rec], 1))
        made["h1"].bias.copy_(net["hidden"].bias)
        made["y1"].weight.copy_(net["readout"].weight)
        made["y1"].bias.copy_(net["readout"].bias)
    with made.constraints.respected():
        pass
    return made


def assert_within(found, expected):
    found, expected = found.detach(), expected.detach()
    assert expected.abs().max() > 1e-3
    bound = 2 * gamma(ROUNDINGS, torch.float64) * float(expected.abs().max())
    assert float((found - expected).abs().max()) <= bound


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
def test_the_layered_net_with_tied_weights_equals_the_recurrent_net(activation):
    one = recurrent(activation)
    many = unrolled(one, activation)
    x = torch.randn(T, B, I, generator=torch.Generator().manual_seed(1)).double()
    wish = torch.randn(T, B, O, generator=torch.Generator().manual_seed(2)).double()

    outputs = one(x)
    (outputs * wish).sum().backward()
    initial = one["hidden"].learned_start["h"].detach().clone().requires_grad_()
    state = many.initial_state(B)
    delayed = {wire: initial.expand(B, H) if wire.source == "h0" else zero for wire, zero in state.delayed.items()}
    sent, _ = many.run(x, NetworkState(state.layers, delayed))
    answers = torch.stack([sent[f"y{t}"][t - 1] for t in STEPS])
    (answers * wish).sum().backward()

    assert_within(answers, outputs)
    apart = [many[f"h{t}"].w_in.grad.clone() for t in STEPS]
    many.constraints.gather_gradients()
    assert_within(many["h1"].w_in.grad, torch.cat([one["hidden"].w_in.grad, one["hidden"].w_rec.grad], 1))
    assert_within(many["h1"].bias.grad, one["hidden"].bias.grad)
    assert_within(many["y1"].weight.grad, one["readout"].weight.grad)
    assert_within(many["y1"].bias.grad, one["readout"].bias.grad)
    assert_within(initial.grad, one["hidden"].learned_start["h"].grad)
    assert_within(sum(apart), many["h1"].w_in.grad)
    assert not any(many[f"h{t}"].w_in.grad.any() for t in STEPS[1:])


def test_tied_weights_are_trained_numbers_only_once():
    one = recurrent("tanh")
    many = unrolled(one, "tanh")
    unused, learned_start = H * I + H, H
    assert many.parameter_count - unused == one.parameter_count - learned_start
