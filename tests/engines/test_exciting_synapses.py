"""Plastic recurrent synapses with a delay: event engines run the cell spike for spike, and learn alike."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.counts import Counts
from neurorec.basics.errors import InputError
from neurorec.engines.event_layer import present
from neurorec.engines.on_brian2 import OnBrian2
from neurorec.engines.on_plastic import OnPlastic
from neurorec.learning.rule import rules
from tests.hardware.nets import counts_of, make_net, run
from tests.learning.test_event_rules import equations
from tests.nets import cell_card, inputs, network, on_dyadic_grid

ENGINES = {"plastic": OnPlastic(), "brian2": OnBrian2("numpy")}


def delayed_net(delay_ms):
    values = {"v_threshold": 0.77, "weight_sum": 9.0, "excitation_sum": 6.0, "delay_ms": delay_ms}
    return on_dyadic_grid(network("recurrent_competitive_lif", I=6, H=9, **values)).double()


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("delay_ms", [1.0, 5.0])
def test_event_engines_give_the_spikes_of_the_cell_and_samples_do_not_mix(delay_ms, engine):
    net = delayed_net(delay_ms)
    x = inputs(net, 25, 4).double()
    spikes = net["hidden"](x)[0]
    seen = present(engine, net["hidden"], x)
    assert 0.02 < spikes.mean() < 0.5
    assert torch.equal(seen.spikes.double(), spikes)
    assert torch.equal(seen.excitation, net["hidden"].w_exc.detach())


def test_a_longer_delay_changes_the_spikes():
    x = inputs(delayed_net(1.0), 25, 4).double()
    assert not torch.equal(*(delayed_net(ms)["hidden"](x)[0] for ms in (1.0, 5.0)))


@pytest.mark.parametrize("name", ["stdp", "triplet_stdp"])
def test_both_engines_learn_the_same_recurrent_weights(name):
    net, rule = delayed_net(3.0), replace(equations(name, threshold_rise=1 / 64), weight_sum=9.0)
    x = inputs(net, 25, 3).double()
    seen, expected = (present(engine, net["hidden"], x, rule) for engine in ENGINES.values())
    assert torch.equal(seen.spikes, expected.spikes)
    for found, wanted in ((seen.weights, expected.weights), (seen.excitation, expected.excitation)):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    assert (seen.excitation - net["hidden"].w_exc.detach()).abs().max() > 0.01


def test_dales_law_and_the_sum_of_each_neurons_excitation_are_kept():
    net, rule = delayed_net(2.0), replace(equations("stdp", potentiation=0.2, weight_max=9.0), weight_sum=9.0)
    after = present(ENGINES["plastic"], net["hidden"], inputs(net, 25, 8).double(), rule).excitation
    assert after.min() >= 0
    assert after.diagonal().abs().max() == 0
    assert after.sum(1) == pytest.approx([6.0] * 9, abs=1e-9)


def test_costs_of_plastic_recurrence_equal_brute_force():
    net = make_net("recurrent_competitive_lif")
    activity, x, hidden = run(net)
    spikes_in, spikes, I, H, B = int(x.sum()), int(hidden.sum()), 5, 7, 4  # noqa: E741
    updates = spikes_in * H + spikes * (I + 2 * (H - 1))
    training = rules["stdp"].count_training(net, counts_of(net, activity).forward(), 4, updates)
    seen = training.phases["update"].of("hidden")
    walked = Counts()
    synapse = Counts(weight_reads=1, weight_writes=1, trace_reads=1, plasticity_updates=1)
    trace = Counts(elementwise=2, nonlinearities=1, trace_reads=1, trace_writes=1, trace_updates=1)
    for _ in range(spikes_in):
        walked += trace + (synapse + Counts(elementwise=4)).scaled(H, 1)
    for _ in range(spikes):  # x, y and theta of the neuron; its targets; its lines and sources
        walked += trace.scaled(3, 1) + (synapse + Counts(elementwise=4)).scaled(H - 1, 1)
        walked += (synapse + Counts(elementwise=5)).scaled(I + H - 1, 1)
    for _ in range(B * H):  # two sums per neuron
        synapses = I + H - 1
        walked += Counts(
            weight_reads=2 * synapses, elementwise=2 * synapses + 2, weight_writes=synapses, weights_scaled=synapses
        )
    assert seen == walked
    (store,) = training.stores
    assert store.words == I + H + 2 * H


def test_a_delay_that_is_no_number_of_steps_is_refused():
    with pytest.raises((InputError, ValueError), match="delay_ms must be 1 to 1000 times dt_ms"):
        cell_card("recurrent_competitive_lif", 4, delay_ms=1.5)
