"""Wirings of reservoirs, and that the echo state network's card keeps the ids of its runs."""

import pytest
import torch

from neurorec.models.cell import cells
from neurorec.models.reservoirs.cycle import CycleReservoir
from neurorec.models.reservoirs.echo_state import EchoStateCell
from tests.nets import cell_card, inputs, network

WIRED = [name for name, kind in ((name, cells[name]) for name in cells) if issubclass(kind, EchoStateCell)]


def test_a_pulse_travels_round_the_cycle_and_leaves_the_delay_line():
    """Linear units with weight 1/2: after H steps the pulse is back, 2^-H as large, or gone."""
    for name, left in (("cycle_reservoir", 2.0**-5), ("delay_line_reservoir", 0.0)):
        net = network(name, I=1, H=5, activation="linear", leak=1.0, weight=0.5, input_scale=1.0, bias_scale=0.0)
        with torch.no_grad():
            net["hidden"].w_in.copy_(torch.eye(5)[:, :1])
        x = torch.zeros(6, 1, 1)
        x[0] = 1.0
        outputs = net["hidden"](x)[0][:, 0]
        assert torch.equal(outputs[:5], torch.diag(0.5 ** torch.arange(5.0)))
        assert outputs[5].tolist() == [left, 0, 0, 0, 0]


def test_inputs_of_a_cycle_have_one_magnitude_and_reach_every_mode():
    for seed in range(20):
        w_in = network("cycle_reservoir", I=1, H=4, seed=seed, input_scale=0.5)["hidden"].w_in
        assert set(w_in.abs().unique().tolist()) == {0.5}
        assert torch.fft.fft(w_in[:, 0]).abs().min() > 0.1


def test_two_units_have_no_such_signs_and_are_built_all_the_same():
    assert network("cycle_reservoir", I=1, H=2)["hidden"].w_in.abs().min() > 0


def test_orthogonal_recurrence_keeps_lengths_but_for_the_radius():
    w = network("orthogonal_reservoir", H=30, spectral_radius=0.5)["hidden"].w_rec.double()
    torch.testing.assert_close(w.T @ w, 0.25 * torch.eye(30).double(), rtol=0, atol=1e-6)  # drawn in single precision


@pytest.mark.parametrize("name", WIRED)
def test_recurrent_synapses_are_counted_where_they_are(name):
    hidden = network(name, H=7)["hidden"]
    fan_out = hidden.operations().recurrent_fan_out.tolist()
    assert fan_out == [int((column != 0).sum()) for column in hidden.w_rec.T]
    if issubclass(cells[name], CycleReservoir):
        assert sum(fan_out) == (7 if name == "cycle_reservoir" else 6)


@pytest.mark.parametrize("name", WIRED)
def test_linear_units_superpose_and_cost_no_nonlinearity(name):
    net = network(name, activation="linear", bias_scale=0.0).double()
    a, b = inputs(net, 9, 2).double(), inputs(net, 9, 2, seed=1).double()
    hidden = net["hidden"]
    torch.testing.assert_close(hidden(a + 2 * b)[0], hidden(a)[0] + 2 * hidden(b)[0])
    assert hidden.operations().nonlinearities == 0
    assert network(name)["hidden"].operations().nonlinearities == 7


def test_a_card_without_activation_is_stored_as_before():
    keys = {"name", "size", "spectral_radius", "leak", "density", "input_scale", "bias_scale"}
    assert set(cell_card("echo_state", 7).model_dump()) == keys
    assert set(cell_card("echo_state", 7, activation="linear").model_dump()) == keys | {"activation"}
