"""Leaky integrators: the answer to one spike in closed form, linearity, what they cost."""

import torch

from neurorec.hardware.pricing.price import estimate_cost
from tests.hardware.nets import counts_of, make_net, run
from tests.nets import network


def test_one_spike_gives_the_difference_of_two_exponentials():
    """With a = dt/tau_mem and b = dt/tau_syn, a jump w at t = 0 gives the membrane a current w (1-b)^t, and so v_t is
    a w times the sum over s of (1-a)^(t-s) (1-b)^s."""
    net = network("leaky_integrator", I=1, H=1, tau_mem_ms=8.0, tau_syn_ms=4.0).double()
    with torch.no_grad():
        net["hidden"].w_in.fill_(3.0)
    x = torch.zeros(40, 1, 1, dtype=torch.float64)
    x[0] = 1
    a, b, t = 1 / 8, 1 / 4, torch.arange(40, dtype=torch.float64)
    expected = a * 3.0 * ((1 - a) ** (t + 1) - (1 - b) ** (t + 1)) / (b - a)
    torch.testing.assert_close(net["hidden"](x)[0][:, 0, 0], expected, rtol=1e-12, atol=1e-12)


def test_answers_add_up_around_the_leak_potential():
    net = network("leaky_integrator", v_leak=0.5).double()
    one, two = torch.rand(2, 20, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    both, first, second = (net["hidden"](x)[0] - 0.5 for x in (one + two, one, two))
    torch.testing.assert_close(both, first + second, rtol=1e-10, atol=1e-12)
    assert torch.equal(net["hidden"](torch.zeros_like(one))[0], torch.full((20, 3, 7), 0.5, dtype=torch.float64))


def test_operations_are_those_of_the_step():
    declared = network("leaky_integrator")["hidden"].operations()
    assert declared.input_fan_out.tolist() == [7] * 5
    assert declared.recurrent_fan_out.tolist() == [0] * 7
    assert (declared.elementwise, declared.state_values, declared.tape_values) == (28, 14, 0)
    learned = network("leaky_integrator", learn_time_constants=True)["hidden"].operations()
    assert learned.tape_values == 14


def test_it_is_counted_and_priced():
    net = make_net("leaky_integrator")
    activity, x, _ = run(net)
    counted = counts_of(net, activity).layers
    assert counted["hidden"].synaptic_events == int(x.sum()) * 7
    assert counted["readout"].macs == 6 * 4 * 7 * 3
    assert estimate_cost(net, activity, "cmos_45nm").energy_pJ.value > 0
    assert estimate_cost(net, activity, "loihi1").why_not
