"""Contracts of every chip card, and the texts of what a faulty card is told."""

import re
from collections.abc import Iterator

import pytest

from neurorec.basics.cards import Card, card_folder
from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.hardware.chip import Chip, chip_names, load_chip
from neurorec.hardware.evidence import Energy, Known, Power, Quantity
from neurorec.hardware.listing import hardware_readme, unpriced_terms
from neurorec.hardware.price import power_mW
from neurorec.hardware.terms import Published
from neurorec.learning.rule import rules
from neurorec.models.cell import cells

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
    assert set(chip.runs) <= set(cells)
    assert all(chip.why_not_cell(cell) for cell in cells if cell not in chip.runs)
    assert all(chip.why_not_rule(rule) for rule in rules if rule not in chip.trains)
    assert chip.note
    assert chip.must_price or not chip.runs  # a reference point has no total, so it runs nothing


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
    assert not [*chip.must_price, *chip.stated_terms(), *chip.runs, *chip.trains]
    assert chip.why_not_cell("lif") == chip.why_not_cell("elman") == chip.why_not["other"]


def test_published_figures_read_as_a_sentence():
    assert str(load_chip("xylo").published[0]) == (
        '"Aloha" keyword spotting at 95 % accuracy, dynamic, an inference: 6.6 µJ, 0.291 mW'
    )


def test_loihi_by_sana_fe_adds_up_its_units():
    energy = load_chip("loihi1_sanafe").energy
    assert energy.neuron_update_inactive.pJ == pytest.approx(51.2 + 21.6)
    assert energy.neuron_update_active.pJ == pytest.approx(51.2 + 21.6 + 69.3)
    assert energy.packet.pJ == 111.0


def test_the_readme_is_current_and_short():
    text = (card_folder("hardware") / "README.md").read_text(encoding="utf-8")
    assert text == hardware_readme(), "run python -m neurorec.hardware.listing"
    assert len([line for line in text.splitlines() if not line.startswith("|")]) <= 20


def test_truenorth_law_passes_through_the_points_it_was_drawn_through():
    chip, events = load_chip("truenorth"), 1_048_576 * 128
    assert power_mW(chip, 11.58 * events).value == pytest.approx(68.0, rel=1e-3)
    assert power_mW(chip, 95.93 * events).value == pytest.approx(94.0, rel=1e-3)


def test_odin_law_gives_its_published_operating_point():
    chip = load_chip("odin")
    assert power_mW(chip, 37.5e6, clock_MHz=75.0).value == pytest.approx(0.477, rel=1e-3)


GOOD = """
about = "a made-up chip"
note = "none"
scope = "per-term"
signals = ["spikes"]
counts_spikes = true
runs = ["lif"]
trains = []
must_price = ["synaptic_event"]
why_not = { other = "it is made up" }
why_not_training = { other = "it is made up" }
[energy.synaptic_event]
pJ = 2.0
band_pJ = [1.0, 3.0]
scope = "per-term"
obtained = "measured"
known = "read"
source = "davies2018"
"""


def load(tmp_path, old: str = "", new: str = "") -> Chip:
    assert old in GOOD
    path = tmp_path / "made_up.toml"
    path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
    return load_chip(path)


def test_a_good_card_loads(tmp_path):
    assert load(tmp_path).energy.synaptic_event is not None


FAULTS = [
    (
        'must_price = ["synaptic_event"]',
        "must_price = []",
        "synaptic_event has a price but is not in must_price",
    ),
    ("pJ = 2.0", "pj = 2.0", 'made_up.toml: energy.synaptic_event: key "pj" is not known (did you mean "pJ"?)'),
    ("pJ = 2.0", "pJ = -2.0", "made_up.toml: energy.synaptic_event.pJ: must be greater than 0 (got -2.0)"),
    ("pJ = 2.0\n", "", "made_up.toml: energy.synaptic_event.pJ: this key is missing; add it"),
    (
        "pJ = 2.0",
        "pJ = 7.0",
        "made_up.toml: energy.synaptic_event: band_pJ = [1.0, 3.0] does not contain pJ = 7",
    ),
    (
        "band_pJ = [1.0, 3.0]\n",
        "",
        'made_up.toml: energy.synaptic_event: give either band_pJ = [low, high] or band = "none found"',
    ),
    ("band_pJ = [1.0, 3.0]", "band_pJ = [1.0]", "band_pJ: List should have at least 2 items"),
    (
        '"davies2018"',
        '"davies18"',
        'source "davies18" is not a key of neurorec/basics/citations.toml; add it there first',
    ),
    ('known = "read"', 'known = "remembered"', "must be 'read', 'second-hand' or 'computed' (got 'remembered')"),
    ('known = "read"', 'known = "second-hand"', 'known = "second-hand" needs via = "the text that quotes the source"'),
    ('known = "read"', 'known = "computed"', 'known = "computed" needs note = "the arithmetic"'),
    (
        "[energy.synaptic_event]",
        "[energy.synaptic_evnt]",
        '"synaptic_evnt" is not known (did you mean "synaptic_event"?)',
    ),
    (
        'band_pJ = [1.0, 3.0]\nscope = "per-term"',
        'band_pJ = [1.0, 3.0]\nscope = "all-in"',
        "all-in and per-term never mix",
    ),
    (
        'must_price = ["synaptic_event"]',
        'must_price = ["static"]',
        "synaptic_event has a price but is not in must_price",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_faulty_card_is_told_what_to_do(tmp_path, old, new, told):
    with pytest.raises(InputError, match=re.escape(told)):
        load(tmp_path, old, new)


def test_unknown_chip_names_the_closest():
    with pytest.raises(InputError, match=r'there is no card "lohi1" in hardware/ \(did you mean "loihi1"\?\)'):
        load_chip("lohi1")


def test_static_power_of_an_all_in_card_is_all_in():
    wrong = Power(mW=1.0, band="none found", scope="static", obtained="measured", known="read", source="davies2018")
    with pytest.raises(ValueError, match='must have scope = "all-in"'):
        Chip.model_validate(
            load_chip("truenorth").model_dump() | {"static": {"time": "real time", "power": wrong.model_dump()}}
        )


def test_a_number_without_a_band_is_its_own_band():
    price = Energy(pJ=2.0, band="none found", scope="per-term", obtained="measured", known="read", source="davies2018")
    assert (price.as_band().low, price.as_band().high) == (2.0, 2.0)


def test_a_card_that_states_nothing_is_told_so():
    empty = load_chip("xylo").model_dump() | {"published": []}
    with pytest.raises(ValueError, match="name the terms of a total, or give published or bound figures"):
        Chip.model_validate(empty)


def test_a_published_figure_needs_a_number():
    with pytest.raises(ValueError, match="give at least one of energy_uJ, power_mW, latency_us"):
        Published(what="nothing", known="read", source="yao2024")
