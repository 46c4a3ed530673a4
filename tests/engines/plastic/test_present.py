"""Presentations in the compiled engine equal Brian2's; event engines are chosen aloud."""

import logging
from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.event_engine import choose_event_engine
from neurorec.engines.event_layer import NO_RULE, event_form, layer_network, present
from neurorec.engines.on_plastic import OnPlastic
from tests.engines.test_on_brian2 import BRIAN2, PAIRING, one_neuron, spiking_net
from tests.nets import inputs, network

PLASTIC = OnPlastic()
RULES = {"fixed weights": NO_RULE, "pairs": PAIRING, "pairs and a sum": replace(PAIRING, weight_sum=9.0)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", ["lif", "competitive_lif"])
def test_spikes_weights_and_thresholds_are_those_of_brian2(name, rule):
    net = spiking_net(name)
    x = inputs(net, 25, 4).double()
    seen, expected = present(PLASTIC, net["hidden"], x, rule), present(BRIAN2, net["hidden"], x, rule)
    assert 0.02 < expected.spikes.mean() < 0.8
    assert torch.equal(seen.spikes, expected.spikes)
    torch.testing.assert_close(seen.weights, expected.weights, rtol=0, atol=1e-12)
    assert set(seen.kept) == ({"theta"} if name == "competitive_lif" else set())
    torch.testing.assert_close(seen.kept, expected.kept, rtol=0, atol=1e-12)
    assert (rule is NO_RULE) == torch.equal(seen.weights, net["hidden"].w_in.detach())


def test_without_input_nothing_happens_and_without_samples_nothing_runs():
    assert present(PLASTIC, one_neuron(), torch.zeros(3, 2, 2), PAIRING).spikes.sum() == 0
    assert present(PLASTIC, one_neuron(), torch.zeros(3, 0, 2), PAIRING).spikes.shape == (3, 0, 1)
    assert present(PLASTIC, one_neuron(), torch.zeros(0, 2, 2), PAIRING).counts.tolist() == [[0], [0]]


def test_what_it_cannot_run_is_refused_in_words():
    with pytest.raises(InputError, match=r"event engines: input lines carry spikes, 0 or 1 per step \(got 0.5\)"):
        present(PLASTIC, one_neuron(), torch.full((2, 1, 2), 0.5))
    for cell, reason in (
        (network("elman")["hidden"], "Elman: it declares no event equations"),
        (
            network("adaptive_lif")["hidden"],
            "adaptive LIF: it declares no event equations",
        ),  # its parent's are not its own
        (
            network("lif", reset="subtract")["hidden"],
            'recurrent LIF: its reset is "subtract", but the event equations support only "zero"',
        ),
    ):
        with pytest.raises(CannotRun) as caught:
            present(PLASTIC, cell, torch.zeros(2, 1, 5))
        assert str(caught.value) == f"event engines cannot run {reason}"


def chosen(name, rule):
    cell = one_neuron()
    return choose_event_engine(name, layer_network(event_form(cell), rule), cell.title)


def test_auto_takes_the_compiled_engine_and_says_so(caplog):
    with caplog.at_level(logging.INFO, logger="neurorec"):
        assert chosen("auto", PAIRING).title == "plastic (LLVM)"
    assert caplog.messages[-1] == "plasticity runs in plastic (LLVM)"


def test_equations_that_only_brian2_runs_go_to_brian2_aloud_or_are_refused_where_plastic_was_asked_for(caplog):
    noisy = replace(PAIRING, on_pre="w = clip(w - 0.02 * y_post * rand(), 0, weight_max)")
    with caplog.at_level(logging.INFO, logger="neurorec"):
        assert chosen("auto", noisy).title.startswith("brian2")
    assert any(
        message.startswith("engine plastic cannot run it: ") and "calls rand" in message for message in caplog.messages
    )
    with pytest.raises(CannotRun) as caught:
        chosen("plastic", noisy)
    assert str(caught.value) == (
        'engine plastic cannot run competitive LIF: input synapses: "clip(w - 0.02 * y_post * rand(), 0, weight_max)" calls '
        "rand; known functions: clip, exp, sqrt, log, abs; use engine brian2, which runs arbitrary equations"
    )
