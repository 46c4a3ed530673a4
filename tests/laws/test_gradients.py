"""Backpropagation through time equals finite differences; a spike's gradient is its stated surrogate."""

import math

import pytest
import torch

from neurorec.models.cell import cells
from neurorec.models.cells.reset import resets
from neurorec.models.cells.surrogate import surrogates
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.running import NetworkState
from neurorec.models.wires import INPUT, Wire
from tests.nets import cell_card, inputs, network

SMOOTH = [name for name in cells if cells[name].output_signal == "values" and cells[name].differentiable]


@pytest.mark.parametrize("name", SMOOTH)
def test_bptt_of_rate_cells_equals_finite_differences(name):
    net = network(name, I=3, H=4).double()
    x = inputs(net, 5, 2).double()
    names = [key for key, _ in net.named_parameters()]
    values = [value.detach().requires_grad_(True) for value in net.parameters()]

    def loss(*weights):
        return torch.func.functional_call(net, dict(zip(names, weights, strict=True)), (x,)).square().sum()

    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-7)


ANSWER_FED_BACK = (
    Wire(INPUT, "a"), Wire("b", "a", 1), Wire("out", "a", 1, "softmax"), Wire("a", "b"), Wire("b", "out"),
)  # fmt: skip
DEPTH_FED_BACK = (
    Wire(INPUT, "a"), Wire("b", "a", 1), Wire(INPUT, "b"), Wire("a", "b"), Wire("a", "out"), Wire("b", "out"),
)  # fmt: skip
LOOPS = {"an answer fed back": ("dense", ANSWER_FED_BACK), "depth fed back": ("gru", DEPTH_FED_BACK)}


@pytest.mark.parametrize(("name", "wires"), LOOPS.values(), ids=LOOPS)
def test_bptt_through_a_loop_of_layers_equals_finite_differences(name, wires):
    """Weights, input, and where the loop starts."""
    sizes = {INPUT: 3, "a": 4, "b": 3, "out": 2}
    heard = {target: sum(sizes[wire.source] for wire in wires if wire.target == target) for target in sizes}
    layers: dict = {one: cells[name](cell_card(name, sizes[one]), heard[one]) for one in "ab"}
    layers["out"] = LinearReadout(ReadoutCard(name="linear"), heard["out"], sizes["out"])
    net = Network(layers, wires, "values", sizes[INPUT])
    net.reset_parameters(torch.Generator().manual_seed(0))
    net.double()
    x = torch.rand(5, 2, 3, generator=torch.Generator().manual_seed(1)).double()
    names = [key for key, _ in net.named_parameters()]
    start = net.initial_state(2)
    back = [0.3 + value for value in start.delayed.values()]
    values = [value.detach().requires_grad_(True) for value in (x, *back, *net.parameters())]

    def loss(x, *given):
        delayed = dict(zip(start.delayed, given, strict=False))
        state = NetworkState(start.layers, delayed)
        weights = {f"network.{key}": value for key, value in zip(names, given[len(back) :], strict=True)}
        return torch.func.functional_call(_Run(net), weights, (x, state)).square().sum()

    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-7)


