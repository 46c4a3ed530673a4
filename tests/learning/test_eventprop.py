"""EventProp learns, says what it cannot train, and what its backward pass costs. Its gradients: see tests/laws."""

from collections import Counter
from dataclasses import asdict

import pytest
import torch

from neurorec.basics.cards import check_card
from neurorec.basics.counts import Store
from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.engines.engine import engines
from neurorec.learning.eventprop import EventProp, EventPropCard
from neurorec.models.architecture import READOUT
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.task import Batch
from tests.hardware.nets import counts_of, make_net, run, wired
from tests.hardware.walks import synapses
from tests.nets import CLASSES, inputs, network

SETTINGS = {"rule": "eventprop", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 2e-2,
            "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0}  # fmt: skip


def start(net) -> tuple:
    rule = EventProp(EventPropCard(**SETTINGS))
    return rule, rule.init(net, engines["torch"](), CLASSES, torch.Generator().manual_seed(2))


def batch_for(net, T=20, B=32) -> Batch:
    x = inputs(net, T, B)
    target = (x[:, :, 0].sum(0) > x[:, :, 1].sum(0)).long()
    return Batch(x, target, torch.arange(T) >= T - 8)


@pytest.mark.parametrize("name", ["lif", "feedforward_lif"])
def test_the_loss_falls(name):
    net = network(name, H=24)
    (rule, state), batch, losses = start(net), batch_for(net), []
    for _ in range(80):
        state, info = rule.step(net, state, batch)
        losses.append(info.loss)
    assert losses[-1] < 0.7 * losses[0]


def test_the_surrogate_plays_no_part():
    found = []
    for surrogate in ("superspike", "triangle"):
        net = network("lif", H=12, surrogate=surrogate)
        rule, state = start(net)
        for _ in range(3):
            rule.step(net, state, batch_for(net))
        found.append(net["hidden"].w_rec.detach().clone())
    assert torch.equal(*found)
    assert not torch.equal(found[0], network("lif", H=12)["hidden"].w_rec)


def test_a_loss_that_is_no_number_stops_the_run():
    net = network("lif")
    with torch.no_grad():
        net["readout"].weight.fill_(float("inf"))
    rule, state = start(net)
    with pytest.raises(RunFailed, match=r"the loss became (nan|inf); lower learning_rate \(now 0.02\)"):
        rule.step(net, state, batch_for(net))


def test_rates_have_no_gradient():
    with pytest.raises(InputError) as error:
        check_card(SETTINGS | {"rate_weight": 0.5}, EventPropCard, "card")
    assert str(error.value).endswith(
        "rate_weight must be 0, because the number of spikes has no gradient with respect to the weights (got 0.5)"
    )


def told(net) -> str:
    with pytest.raises(CannotRun) as error:
        EventProp.check(net)
    return str(error.value).removeprefix(f"rule EventProp cannot train {net.title}: ")


def test_it_says_what_it_cannot_train():
    limits = "and the rule differentiates LIF neurons with a hard reset; use bptt"
    assert told(network("elman")) == (
        'its layer "hidden" sends values, but the rule differentiates the times of spikes; use bptt'
    )
    assert told(network("liquid_state")) == "its recurrent layer is fixed; train its readout with the rule ridge"
    assert told(network("lif", reset="subtract")) == (
        f'its reset is "subtract", but the event equations support only "zero", {limits}'
    )
    assert told(network("lif", learn_time_constants=True)) == (
        f"its neurons learn individual time constants, but the event equations have one for all, {limits}"
    )
    assert told(network("competitive_lif")) == (
        f"its event equations are not those of LIF neurons with constant thresholds, {limits}"
    )
    loop = (Wire(INPUT, "low"), Wire("high", "low", delay=1), Wire("low", "high"), Wire("high", READOUT))
    assert told(wired({"low": ("lif", 4), "high": ("lif", 3)}, loop)) == (
        "it has loops of several layers, but the rule goes back through one layer after another; use bptt"
    )


def walk(net, x, hidden) -> dict[str, Counter]:
    """From the last step to the first: both adjoint values of every neuron, errors returned for spikes, and gradients."""
    cell, counted = net["hidden"], {"hidden": Counter(), READOUT: Counter()}
    T, B, lines = x.shape
    for t in reversed(range(T)):
        for b in range(B):
            for name in counted:
                biases = sum(p.numel() for p in net[name].parameters() if p.dim() == 1)
                counted[name].update(gradient_reads=biases, gradient_writes=biases)
            counted[READOUT].update(elementwise=net[READOUT].operations().elementwise)
            for n in range(cell.size):
                counted["hidden"].update(elementwise=4, state_reads=2, state_writes=2)
                if hidden[t, b, n]:  # its own jump, then what it asks its targets for, and their synapses' gradients
                    counted["hidden"].update(
                        elementwise=3, nonlinearities=1, tape_reads=2, tape_writes=2, address_reads=1
                    )
                    arrive(counted[READOUT], range(net[READOUT].size), True)
                if t and hidden[t - 1, b, n]:
                    arrive(counted["hidden"], synapses(cell.w_rec, n), True)
            for line in range(lines):
                if x[t, b, line]:
                    arrive(counted["hidden"], synapses(cell.w_in, line), False)
    return counted


def arrive(counted: Counter, reached, asked: bool) -> None:
    """A spike arrives at synapses; its sender asks for an error, if it learns."""
    counted["address_reads"] += 1
    for _ in reached:
        counted.update(synaptic_events=1, gradient_reads=1, gradient_writes=1)
        counted.update({"macs": 1, "weight_reads": 1} if asked else {})
    counted.update({"values_sent": 1, "activation_reads": 1, "activation_writes": 1} if asked else {})


def test_the_backward_pass_is_counted_spike_by_spike():
    net = make_net("lif")
    activity, x, hidden = run(net)
    assert hidden.sum() > 10
    training = EventProp.count_training(net, counts_of(net, activity).forward(), x.shape[1], 1)
    for layer, walked in walk(net, x, hidden).items():
        counted = asdict(training.phases["backward"].of(layer))
        del counted["dense_macs"]
        assert {name: number for name, number in counted.items() if number} == dict(walked)
    dense = 6 * 4 * (7 * 7 * 2 + 5 * 7)
    assert training.phases["backward"].of("hidden").dense_macs == dense
    assert Store("hidden", "tape", 2 * int(hidden.sum())) in training.stores  # one batch of all samples
