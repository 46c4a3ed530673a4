"""Health checks: each reports a network with the fault, and no other."""

import dataclasses
import logging

import pytest
import torch

import neurorec as nr
from neurorec.training.health import Checkup, health_checks, trained_weights
from tests.nets import network

SETTINGS = {"epochs": 1, "batch_size": 32, "learning_rate": 0.001, "learning_rate_decay": 1.0, "clip_norm": 1.0,
            "rate_target": 0.0, "rate_weight": 0.0}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    x = torch.rand(6, 90, 3, generator=torch.Generator().manual_seed(0))
    parts = torch.arange(90) % 3
    splits = {"train": parts == 0, "validation": parts == 1, "test": parts == 2}
    return nr.Task.from_arrays(
        x, (x.mean((0, 2)) > 0.5).long(), objective="classification", splits=splits, name="made-up"
    )


def elman(task, gain, seed=0):
    pair = nr.load_pair("lif_vs_elman")
    net = pair.rate.build(task.inputs, task.outputs, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        net["hidden"].w_in.mul_(gain)
    return net


def test_a_healthy_training_has_no_findings(task):
    assert nr.train(elman(task, 1.0), task, "bptt", seed=0, settings=SETTINGS).health == ()


def test_saturated_units_are_found_and_logged(task, caplog):
    with caplog.at_level(logging.WARNING):
        run = nr.train(elman(task, 1e4), task, "bptt", seed=0, settings=SETTINGS)
    (finding,) = [each for each in run.health if "nearly always" in each]
    assert finding.startswith("layer hidden: ")
    assert finding.endswith("units nearly always output -1 or 1; lower input_gain or learning_rate")
    assert finding in [record.getMessage() for record in caplog.records]


def spiking(task, counts):
    """A checkup of recurrent LIF neurons with these spikes per unit on the test split."""
    pair = nr.load_pair("lif_vs_elman")
    run = nr.train(pair.spiking, task, "bptt", seed=0, settings=SETTINGS)
    seen = run.activity.hidden["hidden"]
    layers = {**run.activity.layers, "hidden": dataclasses.replace(seen, spikes=counts(len(seen.spikes), run.activity))}
    return Checkup(run.network, trained_weights(run.network), dataclasses.replace(run.activity, layers=layers))


def test_silent_and_saturated_neurons_are_told_apart(task):
    def silent(units, activity):
        return (torch.arange(units) % 2 * 3).numpy()

    def busy(units, activity):
        return torch.full((units,), activity.sample_steps).numpy()

    (finding,) = health_checks["silent units"](spiking(task, silent))
    assert "never spiked on the test split; raise input_gain" in finding
    assert not list(health_checks["saturated units"](spiking(task, silent)))
    (finding,) = health_checks["saturated units"](spiking(task, busy))
    assert "spike in nearly every step" in finding
    assert not list(health_checks["silent units"](spiking(task, busy)))


def test_units_that_always_output_0_are_silent_if_there_are_outputs_enough(task):
    net = elman(task, 1.0)
    checkup = Checkup(net, {}, nr.train(net, task, "bptt", seed=0, settings=SETTINGS).activity)
    H = net["hidden"].size
    many, few = ({"hidden": torch.zeros(4, B, H)} for B in (H, H - 1))
    (finding,) = health_checks["silent units"](dataclasses.replace(checkup, sent=many))
    assert finding == f"layer hidden: {H} of {H} units always output 0; lower learning_rate, or use another activation"
    assert not list(health_checks["silent units"](dataclasses.replace(checkup, sent=few)))


def made_up(change):
    """An Elman network whose weights were changed since."""
    net = network("elman")
    before = trained_weights(net)
    with torch.no_grad():
        change(net)
    return Checkup(net, before, None)


def test_weights_that_exploded_are_named_with_their_growth():
    (finding,) = health_checks["exploded weights"](made_up(lambda net: net["hidden"].w_rec.mul_(50)))
    assert finding.startswith("weights layers.hidden.w_rec grew 50-fold")
    assert not list(health_checks["exploded weights"](made_up(lambda net: net["hidden"].w_rec.mul_(5))))
    (finding,) = health_checks["exploded weights"](made_up(lambda net: net["hidden"].w_rec.fill_(float("nan"))))
    assert "grew nan-fold" in finding


def test_units_whose_synapses_never_changed_are_counted():
    def everywhere(net):
        for weight in net.parameters():
            weight.add_(1)

    def but_for_one_unit(net):
        for name, weight in net.named_parameters():
            (weight[:1] if name.endswith("w_in") else weight).add_(1)

    def in_the_readout(net):
        net["readout"].weight.add_(1)

    assert not list(health_checks["dead synapses"](made_up(everywhere)))
    assert not list(health_checks["dead synapses"](made_up(in_the_readout)))
    checkup = made_up(but_for_one_unit)
    (finding,) = health_checks["dead synapses"](checkup)
    H = checkup.network["hidden"].size
    assert finding == (
        f"weights layers.hidden.w_in: the weights of {H - 1} of {H} units did not change in training, so these units learned "
        "nothing; raise input_gain, widen the surrogate (a smaller slope), or train longer"
    )
