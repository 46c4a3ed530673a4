"""The competitive pair's cells by hand."""

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.learning.rule import rules
from tests.nets import inputs, network
from tests.rounding import assert_apart, sums_apart


def test_the_nearest_prototype_wins():
    cell = network("competitive", I=2, H=3)["hidden"]
    with torch.no_grad():
        cell.w_in.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]]))
    x = torch.tensor([[[0.1, 0.0], [0.9, 0.1], [2.0, 2.5], [4.0, 4.0]]])
    assert cell(x)[0][0].argmax(1).tolist() == [0, 1, 1, 2]
    assert cell(x)[0].sum(2).eq(1).all()


def test_starting_prototypes_lie_where_the_card_says():
    weights = network("competitive", I=40, H=50, start_low=0.2, start_high=0.4)["hidden"].w_in
    assert 0.2 <= weights.min() < 0.21
    assert 0.39 < weights.max() <= 0.4


def test_starting_weights_of_competitive_lif_are_positive_and_sum_as_the_card_says():
    weights = network("competitive_lif", I=12, H=50, weight_sum=3.0)["hidden"].w_in
    assert weights.min() >= 0
    sums = weights.sum(1)
    assert_apart(sums, torch.full_like(sums, 3.0), sums_apart(sums, 12 + 2))  # one sum to scale by, and one here


def test_a_spike_inhibits_all_others_one_step_later_and_not_itself():
    cell = network("competitive_lif", I=1, H=3, inhibition=0.5, tau_mem_ms=8.0, tau_syn_ms=4.0)["hidden"]
    with torch.no_grad():
        cell.w_in.copy_(torch.tensor([[16.0], [1.0], [0.0]]))
    z, state = cell.step(cell.initial_state(1), torch.ones(1, 1))
    assert z.tolist() == [[1, 0, 0]]
    assert state.i.tolist() == [[12.0, 0.75, 0.0]]  # not yet
    _, state = cell.step(state, torch.zeros(1, 1))
    assert state.i.tolist() == [[9.0, 0.75 * 0.25, -0.5 * 0.75]]


def test_theta_raises_the_threshold_of_its_own_neuron_alone():
    cell = network("competitive_lif", I=1, H=2, inhibition=0.0, tau_mem_ms=8.0, v_threshold=1.0)["hidden"]
    with torch.no_grad():
        cell.w_in.copy_(torch.tensor([[9.0], [9.0]]))  # u = 9/8
    cell.theta[1] = 0.25
    assert cell.step(cell.initial_state(1), torch.ones(1, 1))[0].tolist() == [[1, 0]]
    assert "theta" in cell.state_dict()


def test_bptt_trains_the_input_weights_and_nothing_else_of_the_layer():
    net = network("competitive_lif", inhibition=0.1, weight_sum=6.0)
    net(inputs(net, 12, 4)).square().sum().backward()
    assert net["hidden"].w_in.grad is not None
    assert net["hidden"].w_in.grad.abs().sum() > 0
    assert net["hidden"].w_rec.grad is None
    assert net.parameter_count == 5 * 7 + 7 * 3 + 3


def test_bptt_refuses_the_winner_take_all_layer():
    with pytest.raises(CannotRun) as caught:
        rules["bptt"].check(network("competitive"))
    assert str(caught.value) == (
        "rule BPTT cannot train competitive units: its winner-take-all output has no derivative; use the "
        "rule competitive"
    )


def test_operations_are_those_of_the_step():
    spiking, rate = network("competitive_lif")["hidden"].operations(), network("competitive")["hidden"].operations()
    assert spiking.input_fan_out.tolist() == rate.input_fan_out.tolist() == [7] * 5
    assert spiking.recurrent_fan_out.tolist() == [6] * 7  # every other neuron
    assert rate.recurrent_fan_out.tolist() == [0] * 7
    assert (spiking.recurrent_signal, rate.recurrent_signal) == ("spikes", "values")
    assert (spiking.neuron_updates, spiking.elementwise, spiking.state_values, spiking.tape_values) == (7, 35, 14, 14)
    assert (rate.neuron_updates, rate.elementwise, rate.state_values, rate.tape_values) == (7, 13, 0, 0)
    assert spiking.nonlinearities == rate.nonlinearities == 0
