"""Deep networks from cards: copies of a layer, residual layers, and deep recurrent networks whose halves have one topology."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from neurorec.analysis.analysis import analyse_network, analyses
from neurorec.analysis.gradient_profile import layer_errors
from neurorec.basics.cards import card_names
from neurorec.basics.errors import InputError
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import encoders
from neurorec.tasks.task import load_task
from neurorec.training.pairs import load_pair, pair_from_text
from tests.hardware.nets import counts_of, make_net, run
from tests.models.test_network import layer
from tests.nets import network

DEEP = [name for name in card_names("models") if name.startswith("deep_") or name == "stacked_with_skips"]


def build(pair, half, inputs=8, outputs=10):
    return load_pair(pair).half(half).build(inputs, outputs, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pair", DEEP)
def test_both_halves_have_one_topology_and_spiking_layers_send_only_spikes(pair):
    rate, spiking = build(pair, "rate"), build(pair, "spiking")
    assert rate.wires == spiking.wires
    assert {name: made.size for name, made in rate.hidden.items()} == {
        name: made.size for name, made in spiking.hidden.items()
    }
    for wire in spiking.wires:
        assert wire.source == INPUT or spiking.signal_of(wire.source) == "spikes"
        assert wire.carries == "as sent"
    assert not spiking.heard_by(spiking.output)
    for name, made in rate.hidden.items():
        assert bool(made.recurrent_weights()) == bool(spiking[name].recurrent_weights())


def test_depth_lies_where_the_names_say():
    deep_input, transition, output = (build(f"deep_{place}", "rate") for place in (
        "input_to_hidden", "transition", "hidden_to_output"))  # fmt: skip
    assert [bool(made.recurrent_weights()) for made in deep_input.hidden.values()] == [False, True]
    assert [bool(made.recurrent_weights()) for made in output.hidden.values()] == [True, False]
    assert transition.components[0] == ("inner", "state")
    assert Wire("state", "state", 1) in transition.wires  # the skip connection of the lecture


def test_a_deep_transition_is_its_equation():
    net = build("deep_transition", "rate").double()
    x = torch.rand(5, 2, 8, generator=torch.Generator().manual_seed(1)).double()
    inner, state = net["inner"], net["state"]
    h, found = torch.zeros(2, 64).double(), []
    for x_t in x:
        middle = torch.tanh(torch.cat([x_t, h], 1) @ inner.w_in.T + inner.bias)
        h = torch.tanh(torch.cat([middle, h], 1) @ state.w_in.T + state.bias)
        found.append(h)
    torch.testing.assert_close(net.run(x)[0]["state"], torch.stack(found))


@pytest.mark.parametrize(("inputs", "size"), [(5, 5), (3, 5), (5, 3)])
def test_a_residual_layer_adds_to_what_it_hears(inputs, size):
    made = layer("residual", inputs, size, 0)
    x = torch.rand(4, 2, inputs) - 0.5
    shared = min(inputs, size)
    added = torch.relu(x @ made.w_in.T + made.bias)
    expected = added.clone()
    expected[..., :shared] += x[..., :shared]
    torch.testing.assert_close(made(x)[0], expected)
    net = network("residual", I=inputs, H=size)
    dense = network("dense", I=inputs, H=size, activation="relu")
    more = net["hidden"].operations().elementwise - dense["hidden"].operations().elementwise
    assert more == shared


def test_copies_of_a_layer_stand_in_a_row():
    net = build("residual_50_layers", "rate", inputs=64)
    names = list(net.hidden)
    assert names == ["first", *(f"body_{k}" for k in range(1, 49))]
    assert net.wires == tuple(Wire(a, b) for a, b in zip([INPUT, *names], [*names, "readout"], strict=True))
    assert net.parameter_count == build("plain_50_layers", "rate", inputs=64).parameter_count == 49 * 65 * 64 + 650
    assert net.title == load_pair("residual_50_layers").rate.architecture.title == "feed-forward + 48 x residual"
    assert not torch.equal(net["body_1"].w_in, net["body_2"].w_in)


def test_copies_keep_what_the_first_hears_and_are_named_in_messages():
    text = (
        Path(load_pair("plain_50_layers").path)
        .read_text()
        .replace("copies = 48", "copies = 2\nhears = ['input', 'first']")
    )
    net = pair_from_text(text, Path("made_up.toml")).half("rate").build(64, 10, torch.Generator())
    assert [wire.source for wire in net.wires_into("body_1")] == [INPUT, "first"]
    assert [wire.source for wire in net.wires_into("body_2")] == ["body_1"]


def test_more_copies_than_can_be_built_in_seconds_are_refused(tmp_path):
    text = Path(load_pair("plain_50_layers").path).read_text()
    (tmp_path / "deep.toml").write_text(text.replace("copies = 48", "copies = 48000"))
    with pytest.raises(InputError, match=r"body\.copies: must be less than or equal to 2000 \(got 48000\)"):
        load_pair(tmp_path / "deep.toml")


def test_the_gradient_profile_is_the_product_of_the_layers():
    """A linear chain w x: dL/dh_l is the product of the weights above l."""
    layers = {f"h{k}": layer("dense", 1, 1, 0) for k in range(4)}
    layers["readout"] = LinearReadout(ReadoutCard(name="linear"), 1, 1)
    names = [INPUT, *layers]
    net = Network(layers, tuple(Wire(a, b) for a, b in pairwise(names)), "values", 1)
    with torch.no_grad():
        for k in range(4):
            layers[f"h{k}"].activation = torch.nn.Identity()
            layers[f"h{k}"].w_in.fill_(0.5)
        layers["readout"].weight.fill_(3.0)

    class Sum:
        def answers(self, outputs, batch):
            return outputs

        def loss(self, y, batch):
            return y.sum()

    batch = Batch(torch.ones(1, 1, 1), None, torch.ones(1, dtype=torch.bool))
    found = layer_errors(net, batch, Sum())
    torch.testing.assert_close(found, 3.0 * torch.tensor([0.125, 0.25, 0.5, 1.0]).double())


@pytest.mark.parametrize(
    ("pair", "gain", "low", "high"),
    [
        ("residual_50_layers", 0.2, 0.5, 20.0),
        ("plain_50_layers", 1.414, 0.1, 10.0),
        ("plain_50_layers", 1.0, 1e-9, 1e-6),
    ],
)
def test_errors_pass_fifty_layers_if_they_are_residual_or_their_weights_make_up_for_the_rectifiers(
    pair, gain, low, high
):
    """A rectifier passes half of the errors, so weights of gain 1 leave (1/2)^(48/2) of the norm; sqrt(2) makes up for it."""
    loaded = load_pair(pair)
    head, body = Path(loaded.path).read_text().split("[rate.layers.body]")
    body = re.sub("input_gain = .*", f"input_gain = {gain}", body, count=1)
    half = pair_from_text(head + "[rate.layers.body]" + body, Path("made_up.toml")).half("rate")
    net, task = half.build(64, 10, torch.Generator().manual_seed(0)), load_task("frame_digits", 0)
    encoded = EncodedTask(task, encoders["none"](encoders["none"].Card(name="none")), 0)
    found = analyse_network("gradient_profile", net, encoded, {"samples": 64})
    assert low < found.values["first over last layer, untrained"] < high
    assert found.values["hidden layers"] == 49


def test_a_network_in_a_loop_has_no_order():
    reason = analyses["gradient_profile"]().why_not(build("deep_transition", "rate"), load_task("row_digits", 0))
    assert reason == "some of its layers feed back into each other, so they have no order"


def test_operations_of_a_deep_network_add_up():
    alone = make_net("residual", signal="values", inputs=7)
    seen = counts_of(alone, run(alone)[0]).layers["hidden"]
    assert seen.elementwise == 6 * 4 * (7 + 7 + 7)  # bias, rectifier, addition