class _Run(torch.nn.Module):
    """A network run from a given state."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, state):
        return self.network.run(x, state)[0][self.network.output]


@pytest.mark.parametrize(
    ("name", "options"),
    [("leaky_integrator", {})] + [(n, {"reset": r}) for n in ("lif", "adaptive_lif", "liquid_state") for r in resets],
)
def test_weights_and_learned_time_constants_against_finite_differences(name, options):
    """With a surrogate of no width, small changes leave every spike where it is: the potentials between spikes and resets
    are smooth in all that is learned, and the spikes that reset them are constants, as the detached ones are."""
    options = options | ({} if name == "leaky_integrator" else {"surrogate": "triangle", "slope": 1e7})
    net = network(
        name, I=3, H=4, input_gain=8.0, learn_time_constants=True, v_reset=0.2, v_leak=0.1, **options
    ).double()
    cell, x = net["hidden"], inputs(net, 9, 2, share=0.5).double()
    names = [key for key, _ in cell.named_parameters()]
    assert len([key for key in names if key.endswith("logit")]) == {"adaptive_lif": 3, "liquid_state": 0}.get(name, 2)
    start = tuple(part + 0.3 * (key != "z") for key, part in cell.initial_state(2)._asdict().items())
    if name != "leaky_integrator":
        assert cell(x, type(cell.initial_state(2))(*start))[0].sum() > 3
    values = [value.detach().requires_grad_(True) for value in cell.parameters()]

    def loss(*parameters):
        state = type(cell.initial_state(2))(*start)
        given = dict(zip(names, parameters, strict=True))
        outputs, final = torch.func.functional_call(cell, given, (x, state))
        return sum(part.square().sum() for part in (*final[-3:], *(outputs if name == "leaky_integrator" else ())))

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


def test_surrogate_derivatives_by_hand():
    assert surrogates["superspike"](10.0).derivative(torch.tensor([0.1])).item() == pytest.approx(0.25)
    assert surrogates["triangle"](2.0).derivative(torch.tensor([0.25, 0.6])).tolist() == [0.5, 0.0]
    assert surrogates["arctan"](2.0).derivative(torch.tensor([0.0, 1 / math.pi])).tolist() == pytest.approx([1.0, 0.5])
    third = math.log(2) / 4  # where exp(-4 x) is a half, and the sigmoid 2/3
    assert surrogates["sigmoid"](4.0).derivative(torch.tensor([0.0, third])).tolist() == pytest.approx([1.0, 8 / 9])
    normal = torch.distributions.Normal
    x = torch.tensor([-1.3, 0.0, 0.5])  # width 0.5, as in the paper
    sides = sum(normal(centre, 3.0).log_prob(x).exp() for centre in (-0.5, 0.5))
    expected = 1.15 * normal(0.0, 0.5).log_prob(x).exp() - 0.15 * sides
    torch.testing.assert_close(surrogates["multi_gaussian"](2.0).derivative(x), expected)


@pytest.mark.parametrize("slope", [0.5, 10.0])
@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("superspike", lambda slope: 2 / slope), ("triangle", lambda slope: 1 / slope), ("arctan", lambda slope: 1.0),
        ("sigmoid", lambda slope: 1.0), ("multi_gaussian", lambda slope: 1 + 0.15 - 2 * 0.15),
    ],
)  # fmt: skip
def test_the_area_under_a_surrogate(name, slope, area):
    """Those that are the derivative of a function from 0 to 1 have area 1; the others are 1 at the threshold."""
    v = torch.logspace(-9, 6, 200_001, dtype=torch.float64)
    x = torch.cat([-v.flip(0), v])
    assert torch.trapezoid(surrogates[name](slope).derivative(x), x).item() == pytest.approx(area(slope), rel=1e-5)


def test_the_area_of_every_surrogate_is_tested():
    (mark,) = [mark for mark in test_the_area_under_a_surrogate.pytestmark if "area" in mark.args[0]]
    assert {name for name, _ in mark.args[1]} == set(surrogates)


@pytest.mark.parametrize(("reset", "slope"), [("zero", 0.0), ("subtract", 16 / 8)])
def test_the_spike_in_the_reset_carries_no_gradient(reset, slope):
    """One neuron, one step above threshold: dz/dx is alpha w s'(u - 1); dv/dx is zero, for the reset cuts it, or, where
    the reset subtracts, alpha w, as if there had been no spike."""
    net = network("lif", I=1, H=1, v_reset=0.25, reset=reset)
    with torch.no_grad():
        net["hidden"].w_in.fill_(16.0)
        net["hidden"].w_rec.zero_()
    x = torch.ones(1, 1, 1, requires_grad=True)
    z, state = net["hidden"](x)
    assert z.item() == 1.0
    (slope_z,) = torch.autograd.grad(z.sum(), x, retain_graph=True)
    assert slope_z.item() == pytest.approx(16 / 8 / (5 * 1.0 + 1) ** 2)
    (slope_v,) = torch.autograd.grad(state.v.sum(), x)
    assert slope_v.item() == slope
