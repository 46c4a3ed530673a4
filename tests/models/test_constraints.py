"""Weights that are fixed, tied or of one sign stay so under every rule that trains them, and are counted once."""

from pathlib import Path

import pytest
import torch

import neurorec as nr
from neurorec.basics.errors import CannotRun, InputError
from neurorec.learning.gradient_counts import backward_counts, update_counts
from neurorec.learning.rule import Info, Rule, rules
from neurorec.models.constraint import Dale, Fixed, SameWeights, Signed, Tied
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire
from neurorec.training.pairs import pair_from_text
from tests.hardware.nets import counts_of, run
from tests.models.test_network import layer, readout

IN, UP, BACK, OUT = Wire(INPUT, "low"), Wire("low", "high"), Wire("high", "low", 1), Wire("high", "readout")
OWN = {name: Wire(name, name, 1) for name in ("low", "high")}


def net(*constraints, cells=("elman", "elman"), sizes=(6, 4), wires=(IN, BACK, UP, OUT), signal="values"):
    heard = {"low": 8 + (sizes[1] if BACK in wires else 0), "high": sizes[0]}
    layers = {name: layer(cell, heard[name], size, 0) for name, cell, size in zip(heard, cells, sizes, strict=True)}
    made = Network({**layers, "readout": readout(sizes[1], 10)}, wires, signal, 8, "", constraints)
    made.reset_parameters(torch.Generator().manual_seed(1))
    return made


class Noise(Rule):
    """Knows nothing of constraints."""

    title, sources, equations, signal = "noise", (), "w += noise", "errors"

    @classmethod
    def why_not(cls, model):
        return None

    def init(self, model, engine, objective, generator):
        return generator

    @torch.no_grad()
    def step(self, model, state, batch):
        for weight in model.parameters():
            weight += 0.5 * torch.randn(weight.shape, generator=state)
        return state, Info(loss=None, updates=1)


DESCENT = {
    "learning_rate": 0.05, "learning_rate_decay": 1.0, "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0
}  # fmt: skip
TRAINED = {
    "bptt": ("bptt", ("elman", "elman"), (IN, BACK, UP, OUT), DESCENT),
    "bptt on spikes": ("bptt", ("lif", "feedforward_lif"), (IN, BACK, UP, OUT), DESCENT),
    "eprop": ("eprop", ("lif",), (IN, Wire("low", "readout")), {**DESCENT, "feedback": "symmetric"}),
    "an own rule": (Noise, ("elman", "elman"), (IN, BACK, UP, OUT), {}),
}


def trained(model, rule, settings, epochs=1):
    task = nr.load_task("row_digits", 0)
    given = {"epochs": epochs, "batch_size": 32, **settings}
    encoder = {"name": "regular_rate", "dt_ms": 1.0, "steps_per_frame": 2} if model.spikes else None
    nr.train(model, task, rule, seed=0, settings=given, encoder=encoder, max_samples=128)


def small(cells, wires, *constraints):
    if len(cells) == 2:
        return net(*constraints, cells=cells, wires=wires, signal="spikes" if "lif" in cells[0] else "values")
    layers = {"low": layer(cells[0], 8, 6, 0), "readout": readout(6, 10)}
    made = Network(layers, wires, "spikes", 8, "", constraints)
    made.reset_parameters(torch.Generator().manual_seed(1))
    return made


@pytest.mark.parametrize("case", TRAINED)
def test_fixed_weights_stay_and_others_change(case):
    rule, cells, wires, settings = TRAINED[case]
    model = small(cells, wires, Fixed(IN), Fixed(OWN["low"]))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trained(model, rule, settings)
    assert torch.equal(model["low"].w_in[:, :8], before["layers.low.w_in"][:, :8])
    assert torch.equal(model["low"].w_rec, before["layers.low.w_rec"])
    assert not torch.equal(model["readout"].weight, before["layers.readout.weight"])
    assert len(cells) == 1 or not torch.equal(model["low"].w_in[:, 8:], before["layers.low.w_in"][:, 8:])


