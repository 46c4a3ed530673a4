"""What a faulty chip card is told, word for word."""

import re

import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.chips.evidence import Energy, Power
from neurorec.hardware.chips.terms import Published

GOOD = """
about = "a made-up chip"
note = "none"
scope = "per-term"
signals = ["spikes"]
counts_spikes = true
offers = ["spikes", "membranes"]
must_price = ["synaptic_event"]
why_not = { running = "it is made up", learning = "it is made up" }
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
    ("pJ = 2.0", "nJ = 0.002", 'energy.synaptic_event: key "nJ" is not known (write "pJ": convert the number)'),
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
        "all-in and per-term prices cannot be mixed",
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
    with pytest.raises(ValueError, match="list the terms of a total, or give published or bound figures"):
        Chip.model_validate(empty)


def test_a_published_figure_needs_a_number():
    with pytest.raises(ValueError, match="give at least one of energy_uJ, power_mW, latency_us"):
        Published(what="nothing", known="read", source="yao2024")
