"""Contracts of every link card, and what a faulty one is told."""

import re

import pytest

from neurorec.basics.cards import card_folder
from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.hardware.chips.card_tables import links_readme
from neurorec.hardware.chips.evidence import Quantity
from neurorec.hardware.chips.link import LINKS, Link, link_names, load_link

PROMISED = (
    *("on_chip_wire", "hop_loihi1", "hop_truenorth", "aer_truenorth", "pcie", "nvlink_c2c", "nvlink3", "nvlink4"),
    *("nvlink5", "infiniband_ndr", "infiniband_hdr", "ethernet_tcp", "optics_400g"),
)
GOOD = """
about = "a made-up link"
note = "none"
joins = "devices of one host"
priced_per = "transfer"
[energy]
pJ_per_bit = 2.0
band_pJ_per_bit = [1.0, 3.0]
scope = "per-term"
obtained = "measured"
known = "read"
source = "mlsysim"
[workers]
count = 4
known = "read"
source = "mlsysim"
"""


def load(tmp_path, old: str = "", new: str = "") -> Link:
    assert old in GOOD
    path = tmp_path / "made_up.toml"
    path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
    return load_link(path)


def test_the_catalogue_has_the_links_we_promise():
    assert set(PROMISED) == set(link_names())


@pytest.mark.parametrize("name", link_names())
def test_every_number_says_where_it_comes_from(name):
    link = load_link(name)
    facts = link.facts()
    assert link.energy is not None  # every link of the catalogue has a price
    for fact in facts.values():
        assert cite(fact.source)
        if isinstance(fact, Quantity):
            assert (getattr(fact, f"band_{fact.unit}") is None) == (fact.band == "none found")
    assert link.sources() == sorted({fact.source for fact in facts.values()})


@pytest.mark.parametrize("name", link_names())
def test_a_link_joins_as_many_as_its_card_says_and_no_more(name):
    link = load_link(name)
    if link.workers is None:
        assert link.joins == "hosts"
        assert link.why_not(1024) is None
    else:
        assert link.why_not(link.workers.count) is None
        assert link.why_not(link.workers.count + 1) == f"it joins {link.joins}, at most {link.workers.count}"


@pytest.mark.parametrize("name", link_names())
def test_no_number_is_remembered(name):
    text = (card_folder(LINKS) / f"{name}.toml").read_text(encoding="utf-8")
    assert 'known = "remembered"' not in text
    assert "†" not in text


def test_what_ends_at_the_edge_of_a_chip_is_priced_by_its_way():
    """A wire is priced by the mm and a hop by the hop, so nobody takes their price for that of a transfer."""
    for link in map(load_link, link_names()):
        assert (link.priced_per != "transfer") == (link.joins in ("parts of one chip", "neighbouring chips"))


def test_sources_that_disagree_stand_in_the_band():
    for name in ("nvlink3", "nvlink4", "nvlink5"):
        assert (load_link(name).energy.as_band().low, load_link(name).energy.as_band().high) == (1.3, 10.0)


def test_a_hop_and_a_bit_agree_about_a_packet():
    """32 bits at the price of a bit are the published price of a spike's hop, and of its way to the next chip."""
    assert 32 * load_link("hop_truenorth").energy.pJ_per_bit == pytest.approx(2.3, rel=2e-3)
    assert 32 * load_link("aer_truenorth").energy.pJ_per_bit == 832.0
    assert 32 * load_link("hop_loihi1").energy.pJ_per_bit == 3.0


FAULTS = [
    ("pJ_per_bit = 2.0", "pJ = 2.0", 'made_up.toml: energy: key "pJ" is not known'),
    ("pJ_per_bit = 2.0", "pJ_per_bit = 0.0", "made_up.toml: energy.pJ_per_bit: must be greater than 0 (got 0.0)"),
    ("pJ_per_bit = 2.0", "pJ_per_bit = 9.0", "band_pJ_per_bit = [1.0, 3.0] does not contain pJ_per_bit = 9"),
    ("band_pJ_per_bit = [1.0, 3.0]\n", "", 'give either band_pJ_per_bit = [low, high] or band = "none found"'),
    ('scope = "per-term"', 'scope = "all-in"', "made_up.toml: energy.scope: must be 'per-term' (got 'all-in')"),
    ('joins = "devices of one host"', 'joins = "everything"', "made_up.toml: joins: must be 'parts of one chip', "),
]


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_faulty_card_is_told_what_to_do(tmp_path, old, new, told):
    with pytest.raises(InputError, match=re.escape(told)):
        load(tmp_path, old, new)


def test_a_good_card_loads_and_a_short_reach_must_be_stated(tmp_path):
    assert load(tmp_path).latency is None
    with pytest.raises(InputError, match=r"a link that joins devices of one host needs \[workers\], the number"):
        load(tmp_path, GOOD[GOOD.index("[workers]") :], "")
    with pytest.raises(InputError, match=r"give at least one of \[energy\], \[latency\], \[bandwidth\]"):
        load(tmp_path, GOOD[GOOD.index("[energy]") :], "")


def test_unknown_link_names_the_closest():
    with pytest.raises(InputError, match=r'there is no card "pci" in hardware/links/ \(did you mean "pcie"\?\)'):
        load_link("pci")


def test_the_readme_is_current():
    text = (card_folder(LINKS) / "README.md").read_text(encoding="utf-8")
    assert text == links_readme(), "run python -m neurorec.hardware.chips.card_tables"


def test_a_bandwidth_may_not_be_zero_at_the_low_end(tmp_path):
    text = """[bandwidth]
Gbit_per_s = 10.0
band_Gbit_per_s = [0.0, 20.0]
obtained = "measured"
known = "read"
source = "mlsysim"
[workers]"""
    told = r"^made_up\.toml: bandwidth\.band_Gbit_per_s\.0: must be greater than 0 \(got 0\.0\)$"
    with pytest.raises(InputError, match=told):
        load(tmp_path, "[workers]", text)
