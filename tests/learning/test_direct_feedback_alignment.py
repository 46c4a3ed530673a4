"""Direct feedback alignment is e-prop with random feedback, and also reaches layers that the readout does not hear."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.learning.direct_feedback_alignment import DirectFeedbackAlignment
from neurorec.learning.eprop import EProp
from neurorec.learning.rule import OBJECTIONS
from neurorec.models.architecture import READOUT
from neurorec.models.wires import INPUT, Wire
from tests.hardware.nets import wired
from tests.learning.test_eprop import batch_for
from tests.learning.test_eprop import rule as eprop
from tests.nets import CLASSES, network

SETTINGS = {
    "rule": "direct_feedback_alignment", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 2e-2,
    "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0,
}  # fmt: skip
CHAIN = (Wire(INPUT, "low"), Wire("low", "high"), Wire("high", READOUT))


def rule() -> DirectFeedbackAlignment:
    return DirectFeedbackAlignment(DirectFeedbackAlignment.Card(**SETTINGS))


def start(net, method):
    return method.init(net, engines["torch"](), CLASSES, torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ["lif", "elman"])
def test_of_one_layer_it_is_eprop_with_random_feedback(name):
    found = []
    for method in (rule(), eprop(feedback="random")):
        net = network(name, H=11)
        state, batch = start(net, method), batch_for(net)
        state, info = method.step(net, state, batch)
        assert info.more == {"feedback_weights": 3 * 11, "feedback_changes": 0}
        found.append(list(net.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("cell", ["lif", "elman"])
def test_it_learns_in_layers_that_the_readout_does_not_hear(cell):
    net, method = wired({"low": (cell, 16), "high": (cell, 12)}, CHAIN), rule()
    assert "no error reaches" in EProp.why_not(net)
    assert DirectFeedbackAlignment.why_not(net) is None
    state, batch, losses = start(net, method), batch_for(net), []
    before = net["low"].w_in.detach().clone()
    for _ in range(60):
        state, info = method.step(net, state, batch)
        losses.append(info.loss)
    assert not torch.equal(net["low"].w_in, before)
    assert losses[-1] < 0.7 * losses[0]


def test_it_uses_no_forward_weight_backward():
    stances = dict(zip(OBJECTIONS, (j.stance for j in DirectFeedbackAlignment.judgements(network("lif"))), strict=True))
    assert stances["weights of the forward paths"] == "relaxed"
