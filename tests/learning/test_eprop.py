"""E-prop learns, its feedback stays as drawn, and it refuses what it keeps no traces of. Its gradient: see tests/laws."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.engine import engines
from neurorec.learning.eprop import EProp, EPropCard
from neurorec.models.architecture import READOUT
from neurorec.models.cells.lif import LIF
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.task import Batch
from tests.hardware.nets import wired
from tests.nets import CLASSES, inputs, network


def rule(**changes) -> EProp:
    values = {"rule": "eprop", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 2e-2,
              "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0,
              "feedback": "symmetric"}  # fmt: skip
    return EProp(EPropCard(**(values | changes)))


def batch_for(net, T=10, B=32) -> Batch:
    x = inputs(net, T, B)
    target = (x[:, :, 0].sum(0) > x[:, :, 1].sum(0)).long()
    return Batch(x, target, torch.arange(T) >= T - 2)


def start(net, method: EProp):
    return method.init(net, engines["torch"](), CLASSES, torch.Generator().manual_seed(2))


@pytest.mark.parametrize("feedback", ["symmetric", "random", "adaptive"])
@pytest.mark.parametrize("name", ["lif", "adaptive_lif", "elman"])
def test_the_loss_falls(name, feedback):
    net, method = network(name, H=24), rule(feedback=feedback, feedback_decay=1e-3 if feedback == "adaptive" else None)
    state, batch, losses = start(net, method), batch_for(net), []
    drawn = {layer: weights.clone() for layer, weights in state.feedback.items()}
    for _ in range(80):
        state, info = method.step(net, state, batch)
        losses.append(info.loss)
    assert losses[-1] < 0.7 * losses[0]
    kept = [torch.equal(drawn[layer], weights) for layer, weights in state.feedback.items()]
    assert kept == {"symmetric": [], "random": [True], "adaptive": [False]}[feedback]
    assert info.more == {"feedback_weights": 3 * 24 * len(kept), "feedback_changes": 3 * 24 * (feedback == "adaptive")}


def test_learned_feedback_becomes_the_readouts_without_seeing_it():
    """Both have the same changes, so that their difference only decays: by (1 - decay) per update."""
    net, method = network("lif", H=24), rule(feedback="adaptive", feedback_decay=0.02)
    net, state, batch = net.double(), None, batch_for(net)
    batch = replace(batch, x=batch.x.double())
    state = start(net, method)
    apart = net["readout"].weight - state.feedback["hidden"]
    before = apart.detach().clone()
    for _ in range(150):
        state, _ = method.step(net, state, batch)
    apart = net["readout"].weight - state.feedback["hidden"]
    torch.testing.assert_close(apart.detach(), before * 0.98**150, rtol=1e-6, atol=1e-12)
    assert torch.cosine_similarity(net["readout"].weight.flatten(), state.feedback["hidden"].flatten(), dim=0) > 0.99


def test_what_feedback_weights_are_decides_the_third_objection():
    net = network("lif")
    stances = {
        kind: rule(feedback=kind, feedback_decay=0.1 if kind == "adaptive" else None).judged(net)[2].stance
        for kind in ("symmetric", "random", "adaptive")
    }
    assert stances == {"symmetric": "kept", "random": "relaxed", "adaptive": "partly"}
    assert EProp.judgements(net)[2].stance == "partly"  # of all three together


def test_the_decay_of_feedback_belongs_to_learned_feedback():
    for feedback, decay in (("adaptive", None), ("random", 0.1)):
        with pytest.raises(ValueError, match='feedback_decay belongs to feedback = "adaptive": give both, or neither'):
            rule(feedback=feedback, feedback_decay=decay)


def test_the_regulariser_pulls_rates_towards_the_target():
    net = network("lif", H=24)
    method, batch = rule(rate_weight=50.0, rate_target=0.4), batch_for(net)
    state, before = start(net, method), net["hidden"](batch.x)[0].mean()
    for _ in range(60):
        state, _ = method.step(net, state, batch)
    after = net["hidden"](batch.x)[0].mean()
    assert abs(after - 0.4) < 0.3 * abs(before - 0.4)


def test_a_loss_that_is_no_number_stops_the_run():
    net, method = network("lif"), rule()
    with torch.no_grad():
        net["readout"].weight.fill_(float("inf"))
    with pytest.raises(
        RunFailed, match=r"the loss became nan; lower learning_rate \(now 0.02\) or clip_norm \(now 1\)"
    ):
        method.step(net, start(net, method), batch_for(net))


class Bursting(LIF):
    title = "bursting LIF"

    def step(self, state, x):
        z, after = super().step(state, x)
        return 2 * z, after


def test_it_refuses_what_it_keeps_no_traces_of():
    def told(net) -> str:
        with pytest.raises(CannotRun) as error:
            EProp.check(net)
        return str(error.value).removeprefix(f"rule e-prop cannot train {net.title}: ")

    assert told(network("gru")) == "no eligibility traces are defined for GRU; train with bptt"
    assert told(network("liquid_state")) == "its recurrent layer is fixed; train its readout with the rule ridge"
    assert told(network("lif", learn_time_constants=True)) == (
        "e-prop trains synapses but not time constants; set learn_time_constants = false, or use bptt"
    )
    bursting = network("lif")
    bursting["hidden"].__class__ = Bursting
    assert told(bursting) == "no eligibility traces are defined for bursting LIF; train with bptt"
    chain = (Wire(INPUT, "low"), Wire("low", "high"), Wire("high", READOUT))
    assert told(wired({"low": ("lif", 4), "high": ("lif", 3)}, chain)) == (
        'no error reaches its layer "low", because the readout does not hear it; add a wire, or use bptt'
    )
    loop = (Wire(INPUT, "low"), Wire(READOUT, "low", delay=1), Wire("low", READOUT))
    assert told(wired({"low": ("lif", 4)}, loop)) == (
        "it has delayed or transformed wires between layers, for which there are no traces; use bptt"
    )
