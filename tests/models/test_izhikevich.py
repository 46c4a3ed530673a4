"""Izhikevich neurons against the program printed in the paper, and Elman units with other activations and initial weights."""

import numpy as np
import pytest
import torch

from neurorec.basics.cards import check_card
from neurorec.basics.errors import InputError
from neurorec.engines.engine import choose_engine
from neurorec.engines.fused.record import record
from neurorec.models.cell import cells
from tests.hardware.nets import counts_of, make_net, run
from tests.nets import cell_card, network, on_dyadic_grid


def published_program(w_in, w_rec, x, a, b, c, d, scale):
    """x [T, I] to spikes [T, H] and v after the half steps, as in Izhikevich (2003): reset first, then two half steps."""
    v, spikes, potentials = np.full(len(w_in), c), [], []
    u = b * v
    fired = np.zeros(len(w_in), bool)
    for x_t in x:
        v[fired], u[fired] = c, u[fired] + d
        drive = scale * (w_in @ x_t + w_rec[:, fired].sum(1))
        for _ in range(2):
            v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + drive)
        u = u + a * (b * v - u)
        fired = v >= 30
        spikes.append(fired.copy())
        potentials.append(v.copy())
    return np.array(spikes), np.array(potentials)


@pytest.mark.parametrize(("c", "d"), [(-65.0, 8.0), (-50.0, 2.0)], ids=["regular spiking", "chattering"])
def test_spikes_are_those_of_the_published_program(c, d):
    options = {"c_mV": c, "d_mV_per_ms": d, "input_gain": 1.0, "drive_mV_per_ms": 20.0}
    net = on_dyadic_grid(network("izhikevich", I=5, H=9, **options)).double()
    hidden, x = net["hidden"], (torch.rand(60, 1, 5, generator=torch.Generator().manual_seed(2)) < 0.5).double()
    weights = (w.detach().numpy() for w in (hidden.w_in, hidden.w_rec))
    spikes, potentials = published_program(*weights, x[:, 0].numpy(), 0.02, 0.2, c, d, 20.0)
    seen, end = hidden(x)
    assert 10 < spikes.sum() < 300
    assert np.array_equal(seen[:, 0].detach().numpy() == 1, spikes)
    last = np.where(spikes[-1], c, potentials[-1])
    torch.testing.assert_close(end.v[0].detach(), torch.from_numpy(last))


def test_it_is_compiled_and_refused_as_an_event_network():
    hidden = network("izhikevich")["hidden"]
    assert choose_engine("auto", hidden).title == "fused"
    assert hidden.event_form() == (
        "its potential takes two half steps per step, but event networks have one Euler step for all variables"
    )


def test_backward_the_membrane_is_a_leaky_integrator():
    """Two half steps of k = 1 - 1/20 each, and drive enters both: dv/dv = k^2, dv/dx = (1 + k)/2 g w; u with its own rate."""
    hidden = network("izhikevich", I=1, H=1, tau_backward_ms=10.0, drive_mV_per_ms=2.0).double()["hidden"]
    with torch.no_grad():
        hidden.w_in.fill_(0.5)
    start, x = hidden.initial_state(1), torch.ones(1, 1).double().requires_grad_()
    v = start.v.clone().requires_grad_()
    _, after = hidden.step(start._replace(v=v), x)
    slopes = torch.autograd.grad(after.v.sum(), (v, x), retain_graph=True)
    assert [slope.item() for slope in slopes] == pytest.approx([0.95**2, 0.975])
    assert torch.autograd.grad(after.u.sum(), v)[0].item() == pytest.approx(0.02 * 0.2 * 0.95**2)


def test_operations_of_an_izhikevich_step_are_those_recorded_from_it():
    """Additions and multiplications of the compiled step, without those by which the detached spike selects v or c."""
    graph = record(make_net("izhikevich")["hidden"]).forward
    arithmetic = [node for node in graph.nodes if node[0] in ("add", "subtract", "multiply")]
    reset = 4 + 1  # (1 - z) v + z c: a selection; z d: d where there is a spike
    drive = 1  # W_in x + W_rec z: counted with the synapses
    backward_only = 2 * 3  # + k (v - v), which is 0
    (declared,) = {make_net("izhikevich", size=n)["hidden"].operations().elementwise / n for n in (1, 7)}
    assert len(arithmetic) - reset - drive - backward_only == declared


@pytest.mark.parametrize(
    ("activation", "function"), [("sigmoid", torch.sigmoid), ("relu", torch.relu), ("linear", lambda sums: sums)]
)
def test_elman_units_with_other_activations(activation, function):
    net = network("elman", I=4, H=6, activation=activation).double()
    hidden, x = net["hidden"], torch.rand(9, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    torch.nn.init.uniform_(hidden.bias, -1, 1, generator=torch.Generator().manual_seed(0))
    h, expected = torch.zeros(3, 6).double(), []
    for x_t in x:
        h = function(x_t @ hidden.w_in.T + h @ hidden.w_rec.T + hidden.bias)
        expected.append(h)
    torch.testing.assert_close(hidden(x)[0], torch.stack(expected))


@pytest.mark.parametrize("cell", ["elman", "dense"])
def test_a_rectifier_is_a_comparison_and_no_nonlinearity(cell):
    def layer(activation):
        network = make_net(cell, signal="values", activation=activation)
        activity, _, _ = run(network)
        return counts_of(network, activity).layers["hidden"]

    steps = 6 * 4 * 7
    assert (layer("tanh").nonlinearities, layer("relu").nonlinearities) == (steps, 0)
    assert layer("relu").elementwise - layer("tanh").elementwise == steps


def test_linear_units_cost_neither_a_comparison_nor_a_nonlinearity():
    linear = network("elman", I=4, H=6, activation="linear")["hidden"].operations()
    assert (linear.elementwise, linear.nonlinearities) == (6, 0)  # the biases


def test_an_irnn_starts_from_the_identity():
    """Without input it keeps what it holds (Le et al. 2015)."""
    hidden = network("elman", I=4, H=6, activation="relu", recurrent_start="identity")["hidden"]
    assert torch.equal(hidden.w_rec, torch.eye(6))
    assert not hidden.bias.any()
    h = torch.rand(2, 6)
    _, state = hidden(torch.zeros(50, 2, 4), type(hidden.initial_state(1))(h))
    assert torch.equal(state.h, h)
    assert "le2015" in hidden.sources_of(hidden.card)
    assert "le2015" not in hidden.sources_of(cell_card("elman", 6))


def test_an_unknown_activation_is_refused():
    card = {"name": "elman", "size": 3, "input_gain": 1.0, "recurrent_gain": 1.0, "activation": "reul"}
    with pytest.raises(InputError, match="activation: must be 'tanh', 'sigmoid', 'relu' or 'linear' \\(got 'reul'\\)"):
        check_card(card, cells["elman"].Card, "pair.toml: rate.cell")


def test_feed_forward_lif_is_lif_without_recurrent_weights():
    alone, lif = network("feedforward_lif", H=9)["hidden"], network("lif", H=9)["hidden"]
    with torch.no_grad():
        lif.w_rec.zero_()
        lif.w_in.copy_(alone.w_in)
    x = (torch.rand(40, 3, 5, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    assert torch.equal(alone(x)[0], lif(x)[0])
    assert lif(x)[0].sum() > 20
    assert alone.w_rec is None
    assert not alone.recurrent_weights()
