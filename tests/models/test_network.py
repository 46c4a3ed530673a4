"""Layers and wires: the order in which they run, loops, states in and out, free running, and wires that cannot be."""

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.engine import choose_engine, engines
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import LeakyCard, LeakyReadout, LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire, components_of
from neurorec.tasks.batch import Batch
from tests.nets import CLASSES, cell_card, on_dyadic_grid
from tests.rounding import assert_apart, mean_answers_apart


def layer(name, inputs, size, seed):
    made = cells[name](cell_card(name, size), inputs)
    made.reset_parameters(torch.Generator().manual_seed(seed))
    return made


def readout(inputs, outputs, leaky=False):
    made = (
        LeakyReadout(LeakyCard(name="leaky", tau_ms=5.0, dt_ms=1.0), inputs, outputs)
        if leaky
        else LinearReadout(ReadoutCard(name="linear"), inputs, outputs)
    )
    made.reset_parameters(torch.Generator().manual_seed(9))
    return made


def skipping(name="lif", leaky=True):
    """Two layers; the second hears the input too, and the readout hears both."""
    layers = {"first": layer(name, 4, 6, 0), "second": layer(name, 10, 5, 1), "readout": readout(11, 3, leaky)}
    wires = (
        Wire(INPUT, "first"), Wire(INPUT, "second"), Wire("first", "second"), Wire("first", "readout"),
        Wire("second", "readout"),
    )  # fmt: skip
    return Network(layers, wires, "spikes", 4)


def jordan(carries="as sent"):
    """A layer that hears the answer of the step before."""
    layers = {"hidden": layer("elman", 7, 5, 0), "readout": readout(5, 3)}
    wires = (Wire(INPUT, "hidden"), Wire("readout", "hidden", 1, carries), Wire("hidden", "readout"))
    return Network(layers, wires, "values", 4)


def spikes(T=20, B=3, lines=4):
    return (torch.rand(T, B, lines, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def values():
    return torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(1)).double()


def test_a_layer_hears_its_wires_side_by_side_in_their_order():
    net = skipping()
    x = spikes()
    sent, _ = net.run(x)
    first, _ = net["first"](x)
    second, _ = net["second"](torch.cat([x, first], -1))
    assert torch.equal(sent["second"], second)
    assert torch.equal(sent["readout"], net["readout"](torch.cat([first, second], -1))[0])
    assert net.lines_of(Wire("first", "second")) == slice(4, 10)


def test_a_loop_is_its_equation():
    net, x = jordan("softmax").double(), values()
    hidden, out = net["hidden"], net["readout"]
    h, context, answers = torch.zeros(2, 5).double(), torch.zeros(2, 3).double(), []
    for x_t in x:
        drive = torch.cat([x_t, context], 1) @ hidden.w_in.T + h @ hidden.w_rec.T + hidden.bias
        h = torch.tanh(drive)
        answers.append(h @ out.weight.T + out.bias)
        context = answers[-1].softmax(1)
    torch.testing.assert_close(net(x), torch.stack(answers))


@pytest.mark.parametrize("make", [skipping, jordan], ids=["skip", "loop"])
def test_running_in_two_parts_or_step_by_step_is_running_at_once(make):
    net, x = on_dyadic_grid(make()).double(), spikes().double()
    whole, end = net.run(x)
    first, state = net.run(x[:7])
    second, end_again = net.run(x[7:], state)
    for name in net.layers:
        torch.testing.assert_close(torch.cat([first[name], second[name]]), whole[name])
    state, steps = net.initial_state(3), []
    for x_t in x:
        y, state = net.step(state, x_t)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps), whole[net.output])
    for one, two in ((end, end_again), (end, state)):
        for name in net.layers:
            for a, b in zip(one.layers[name], two.layers[name], strict=True):
                torch.testing.assert_close(a, b)
        for wire in one.delayed:
            torch.testing.assert_close(one.delayed[wire], two.delayed[wire])


@pytest.mark.parametrize("make", [skipping, jordan], ids=["skip", "loop"])
def test_a_sample_that_ends_early_is_that_sample_on_its_own(make):
    net, x, lengths = on_dyadic_grid(make()).double(), spikes(12, 4).double(), torch.tensor([12, 5, 1, 0])
    sent, end = net.run(x, lengths=lengths)
    for b, length in enumerate(lengths.tolist()):
        alone, own_end = net.run(x[:length, b : b + 1])
        for name in net.layers:
            torch.testing.assert_close(sent[name][:length, b], alone[name][:, 0])
            assert not sent[name][length:, b].any()
            for part, own in zip(end.layers[name], own_end.layers[name], strict=True):
                torch.testing.assert_close(part[b], own[0])
        for wire, brought in end.delayed.items():
            torch.testing.assert_close(brought[b], own_end.delayed[wire][0])


