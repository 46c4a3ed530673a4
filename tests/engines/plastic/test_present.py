"""Presentations in the compiled engine equal Brian2's; event engines are chosen aloud."""

import logging
from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines import on_brian2
from neurorec.engines.event_engine import choose_event_engine
from neurorec.engines.plastic.present import present
from tests.engines.test_on_brian2 import PAIRING, one_neuron, spiking_net
from tests.nets import inputs, network

RULES = {"fixed weights": None, "pairs": PAIRING, "pairs and a sum": replace(PAIRING, weight_sum=9.0)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", ["lif", "competitive_lif"])
def test_spikes_weights_and_thresholds_are_those_of_brian2(name, rule):
    net = spiking_net(name)
    x = inputs(net, 25, 4).double()
    seen, expected = present(net["hidden"], x, rule), on_brian2.present(net["hidden"], x, rule, "numpy")
    assert 0.02 < expected.spikes.mean() < 0.8
    assert torch.equal(seen.spikes, expected.spikes)
    torch.testing.assert_close(seen.weights, expected.weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(seen.theta.double(), expected.theta.double(), rtol=0, atol=1e-12)
    assert (rule is None) == torch.equal(seen.weights, net["hidden"].w_in.detach())


def test_without_input_nothing_happens_and_without_samples_nothing_runs():
    assert present(one_neuron(), torch.zeros(3, 2, 2), PAIRING).spikes.sum() == 0
    assert present(one_neuron(), torch.zeros(3, 0, 2), PAIRING).spikes.shape == (3, 0, 1)
    assert present(one_neuron(), torch.zeros(0, 2, 2), PAIRING).counts.tolist() == [[0], [0]]


def test_what_it_cannot_run_is_refused_in_words():
    with pytest.raises(InputError, match=r"engine plastic: input lines carry spikes, 0 or 1 a step \(got 0.5\)"):
        present(one_neuron(), torch.full((2, 1, 2), 0.5))
    with pytest.raises(CannotRun) as caught:
        present(network("elman")["hidden"], torch.zeros(2, 1, 5))
    assert str(caught.value) == (
        "engine plastic cannot run Elman: neurorec writes the equations of lif and competitive_lif for event engines, and "
        "of no other cell; use the cell competitive_lif"
    )


def test_auto_takes_the_compiled_engine_and_says_so(caplog):
    with caplog.at_level(logging.INFO, logger="neurorec"):
        assert choose_event_engine("auto", one_neuron(), PAIRING).title == "plastic (LLVM)"
    assert caplog.messages[-1] == "plasticity runs in plastic (LLVM)"


def test_equations_that_only_brian2_runs_go_to_brian2_aloud_or_are_refused_where_plastic_was_asked_for(caplog):
    noisy = replace(PAIRING, on_pre="w = clip(w - 0.02 * y_post * rand(), 0, weight_max)")
    with caplog.at_level(logging.INFO, logger="neurorec"):
        assert choose_event_engine("auto", one_neuron(), noisy).name == "brian2"
    assert any(
        message.startswith("engine plastic is passed over: ") and "calls rand" in message for message in caplog.messages
    )
    with pytest.raises(CannotRun) as caught:
        choose_event_engine("plastic", one_neuron(), noisy)
    assert str(caught.value) == (
        'engine plastic cannot run competitive LIF: input synapses: "clip(w - 0.02 * y_post * rand(), 0, weight_max)" calls '
        "rand; it knows clip, exp, sqrt, log, abs; use engine brian2, which runs arbitrary equations"
    )
