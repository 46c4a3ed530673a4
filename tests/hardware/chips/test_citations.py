"""Citations: every key that code or cards use resolves; identifiers only where they were read."""

import re

import pytest

from neurorec.basics.citations import bibtex, citations, cite
from neurorec.basics.errors import InputError
from neurorec.learning.rule import rules
from neurorec.models.cell import cells

PROMISED = [
    *("norse", "bellec2018", "elman1990", "hochreiter1997", "gers2000", "jaeger2001", "maass2002", "werbos1990"),
    *("neftci2019", "kingma2015", "hoerl1970", "sklearn_digits", "diehl2015", "zenke2018", "brian2", "nir2024"),
    "rumelhart1985",
]
UNREAD = re.compile(  # the sheet's daggered DOIs: written from memory there, so they must not ship
    r"10\.1109/(MM\.2018\.112130359|TCAD\.2015\.2474396|JSSC\.2013\.2259038|ISSCC\.2014\.6757323|ISCA52012)|10\.1126/science"
)


@pytest.mark.parametrize("key", PROMISED)
def test_promised_keys_resolve(key):
    assert cite(key)


@pytest.mark.parametrize("member", [*(cells[name] for name in cells), *(rules[name] for name in rules)])
def test_sources_of_cells_and_rules_resolve(member):
    assert all(cite(key) for key in member.sources)


def test_no_identifier_from_memory():
    assert not [key for key, entry in citations().items() if entry.doi and UNREAD.search(entry.doi)]


def test_cite_in_one_line():
    assert cite("diehl2015") == (
        "P. U. Diehl and M. Cook (2015). Unsupervised learning of digit recognition "
        "using spike-timing-dependent plasticity. "
        "Frontiers in Computational Neuroscience 9:99. doi:10.3389/fncom.2015.00099"
    )


def test_unknown_key_names_the_closest():
    with pytest.raises(InputError, match=r'citation "davis2018" is not known \(did you mean "davies2018"\?\)'):
        cite("davis2018")


def test_bibtex_has_each_entry_once_and_balanced():
    text = bibtex(["norse", "brian2", "norse"])
    assert text.count("@misc{norse,") == 1
    assert text.index("@article{brian2,") < text.index("@misc{norse,")
    assert text.count("{") == text.count("}")


def test_bibtex_of_a_journal_names_volume_number_and_pages():
    assert bibtex(["davies2018"]).splitlines() == [
        "@article{davies2018,",
        "  author = {M. Davies and others},",
        "  title = {{Loihi: a neuromorphic manycore processor with on-chip learning}},",
        "  journal = {IEEE Micro},",
        "  volume = {38},",
        "  number = {1},",
        "  pages = {82-99},",
        "  year = {2018},",
        "}",
    ]


def test_bibtex_of_a_meeting_lists_its_authors_by_and():
    text = bibtex(["bellec2018"])
    assert text.startswith("@inproceedings{bellec2018,\n  author = {G. Bellec and D. Salaj and A. Subramoney and")
    assert "  booktitle = {NeurIPS 31}," in text
    assert "  eprint = {1803.09574},\n  archiveprefix = {arXiv}," in text
