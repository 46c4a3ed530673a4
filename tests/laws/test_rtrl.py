"""Real-time recurrent learning gives the gradient of backpropagation through time, whatever the network and the loss."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.engine import engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.learning.descent import DescentCard
from neurorec.learning.rtrl import RTRL
from neurorec.models.architecture import READOUT
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.objective import objectives
from tests.hardware.nets import wired
from tests.laws.test_eprop import SETTINGS, B, T, assert_same, batch_for
from tests.nets import inputs, network

TRAINED = [name for name in cells if RTRL.why_not(network(name)) is None]


def made(name: str, **changes) -> Network:
    changes = {"input_gain": 6.0, "recurrent_gain": 2.0} | changes if cells[name].output_signal == "spikes" else changes
    return network(name, **changes).double()


def rtrl(**settings) -> RTRL:
    return RTRL(DescentCard(rule="rtrl", **SETTINGS | settings))


def both(net: Network, batch, kind: str = "classification", **settings):
    """Loss and gradients by both rules."""
    objective, found = objectives[kind](), []
    bptt = BPTT(BPTTCard(rule="bptt", **SETTINGS | settings))
    loss = bptt._loss(net, bptt.init(net, engines["torch"](), objective, torch.Generator()), batch)
    loss.backward()
    found.append((loss, {name: p.grad.clone() for name, p in net.named_parameters() if p.requires_grad}))
    rule = rtrl(**settings)
    loss = rule.gradient(net, rule.init(net, engines["torch"](), objective, torch.Generator()), batch)
    return (*found, (loss, {name: p.grad.clone() for name, p in net.named_parameters() if p.requires_grad}))


def test_it_trains_what_bptt_trains_step_by_step():
    assert {"elman", "lstm", "gru", "lif", "adaptive_lif", "izhikevich", "leaky_integrator"} <= set(TRAINED)


@pytest.mark.parametrize("name", TRAINED)
def test_for_every_cell_it_is_bptt(name):
    net = made(name)
    assert_same(both(net, batch_for(net)))


@pytest.mark.parametrize("readout", ["leaky", "linear"])
@pytest.mark.parametrize("kind", ["step_classification", "step_regression"])
def test_for_answers_in_every_frame_it_is_bptt(kind, readout):
    net = made("lif", readout=readout, learn_time_constants=True, reset="subtract")
    assert net["hidden"](inputs(net, T, B, share=0.5).double())[0].sum() > 20
    assert_same(both(net, batch_for(net, kind), kind))


def test_samples_that_end_early_and_the_rate_regulariser_are_bptt_too():
    net = made("adaptive_lif")
    found = both(net, batch_for(net, lengths=True), rate_weight=0.7)
    assert_same(found)
    without = both(net, batch_for(net, lengths=True))
    assert (found[0][1]["layers.hidden.w_in"] - without[0][1]["layers.hidden.w_in"]).abs().max() > 0.001


def test_through_loops_of_layers_it_is_bptt():
    wires = (
        Wire(INPUT, "low"), Wire("high", "low", 1), Wire(READOUT, "low", 1, "softmax"), Wire("low", "high"),
        Wire("low", READOUT), Wire("high", READOUT),
    )  # fmt: skip
    net = wired({"low": ("lif", 6), "high": ("elman", 4)}, wires).double()
    assert_same(both(net, batch_for(net, "step_classification"), "step_classification", rate_weight=0.5))


@pytest.mark.parametrize("given", [False, True])
def test_with_learned_or_given_initial_states_it_is_bptt(given):
    net = made("lif")
    net.learn_start("hidden", 0.5, 0.3)
    net["hidden"].draw_start(0.3, torch.Generator().manual_seed(0))
    net.double()
    batch = batch_for(net)
    if given:
        net.takes_start = ("hidden",)
        batch = replace(batch, start=torch.rand(B, 2, generator=torch.Generator().manual_seed(0)).double())
    assert_same(both(net, batch))


def test_a_frozen_recurrence_stays_and_the_weights_after_a_step_are_those_of_bptt():
    found = []
    for rule in (BPTT(BPTTCard(rule="bptt", **SETTINGS)), rtrl()):
        net = made("lif")
        net.freeze_recurrence()
        state = rule.init(net, engines["torch"](), objectives["classification"](), torch.Generator())
        for _ in range(3):
            state, info = rule.step(net, state, batch_for(net))
        found.append([info.loss, *net.parameters()])
        assert not net["hidden"].w_rec.any()
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


def test_derivatives_that_do_not_fit_into_memory_are_refused():
    net, rule = network("lif", H=400), rtrl()
    many = batch_for(net).take(torch.zeros(4000, dtype=torch.long))
    state = rule.init(net, engines["torch"](), objectives["classification"](), torch.Generator())
    with pytest.raises(InputError) as caught:
        rule.gradient(net, state, many)
    assert "the derivatives of 1203 states with respect to 163,203 weights for 4000 samples would take" in str(
        caught.value
    )
    assert str(caught.value).endswith("use a smaller layer or batch_size, or the rule bptt")
