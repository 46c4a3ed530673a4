"""Feedback alignment learns with fixed random feedback weights, costs what BPTT costs, and refuses layers whose errors do not
return through plain matrix products. Its gradient: see tests/laws."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.counts import Store
from neurorec.basics.errors import CannotRun
from neurorec.learning.bptt import BPTT
from neurorec.learning.feedback_alignment import FeedbackAlignment
from neurorec.learning.rule import OBJECTIONS
from neurorec.models.architecture import READOUT
from neurorec.models.wires import INPUT, Wire
from tests.hardware.nets import counts_of, make_net, run, wired
from tests.learning.test_eprop import batch_for
from tests.nets import CLASSES, network

SETTINGS = {
    "rule": "feedback_alignment", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 2e-2,
    "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0, "feedback_gain": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("name", ["lif", "adaptive_lif", "elman", "gru"])
def test_the_loss_falls_and_the_way_back_stays_as_drawn(name):
    net, method = network(name, H=16), FeedbackAlignment(FeedbackAlignment.Card(**SETTINGS))
    state = method.init(net, None, CLASSES, torch.Generator().manual_seed(2))  # type: ignore[arg-type]
    drawn = {weight: weights.clone() for weight, weights in state.back.items()}
    batch, losses = batch_for(net), []
    for _ in range(60):
        state, info = method.step(net, state, batch)
        losses.append(info.loss)
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(state.back[weight], weights) for weight, weights in drawn.items())
    assert len(drawn) == sum(parameter.dim() == 2 for parameter in net.parameters())


def test_it_costs_what_bptt_costs_and_stores_the_way_back():
    loop = (Wire(INPUT, "low"), Wire("low", "high"), Wire("high", "low", delay=1), Wire("high", READOUT))
    for net, back in (
        (make_net("lif"), {"hidden": 7 * 7, "readout": 7 * 3}),
        (
            wired({"low": ("lif", 6), "high": ("elman", 4)}, loop),
            {"low": 6 * 6 + 4 * 6, "high": 4 * 4 + 6 * 4, READOUT: 4 * 3},
        ),
    ):
        forward = counts_of(net, run(net)[0]).forward()
        found, plain = (rule.count_training(net, forward, 4, 1) for rule in (FeedbackAlignment, BPTT))
        assert found == replace(
            plain, rule="feedback alignment",
            stores=(*plain.stores, *(Store(name, "weight", words) for name, words in back.items())),
        )  # fmt: skip


def test_frozen_synapses_have_no_way_back():
    net = make_net("elman")
    net.freeze_recurrence()
    stores = FeedbackAlignment.count_training(net, counts_of(net, run(net)[0]).forward(), 4, 1).stores
    assert [store for store in stores if store.kind == "weight"] == [Store("readout", "weight", 7 * 3)]


def test_only_the_third_objection_is_avoided_beyond_bptt():
    for name in ("lif", "elman"):
        net = network(name)
        found, plain = (dict(zip(OBJECTIONS, r.judgements(net), strict=True)) for r in (FeedbackAlignment, BPTT))
        differing = [objection for objection in OBJECTIONS if found[objection] != plain[objection]]
        assert differing == ["weights of the forward paths"]
        assert found[differing[0]].stance == "relaxed"


def test_it_refuses_weights_that_are_not_used_as_plain_products():
    net = network("elman")

    class Squared(type(net["hidden"])):
        title = "squared"

        def step(self, state, x):
            h = torch.tanh(x @ self.w_in.T + state.h @ self.w_rec.square().T)
            return h, state._replace(h=h)

    net["hidden"].__class__ = Squared
    with pytest.raises(CannotRun) as caught:
        FeedbackAlignment.check(net)
    assert str(caught.value) == (
        "rule feedback alignment cannot train squared: not all weights of squared are used in plain matrix products, "
        "whose transposes could be replaced by feedback weights; use bptt"
    )
