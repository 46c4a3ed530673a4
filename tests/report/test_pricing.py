"""`neurorec cost --network`: what is printed, and what a wrong request is told."""

import re
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.report.pricing import Placing, print_asked

NETWORKS = Path(__file__).parents[2] / "docs" / "networks"


def test_a_described_network_is_priced_in_two_tables(capsys):
    print_asked(None, NETWORKS / "keyword_spotter_rate.toml", ["xeon_e5_2630", "a100", "xylo"], 16, False)
    said = " ".join(capsys.readouterr().out.split())
    assert "one inference: 172,800 multiply-accumulates, 0 synaptic events" in said
    assert "all-in prices" in said
    assert "one inference out of a batch of 16; its time is the time of the batch / 16" in said
    assert "cannot run on a100: its card has no batch term" in said
    assert "xylo, published: " in said
    assert "mean power" in said


def test_hops_saved_by_annealing_are_said(capsys):
    print_asked(None, NETWORKS / "scaling_10_spiking.toml", ["loihi1"], None, False, Placing(anneal=True))
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"[345]\d\.\d% of hops, 0\.0% of packets saved over placing in order \(annealed\)", said)
    assert "what spikes travel, packets of one inference" in said


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((None, None, None, None, False), "name the folder of a finished run, or --network DESCRIPTION.toml"),
        ((Path("a"), Path("b"), None, None, False), "and not both"),
        ((None, NETWORKS / "odin_point.toml", None, 0, False), "--batch 0: a batch holds at least one inference"),
        ((None, NETWORKS / "odin_point.toml", None, None, True), "--training needs a finished run"),
        ((Path("a"), None, None, 0, False), "--batch 0: a batch holds at least one inference"),
        ((None, NETWORKS / "none.toml", None, None, False), "none.toml: there is no such description; copy one"),
        ((None, NETWORKS / "odin_point.toml", ["odn"], None, False), '(did you mean "odin"?)'),
    ],
)
def test_a_wrong_request_is_told_what_to_do(asked, told):
    with pytest.raises(InputError, match=re.escape(told)):
        print_asked(*asked)


def test_in_a_file_no_number_is_cut_off(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_asked(None, NETWORKS / "scaling_10_spiking.toml", ["loihi1", "loihi1_sanafe"], None, False)
    assert "…" not in capsys.readouterr().out
