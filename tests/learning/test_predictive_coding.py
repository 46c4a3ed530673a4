"""Predictive coding against backpropagation, through layers and through time; what it costs, what it refuses."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from neurorec.basics.counts import Counts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.engine import choose_engine
from neurorec.learning.rule import rules
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from tests.hardware.nets import counts_of, make_net, run, wired
from tests.nets import CLASSES, network

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 1, "learning_rate": 0.01, "learning_rate_decay": 1.0,
    "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0, "inference_steps": 100, "inference_rate": 0.4, "precision": 0.1,
}  # fmt: skip
PER_FRAME = objectives["step_classification"]()
DEEP = (Wire(INPUT, "low"), Wire("low", "high"), Wire(INPUT, "high"), Wire("low", "readout"), Wire("high", "readout"))
NETS = {
    "recurrent": lambda: network("elman", I=4, H=6),
    "recurrent, leaky readout": lambda: network("elman", I=4, H=6, readout="leaky"),
    "feed-forward and recurrent layers": lambda: wired({"low": ("dense", 5), "high": ("elman", 4)}, DEEP, inputs=4),
    "units as outputs": lambda: network("elman", I=4, H=6, readout="units"),
}


def net(name):
    """With weights so small that inference converges soon."""
    made = NETS[name]().double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(0.5)
    return made


def rule(**changes):
    kind = rules["predictive_coding"]
    return kind(kind.Card(**{**SETTINGS, **changes}))


def batch(objective=CLASSES, T=3, lengths=None):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(T, 4, 4, generator=generator, dtype=torch.float64)
    if objective is CLASSES:
        return Batch(x, torch.tensor([0, 1, 2, 0]), torch.arange(T) >= T - 2)
    mask = torch.ones(T, 4, dtype=torch.bool)
    if lengths is not None:
        mask = torch.arange(T)[:, None] < lengths
        x = x * mask[..., None]
    return Batch(x, torch.randint(3, (T, 4), generator=generator), mask, lengths, per_frame=True)


def apart(made, objective, data, **settings):
    """How far the rule's gradient is from that of backpropagation through time, as a share of its length."""
    engine = choose_engine("torch", made)
    loss = objective.loss(engine.answers(made, data, objective), data)
    exact = torch.autograd.grad(loss, list(made.parameters()))
    found = rule(**settings).gradient(made, engine, objective, data)
    torch.testing.assert_close(found, loss.detach())
    off = [(weight.grad - wanted).square().sum() for weight, wanted in zip(made.parameters(), exact, strict=True)]
    return float(sum(off).sqrt() / sum(wanted.square().sum() for wanted in exact).sqrt())


@pytest.mark.parametrize("objective", [CLASSES, PER_FRAME], ids=["one label", "a label per frame"])
@pytest.mark.parametrize("name", NETS)
def test_the_gradient_becomes_that_of_backpropagation_as_precision_vanishes(name, objective):
    """It errs by O(precision), once errors have crossed all layers and steps."""
    made, data = net(name), batch(objective)
    errors = [apart(made, objective, data, precision=value) for value in (0.01, 0.005)]
    assert errors[1] / errors[0] == pytest.approx(0.5, rel=0.05)
    assert apart(made, objective, data, precision=1e-7) < 1e-5


def test_a_step_changes_weights_as_one_of_backpropagation_does():
    method, exact, data = rule(precision=1e-6, inference_steps=300), rules["bptt"], batch()
    exact = exact(exact.Card(**{key: SETTINGS[key] for key in exact.Card.model_fields if key in SETTINGS}))
    found = []
    for one in (method, exact):
        made = net("recurrent")
        one.step(made, one.init(made, choose_engine("torch", made), CLASSES, torch.Generator()), data)
        found.append(torch.cat([weight.detach().flatten() for weight in made.parameters()]))
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)  # Adam's first step is 0.01 for every weight


def test_errors_cross_one_step_of_time_per_step_of_inference():
    """The answer is the last frame; input weights are learned from the first one only after as many steps.

    Before, their gradient is what rounding leaves of v - p, two sums of at most 11 numbers below 4, over the precision.
    """
    rounding = 2 * 11 * 4 * 2**-53 / 0.1
    made, data = net("recurrent"), batch(T=4)
    data = replace(data, x=data.x * torch.tensor([1.0, 0, 0, 0]).double()[:, None, None], mask=torch.arange(4) == 3)
    for steps, arrived in ((3, False), (4, True)):
        rule(inference_steps=steps).gradient(made, choose_engine("torch", made), CLASSES, data)
        assert bool(made["hidden"].w_in.grad.abs().max() > rounding) == arrived


