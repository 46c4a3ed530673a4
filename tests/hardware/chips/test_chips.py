"""Contracts of every chip card."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neurorec.basics.capabilities import CAPABILITIES
from neurorec.basics.cards import Card, card_folder
from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.hardware.chips.card_tables import hardware_readme, run_by, trained_by, unpriced_terms
from neurorec.hardware.chips.chip import chip_names, load_chip, needs_of_cell, needs_of_model
from neurorec.hardware.chips.evidence import Known, Quantity
from neurorec.hardware.pricing.power import idle_power_mW
from neurorec.learning.rule import rules
from neurorec.models.cell import cells
from tests.nets import energy_model, network

CHIPS = (
    *("a100", "cmos_45nm", "cmos_7nm", "cortex_m33", "cortex_m4", "cortex_m7", "darwin3", "gap9", "h100", "ice40_up5k"),
    *("loihi1", "loihi1_sanafe", "loihi2", "ndp120", "odin", "quadro_k4000", "speck", "spinnaker1", "spinnaker2"),
    *("truenorth", "xeon_e5_2630", "xylo"),
)
REFERENCES = ("h100", "loihi2", "speck", "xylo")  #: refuse to be estimated


def facts(value: object) -> Iterator[Known]:
    """Every number with evidence inside a card."""
    if isinstance(value, Known):
        yield value
    if isinstance(value, Card):
        value = [getattr(value, name) for name in type(value).model_fields]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from facts(item)


def test_the_catalogue_has_the_chips_we_promise():
    assert set(CHIPS) <= set(chip_names())


@pytest.mark.parametrize("name", chip_names())
def test_every_number_says_where_it_comes_from(name):
    found = list(facts(load_chip(name)))
    assert found
    for fact in found:
        assert cite(fact.source)
        if isinstance(fact, Quantity):
            band = getattr(fact, f"band_{fact.unit}")
            assert (band is None) == (fact.band == "none found")
            assert fact.as_band().low <= fact.as_band().value <= fact.as_band().high


@pytest.mark.parametrize("name", chip_names())
def test_scopes_never_mix(name):
    chip = load_chip(name)
    priced = [*chip.energy.stated().values(), *chip.memory]
    assert priced or chip.law or chip.published or chip.bound
    assert {price.scope for price in priced} <= {chip.scope}
    if chip.static is not None:
        assert chip.static.power.scope == ("all-in" if chip.scope == "all-in" else "static")


@pytest.mark.parametrize("name", chip_names())
def test_a_chip_runs_or_says_why_not(name):
    chip = load_chip(name)
    assert all(chip.refusal(needs_of_cell(cells[cell])) for cell in cells if cell not in run_by(chip))
    assert all(chip.refusal(rules[rule].needs) for rule in rules if rule not in trained_by(chip))
    assert all(chip.refusal([one]) for one in CAPABILITIES if one not in chip.offers)
    assert chip.refusal(chip.offers) is None
    assert chip.note
    assert chip.must_price or not chip.offers  # a reference point has no total, so it offers nothing


@pytest.mark.parametrize("name", chip_names())
def test_what_is_stated_is_charged(name):
    chip = load_chip(name)
    assert set(unpriced_terms(chip)) <= {*chip.must_price, *chip.must_price_training}


@pytest.mark.parametrize("name", chip_names())
def test_no_number_is_remembered(name):
    text = (card_folder("hardware") / f"{name}.toml").read_text(encoding="utf-8")
    assert 'known = "remembered"' not in text
    assert "†" not in text


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_point_has_figures_and_prices_nothing(name):
    chip = load_chip(name)
    assert chip.published or chip.bound
    assert not [*chip.must_price, *chip.stated_terms(), *chip.offers]
    assert chip.refusal(["spikes"]) == chip.refusal(["values"]) == chip.why_not["running"]


def test_published_figures_read_as_a_sentence():
    assert str(load_chip("xylo").published[0]) == (
        '"Aloha" keyword spotting at 95 % accuracy, dynamic, per inference: 6.6 µJ, 0.291 mW'
    )


def test_loihi_by_sana_fe_adds_up_its_units():
    energy = load_chip("loihi1_sanafe").energy
    assert energy.neuron_update_inactive.pJ == pytest.approx(51.2 + 21.6)
    assert energy.neuron_update_active.pJ == pytest.approx(51.2 + 21.6 + 69.3)
    assert energy.packet.pJ == 111.0


def test_the_readme_is_current_and_short():
    text = (card_folder("hardware") / "README.md").read_text(encoding="utf-8")
    assert text == hardware_readme(), "run python -m neurorec.hardware.chips.card_tables"
    assert len([line for line in text.splitlines() if not line.startswith("|")]) <= 20


def power_mW(chip, events_per_s, clock_MHz=None):
    """Total power by a law of static power, clock power and a price per synaptic event."""
    return (idle_power_mW(chip.static, clock_MHz) + chip.energy.synaptic_event.as_band() * (events_per_s * 1e-9)).value


def test_truenorth_law_passes_through_the_points_it_was_drawn_through():
    chip, events = load_chip("truenorth"), 1_048_576 * 128
    assert power_mW(chip, 11.58 * events) == pytest.approx(68.0, rel=1e-3)
    assert power_mW(chip, 95.93 * events) == pytest.approx(94.0, rel=1e-3)


def test_odin_law_gives_its_published_operating_point():
    chip = load_chip("odin")
    assert power_mW(chip, 37.5e6, clock_MHz=75.0) == pytest.approx(0.477, rel=1e-3)


def test_the_reason_is_the_most_special_capability_that_is_missing():
    darwin, spinnaker, cortex = (load_chip(name) for name in ("darwin3", "spinnaker1", "cortex_m4"))
    assert darwin.refusal(["values", "gates"]) == darwin.why_not["gates"] == darwin.refusal(["gates"])
    assert darwin.refusal(["spikes", "membranes", "adaptive thresholds"]) == darwin.why_not["adaptive thresholds"]
    assert spinnaker.refusal(["values"]) == spinnaker.why_not["running"]
    assert spinnaker.refusal(["backward pass"]) == spinnaker.why_not["learning"]
    assert cortex.refusal(["spikes", "membranes"]) == cortex.why_not["running"]


def test_a_chip_that_gives_no_reason_names_the_capability():
    told = "the rule does not declare what it needs"
    assert load_chip("cmos_45nm").refusal(["undeclared"]) == told


def test_a_network_needs_what_its_layers_need_and_what_they_send():
    assert needs_of_model(network("lstm")) == {"gates", "values"}
    assert needs_of_model(energy_model("hopfield")) == {"values"}
    assert needs_of_model(network("adaptive_lif")) == {"adaptive thresholds", "membranes", "spikes"}


def test_a_neuron_takes_as_many_units_as_its_hungriest_need():
    loihi = load_chip("loihi1")
    assert loihi.units_of(["spikes", "membranes"]) == 1
    assert loihi.units_of(["spikes", "membranes", "adaptive thresholds"]) == 2
    two = loihi.units_per_neuron["adaptive thresholds"]
    hungrier = loihi.model_copy(
        update={"units_per_neuron": {"membranes": two.model_copy(update={"count": 3}), "adaptive thresholds": two}}
    )
    assert hungrier.units_of(["membranes", "adaptive thresholds"]) == 3


def test_a_capability_that_does_not_exist_is_named(tmp_path):
    card = (Path(__file__).parents[3] / "hardware" / "loihi1.toml").read_text()
    path = tmp_path / "mine.toml"
    for old, new, told in (
        (
            'offers = ["spikes"',
            'offers = ["spike"',
            r'offers: capability "spike" is not known \(did you mean "spikes"\?\); known: ',
        ),
        ("winner-take-all =", "winner-take-most =", r'why_not: capability "winner-take-most" is not known'),
        (
            'neuron."adaptive thresholds"',
            "neuron.adaptive_lif",
            'units_per_neuron: capability "adaptive_lif" is not known',
        ),
        ("values = ", "spikes = ", 'why_not: "spikes" is also in offers; remove it from one of them'),
    ):
        assert old in card
        path.write_text(card.replace(old, new))
        with pytest.raises(InputError, match=rf"mine\.toml: {told}"):
            load_chip(path)