@pytest.mark.parametrize("case", TRAINED)
def test_units_keep_dales_law(case):
    rule, cells, wires, settings = TRAINED[case]
    model = small(cells, wires, Dale("low", 0.5), Signed(IN, "positive"))
    before = model["low"].w_rec.clone()
    trained(model, rule, settings)
    sent = [model["low"].w_rec, model["high"].w_in if len(cells) == 2 else model["readout"].weight]
    for weight in sent:
        assert (weight[:, :3] >= 0).all()
        assert (weight[:, 3:] <= 0).all()
        assert weight.abs().sum() > 0
    assert (model["low"].w_in[:, :8] >= 0).all()
    assert not torch.equal(model["low"].w_rec, before)


def test_without_constraints_training_breaks_them():
    model = net()
    trained(model, "bptt", DESCENT)
    assert (model["low"].w_rec < 0).any()
    assert (model["low"].w_rec[:, :3] > 0).any()


@pytest.mark.parametrize("case", ["bptt", "bptt on spikes"])
def test_tied_weights_stay_equal_and_learn_from_all_their_uses(case):
    rule, cells, _, settings = TRAINED[case]
    wires = (IN, UP, OUT)
    layers = {"low": layer(cells[0], 8, 6, 0), "high": layer(cells[1], 6, 6, 1), "readout": readout(6, 10)}
    recurrent = cells[1] == "elman"
    owner, copy = (OWN["low"], OWN["high"]) if recurrent else (OWN["low"], UP)
    model = Network(layers, wires, "spikes" if "lif" in cells[0] else "values", 8, "", [Tied(copy, owner)])
    model.reset_parameters(torch.Generator().manual_seed(1))
    before = model["low"].w_rec.clone()
    trained(model, rule, settings)
    assert torch.equal(model["low"].w_rec, model["high"].w_rec if recurrent else model["high"].w_in)
    assert not torch.equal(model["low"].w_rec, before)


def test_the_clipped_norm_contains_tied_weights_once():
    """Adam moves by the sign of the first gradient, so a step shows only who is moved; the norm is that of the sums."""
    model = net(Tied(OWN["high"], OWN["low"]), sizes=(5, 5))
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    model.constraints.gather_gradients()
    assert torch.equal(model["low"].w_rec.grad, torch.full((5, 5), 2.0))
    assert not model["high"].w_rec.grad.any()


# -- refusals


def test_rules_that_cannot_say_so():
    tied, fixed = net(Tied(OWN["high"], OWN["low"]), sizes=(5, 5)), net(Signed(OUT, "positive"), wires=(IN, UP, OUT))
    for model, rule, said in (
        (tied, Noise, "rule noise cannot train Elman + Elman: it has tied weights, but this rule changes every weight by "
         "itself; use bptt"),
        (fixed, rules["ridge"], "rule ridge readout cannot train Elman + Elman: the weights of its readout are constrained, "
         "but least squares ignores constraints; use bptt"),
    ):  # fmt: skip
        with pytest.raises(CannotRun) as caught:
            rule.check(model)
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([Fixed(Wire(INPUT, "high"))], "a constraint names the wire input -> high (delay 0), but the network has no such wire"),
        ([Dale("hidden", 0.5)], 'a constraint names the layer "hidden", but the network has low, high, readout'),
        ([SameWeights("high", "low")], 'layers "high" and "low" cannot be tied: their weights are [4, 6] and [6, 12]; give '
         "them equal sizes and inputs"),
        ([Tied(OWN["high"], OWN["low"]), Tied(OWN["high"], UP)],
         'weights of layer "high" are tied to two owners; tie them once'),
        ([Tied(OWN["high"], OWN["low"]), Tied(UP, OWN["high"])], 'weights of layer "high" own those of layer "high" but are '
         "themselves copies; tie all of them to the same owner"),
        ([SameWeights("readout", "low")], 'layers "readout" and "low" cannot be tied: one has 2 weight arrays, the other 3'),
    ],
)  # fmt: skip
def test_constraints_that_cannot_be(given, said):
    with pytest.raises(InputError) as caught:
        net(*given)
    assert str(caught.value) == said


# -- counting