def test_samples_of_unequal_lengths():
    made, data = net("recurrent"), batch(PER_FRAME, lengths=torch.tensor([3, 2, 1, 3]))
    assert apart(made, PER_FRAME, data, precision=1e-7) < 1e-5


def test_inference_that_becomes_unstable_fails_the_run():
    made = network("elman", I=4, H=6, recurrent_gain=9.0, activation="linear").double()
    with pytest.raises(RunFailed) as caught:
        rule(inference_steps=400).gradient(made, choose_engine("torch", made), CLASSES, batch())
    assert str(caught.value) == (
        "inference became unstable; lower inference_rate (now 0.4) or precision (now 0.1) in the pair card"
    )


def test_a_frozen_recurrence_does_not_learn_and_returns_nothing():
    made = network("elman", I=4, H=6).double()
    made.freeze_recurrence()
    engine = choose_engine("torch", made)
    rule().gradient(made, engine, CLASSES, batch())
    assert made["hidden"].w_rec.grad is None
    assert made["hidden"].w_in.grad.any()


def test_a_step_lowers_the_loss_and_reports_its_inferences():
    made, data = network("elman", I=4, H=6).double(), batch()
    method = rule(precision=1.0, inference_rate=0.2)
    state = method.init(made, choose_engine("torch", made), CLASSES, torch.Generator())
    losses = []
    for _ in range(5):
        state, info = method.step(made, state, data)
        losses.append(info.loss)
    assert losses[-1] < losses[0]
    assert info.more == {"inferences": 4 * 100}


@pytest.mark.parametrize("signal", ["spikes", "values"])
def test_learning_is_counted_as_a_walk_over_nodes_and_synapses(signal):
    made = make_net("elman", signal=signal)
    activity, x, _ = run(made)
    forward = counts_of(made, activity).forward()
    counted = rules["predictive_coding"].count_training(made, forward, 4, 0, inferences=4 * 3)
    H, O, walked = 7, 3, {"hidden": Counter(), "readout": Counter()}  # noqa: E741
    for t in range(6):
        for _ in range(4):
            for _ in range(H):  # v - p, times slope; sum, rate, difference; bias and tanh
                walked["hidden"].update(elementwise=7, trace_reads=2, trace_writes=2, trace_updates=2)
                walked["hidden"].update(values_sent=1, activation_writes=1, activation_reads=int(t > 0))
                for _ in range(H if t > 0 else 0):
                    walked["hidden"].update(macs=1, dense_macs=1, weight_reads=1)
            for _ in range(O):
                walked["readout"].update(values_sent=1, activation_writes=1)
                for _ in range(H):
                    walked["readout"].update(macs=1, dense_macs=1, weight_reads=1)
    for name, counter in walked.items():
        once = Counts(**counter) + forward.layers.of(name)
        assert counted.phases["backward"].of(name) == once.scaled(3, 1)
    arrived = int(x.sum()) if signal == "spikes" else x.numel()
    products = counted.phases["update"].of("hidden")
    assert products.gradient_writes == products.gradient_reads == arrived * H + 24 * (H * H + H)
    assert products.synaptic_events == (arrived * H if signal == "spikes" else 0)
    assert products.trace_reads == 2 * 24 * H
    assert counted.phases["update"].of("readout").gradient_writes == 24 * (H * O + O)


def test_what_it_refuses_says_what_to_use():
    check = rules["predictive_coding"].check
    with pytest.raises(CannotRun) as caught:
        check(network("lstm"))
    assert str(caught.value) == (
        "rule predictive coding cannot train LSTM: it requires units whose output is a function of their weighted sum, unlike "
        "LSTM; use the cells dense and elman, or bptt"
    )
    looped = wired({"low": ("dense", 5)}, (Wire(INPUT, "low"), Wire("readout", "low", 1), Wire("low", "readout")))
    with pytest.raises(CannotRun, match="for which there are no error nodes; use bptt"):
        check(looped)


def test_what_it_relaxes_of_the_six_objections():
    stances = [judgement.stance for judgement in rules["predictive_coding"].judgements(network("elman"))]
    assert stances == ["partly", "kept", "kept", "partly", "kept", "kept"]
