"""Every way to give inputs and targets that the lecture "Learning in recurrent networks" lists."""

import pytest
import torch

import neurorec as nr
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import choose_engine, engines
from neurorec.learning.rule import rules
from neurorec.models.network import Network
from neurorec.models.readout import ReadoutCard
from neurorec.models.starts import given_start
from neurorec.models.units_readout import UnitsReadout
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from tests.hardware.nets import counts_of, run
from tests.models.test_network import layer, readout
from tests.nets import CLASSES, network

SETTINGS = {
    "epochs": 40, "batch_size": 16, "learning_rate": 0.02, "learning_rate_decay": 1.0, "clip_norm": 1.0,
    "rate_target": 0.0, "rate_weight": 0.0,
}  # fmt: skip
N = 96
SPLITS = {"train": range(64), "validation": range(64, 80), "test": range(80, 96)}


def starting(cell, S, H=12, T=5):
    """The answer depends on the initial state alone: which of its S values is largest."""
    start = torch.rand(N, S, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(T, dtype=torch.bool)
    task = nr.Task.from_arrays(
        torch.zeros(T, N, 1), start.argmax(1), objective="classification", splits=SPLITS, start=start, mask=mask
    )
    net = network(cell, I=1, H=H, O=S, readout="linear")
    net.takes_start = ("hidden",)
    return net, task


@pytest.mark.parametrize("size", [3, 12], ids=["all units", "some units"])
def test_initial_states_are_inputs(size):
    net, task = starting("elman", 3, size)
    batch = task.split("test")
    state = given_start(net, batch.start)
    assert torch.equal(state.layers["hidden"].h[:, :3], batch.start)
    assert not state.layers["hidden"].h[:, 3:].any()
    run = nr.train(net, task, "bptt", settings=SETTINGS)
    assert run.test_accuracy > 0.7 > 0.5 >= task.chance_score


def test_initial_membrane_potentials_are_inputs_in_every_engine():
    net, task = starting("lif", 7)
    batch = task.split("test")
    batch.start.mul_(3.0)
    answers = [choose_engine(engine, net).answers(net, batch, CLASSES) for engine in ("torch", "fused", "norse")]
    rest = choose_engine("torch", net).answers(net, Batch(batch.x, batch.target, batch.mask), CLASSES)
    assert not torch.equal(answers[0], rest)
    for other in answers[1:]:
        torch.testing.assert_close(other, answers[0])


def test_initial_states_that_cannot_be():
    net, task = starting("elman", 3)
    net.takes_start = ()
    with pytest.raises(InputError) as caught:
        given_start(net, task.split("test").start)
    assert str(caught.value) == (
        "the samples give initial states, but no layer takes them; set takes_start = true for one"
    )
    net.takes_start = ("hidden",)
    with pytest.raises(InputError) as caught:
        given_start(net, torch.zeros(4, 13))
    assert str(caught.value) == 'the samples give initial states of 13 units, but layer "hidden" has 12 to set'
    with pytest.raises(InputError) as caught:
        starting("elman", 3)[1].__class__(**{**vars(task), "start": torch.zeros(2, 3)})
    assert str(caught.value) == "task own task: start must be [N, S] with N = 96, one row per sample (got [2, 3])"
    assert rules["ridge"].why_not_task(task) == (
        "it starts every sample from rest, but those of task own task give initial states; use bptt"
    )


def test_units_clamped_at_every_step_are_input_lines():
    """A fully recurrent net of I + H units of which I are set in every step is an Elman net that hears them a step later."""
    T, B, I, H = 6, 3, 2, 4  # noqa: E741
    hidden = layer("elman", I, H, 0).double()
    net = Network({"hidden": hidden, "readout": readout(H, 2).double()}, (Wire(INPUT, "hidden", 1), Wire("hidden", "readout")),
                  "values", I)  # fmt: skip
    x = torch.rand(T, B, I, generator=torch.Generator().manual_seed(1)).double()
    every = torch.cat([torch.zeros(I, I + H).double(), torch.cat([hidden.w_in, hidden.w_rec], 1)])
    units, seen = torch.zeros(B, I + H).double(), []
    for x_t in x:
        units = torch.tanh(units @ every.T + torch.cat([torch.zeros(I).double(), hidden.bias]))
        units = torch.cat([x_t, units[:, I:]], 1)  # clamped
        seen.append(units[:, I:])
    torch.testing.assert_close(net.run(x)[0]["hidden"], torch.stack(seen))


def outputs_are_units(O, H=6):  # noqa: E741
    layers = {"hidden": layer("elman", 1, H, 0), "readout": UnitsReadout(ReadoutCard(name="units"), H, O)}
    return Network(layers, (Wire(INPUT, "hidden"), Wire("hidden", "readout")), "values", 1)


@pytest.mark.parametrize("O", [6, 2], ids=["all units", "a subset"])
@pytest.mark.parametrize("last", [1, 3], ids=["at the end", "over the last few steps"])
def test_desired_activities_of_units(O, last):  # noqa: E741
    """Only the wanted units in the wanted steps have an error; errors of other steps come back through time."""
    net, x = outputs_are_units(O), torch.rand(5, 4, 1, generator=torch.Generator().manual_seed(1))
    wanted, mask = torch.full((5, 4, O), 0.5), torch.arange(5) >= 5 - last
    batch, objective = Batch(x, wanted, mask, per_frame=True), objectives["step_regression"]()
    sent = {name: values.detach() for name, values in net.run(x)[0].items()}
    h = net.run(x)[0]["hidden"].detach().requires_grad_()
    objective.loss(net["readout"](h)[0], batch).backward()
    touched = h.grad.abs().sum(1) > 0
    assert torch.equal(touched, mask[:, None] & (torch.arange(6) < O))
    assert torch.equal(sent["readout"], sent["hidden"][..., :O])
    torch.testing.assert_close(net.step(net.initial_state(4), x[0])[0], sent["readout"][0])


def test_a_net_learns_to_settle_in_desired_activities():
    """An attractor for each initial state: the target holds over the last steps (the lecture: good for learning attractors)."""
    net = outputs_are_units(2, H=8)
    net.takes_start = ("hidden",)
    start = torch.rand(N, 2, generator=torch.Generator().manual_seed(0))
    wanted = (start > 0.5).float() * 1.6 - 0.8
    task = nr.Task.from_arrays(
        torch.zeros(8, N, 1), wanted.expand(8, N, 2).contiguous(), objective="step_regression", splits=SPLITS, start=start,
        mask=torch.arange(8) >= 5,
    )  # fmt: skip
    trained = nr.train(net, task, "bptt", settings=SETTINGS)
    assert trained.test_score < 0.2 < 0.6 < task.chance_score


def test_a_readout_of_units_costs_nothing_and_is_trained_by_nothing():
    net = outputs_are_units(2)
    assert net.parameter_count == 6 * 1 + 6 * 6 + 6
    counted = counts_of(net, run(net)[0]).layers["readout"]
    assert (counted.macs, counted.elementwise, counted.weight_reads) == (0, 0, 0)
    for rule, said in (
        ("ridge", "its readout has no weights; use bptt"),
        ("eprop", "its readout has no weights through which errors could be broadcast; use bptt"),
    ):
        with pytest.raises(CannotRun, match=said):
            rules[rule].check(net)
    assert engines["torch"]().answers(net, Batch(torch.rand(5, 4, 1), None, torch.arange(5) > 2), CLASSES).shape == (
        4,
        2,
    )