def test_forcing_a_loop_with_its_own_answers_changes_nothing_and_with_others_does():
    net, x = jordan().double(), values()
    free, end = net.run(x)
    forced, end_again = net.run(x, forced={"readout": free["readout"]})
    torch.testing.assert_close(forced["readout"], free["readout"])
    torch.testing.assert_close(end_again.delayed, end.delayed)
    other, _ = net.run(x, forced={"readout": free["readout"] + 1})
    torch.testing.assert_close(other["readout"][0], free["readout"][0])
    assert not torch.allclose(other["readout"][1:], free["readout"][1:], atol=1e-2)


def test_freezing_silences_wires_that_lead_back():
    net, x = jordan().double(), values()
    net.freeze_recurrence()
    each_alone = torch.cat([net(x[t : t + 1]) for t in range(6)])
    torch.testing.assert_close(net(x), each_alone)
    told, _ = net.run(x, forced={"readout": torch.ones(6, 2, 3)})
    torch.testing.assert_close(told["readout"], each_alone)  # what is forced does not pass a silent wire either
    assert net.recurrent_wires == (Wire("readout", "hidden", 1),)


@pytest.mark.parametrize("engine", ["torch", "fused", "norse", "auto"])
@pytest.mark.parametrize("leaky", [False, True], ids=["linear", "leaky"])
def test_pooled_answers_of_several_layers_are_the_mean_output(engine, leaky):
    net, x, mask = on_dyadic_grid(skipping(leaky=leaky)), spikes(), torch.arange(20) > 12
    runner = choose_engine(engine, net)
    answers = runner.answers(net, Batch(x, None, mask), CLASSES)
    seen = runner.run(net, x)
    heard = torch.cat([seen.sent["first"], seen.sent["second"]], -1)
    assert_apart(answers, net(x)[mask].mean(0), mean_answers_apart(net["readout"], heard, mask), "answers")
    assert all(torch.equal(seen.sent[name], net.run(x)[0][name]) for name in ("first", "second"))
    assert seen.activity.layers["second"].spikes.sum() == net.run(x)[0]["second"].sum() > 0


def test_auto_takes_the_fastest_engine_for_each_layer():
    mixed = on_dyadic_grid(Network(
        {"first": layer("lif", 4, 6, 0), "second": layer("elman", 6, 5, 1), "readout": readout(5, 3)},
        (Wire(INPUT, "first"), Wire("first", "second"), Wire("second", "readout")), "spikes", 4,
    ))  # fmt: skip
    assert choose_engine("auto", mixed).title == "fused + torch"
    assert choose_engine("auto", skipping()).title == "fused"
    torch.testing.assert_close(choose_engine("auto", mixed).run(mixed, spikes()).outputs, mixed(spikes()))
    assert engines["torch"]().run(mixed, spikes()).activity.hidden.keys() == {"first"}


def test_components_stand_in_the_order_in_which_they_can_run():
    wires = [
        Wire(INPUT, "a"),
        Wire("a", "c"),
        Wire("c", "b"),
        Wire("b", "c", 1),
        Wire("b", "out"),
        Wire("out", "out", 1),
    ]
    assert components_of(["a", "b", "c", "out"], wires) == (("a",), ("c", "b"), ("out",))


def test_wires_that_cannot_be_are_refused():
    hidden, out = layer("elman", 7, 5, 0), readout(5, 3)
    plain = (Wire(INPUT, "hidden"), Wire("readout", "hidden", 1), Wire("hidden", "readout"))
    for wires, said in (
        (
            (Wire(INPUT, "hidden"), Wire("readout", "hidden"), Wire("hidden", "readout")),
            "layers form a loop without a delay (hidden -> readout -> hidden); give one of its wires delay = 1",
        ),
        (
            (Wire("inputs", "hidden"), *plain[1:]),
            'wire inputs -> hidden: there is no layer "inputs" (did you mean "input"?); known: input, hidden, readout',
        ),
        ((Wire(INPUT, "hidden", 2), *plain[1:]), "wire input -> hidden: delay must be 0 or 1 (got 2)"),
        (
            (Wire(INPUT, "hidden", 0, "relu"), *plain[1:]),
            'wire input -> hidden: carries "relu" is not known; known: as sent, softmax, sigmoid, winner',
        ),
        (plain[::2], 'layer "hidden" has 7 input lines, but its wires carry 4'),
        ((*plain, plain[0]), "two wires of the network are identical; remove one"),
    ):
        with pytest.raises(InputError) as caught:
            Network({"hidden": hidden, "readout": out}, wires, "values", 4)
        assert str(caught.value) == said