def test_numbers_are_trained_and_stored_once():
    plain = net(sizes=(5, 5))
    tied = net(Tied(OWN["high"], OWN["low"]), sizes=(5, 5))
    assert plain.parameter_count - tied.parameter_count == 25
    fixed = net(Fixed(IN), sizes=(5, 5))
    assert plain.parameter_count - fixed.parameter_count == 8 * 5
    words = {name: counts_of(made, run(made)[0]).stored_words for name, made in (("plain", plain), ("tied", tied))}
    assert words["plain"] - words["tied"] == 25
    assert counts_of(fixed, run(fixed)[0]).stored_words == words["plain"]
    layers = {"low": layer("elman", 8, 5, 0), "high": layer("elman", 8, 5, 1), "readout": readout(10, 3)}
    wires = (IN, Wire(INPUT, "high"), Wire("low", "readout"), Wire("high", "readout"))
    same = Network(layers, wires, "values", 8, "", [SameWeights("high", "low")])
    once = 8 * 5 + 5 * 5 + 5
    assert same.parameter_count == once + 10 * 3 + 3
    assert counts_of(same, run(same)[0]).stored_words == once + 10 * 3 + 3 + 2 * 5  # and the state of each


def test_no_gradient_is_computed_for_fixed_weights_but_errors_pass_them():
    plain, fixed = net(), net(Fixed(UP), Fixed(OWN["low"]))
    one, two = (backward_counts(made, counts_of(made, run(made)[0]).forward()) for made in (plain, fixed))
    steps = 6 * 4
    assert one["high"].macs - two["high"].macs == steps * 6 * 4  # dL/dW of the wire up, nothing else
    assert one["low"].macs - two["low"].macs == steps * 6 * 6
    assert one["high"].weight_reads == two["high"].weight_reads
    assert one["high"].gradient_writes - two["high"].gradient_writes == steps * 6 * 4
    updates = [update_counts(made, 1, "adam", clipped=False)["high"] for made in (plain, fixed)]
    assert updates[0].weight_writes - updates[1].weight_writes == 6 * 4


def test_a_required_sign_is_one_comparison_per_update():
    plain, signed = net(), net(Signed(UP, "positive"), Signed(OWN["low"], "negative"))
    more = [update_counts(made, 3, "adam", clipped=True).total.elementwise for made in (plain, signed)]
    assert more[1] - more[0] == 3 * (6 * 4 + 6 * 6)


# -- cards

CARD = """
about = "constraints"
sources = ["elman1990"]
no_spiking_half = "made up"
[matched]
recurrent_units = "-"
parameters = "-"
input_information = "-"
configurations_tried = "-"
[rate.layers.low]
name = "elman"
size = 6
input_gain = 1.0
recurrent_gain = 1.0
fixed = ["input"]
dale_excitatory_share = 0.5
{low}
[rate.layers.high]
name = "elman"
size = 6
input_gain = 1.0
recurrent_gain = 1.0
{high}
[rate.readout]
name = "linear"
signs = {{ high = "positive" }}
[rate.encoder]
name = "none"
[[rate.training]]
rule = "bptt"
task = "row_digits"
epochs = 1
batch_size = 8
learning_rate = 0.05
learning_rate_decay = 1.0
clip_norm = 1.0
rate_target = 0.0
rate_weight = 0.0
"""


def from_card(low="", high='tied = { high = "low -> low" }'):
    return pair_from_text(CARD.format(low=low, high=high), Path("made_up.toml")).half("rate")


def test_a_card_states_constraints():
    half = from_card(low="learn_start = { share = 0.5, spread = 0.1 }")
    model = half.build(8, 10, torch.Generator().manual_seed(0))
    assert set(model.constraints.given) == {
        Fixed(IN), Dale("low", 0.5), Tied(OWN["high"], OWN["low"]), Signed(OUT, "positive"),
    }  # fmt: skip
    assert model["low"].learned_start["h"].shape == (1, 3)
    assert torch.equal(model["low"].w_rec, model["high"].w_rec)
    assert half.architecture.as_data() != from_card().architecture.as_data()
    assert "constraints" not in nr.load_pair("lif_vs_elman").rate.architecture.as_data()


@pytest.mark.parametrize(
    ("high", "said"),
    [
        ('tied = { high = "low" }', 'made_up.toml: rate: tied must name a wire as "source -> target" (got "low")'),
        ('tied = { high = "low -> up" }', 'made_up.toml: rate: a constraint names the layer "up", but the network has low, '
         "high, readout"),
        ('signs = { low = "plus" }', "made_up.toml: rate.layers.high.signs.low: must be 'positive' or 'negative' (got 'plus')"),
    ],
)  # fmt: skip
def test_a_card_with_a_constraint_that_cannot_be(high, said):
    with pytest.raises(InputError) as caught:
        from_card(high=high)
    assert str(caught.value) == said
