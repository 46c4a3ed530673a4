"""`neurorec cost` of a description: what is printed, and what a wrong request is told."""

import re
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.workloads import Heard, read_work
from neurorec.report.pricing import print_cost

NETWORKS = Path(__file__).parents[2] / "docs" / "networks"


def test_a_described_network_is_priced_in_two_tables(capsys):
    print_cost(read_work(NETWORKS / "keyword_spotter_rate.toml", batch=16), ["xeon_e5_2630", "a100", "xylo"])
    said = " ".join(capsys.readouterr().out.split())
    assert "one inference: 172,800 multiply-accumulates, 0 synaptic events" in said
    assert "all-in prices" in said
    assert "one inference of a batch of 16; its time is that of the batch / 16" in said
    assert "cannot run on a100: its card has no batch term" in said
    assert "xylo, published: " in said
    assert "mean power" in said


def test_hops_saved_by_annealing_are_said(capsys):
    print_cost(read_work(NETWORKS / "scaling_10_spiking.toml", annealed=True), ["loihi1"])
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"[345]\d\.\d% of hops, 0\.0% of packets saved compared with placement in order \(annealed\)", said
    )
    assert "traffic of spikes, packets per inference" in said


@pytest.mark.parametrize(
    ("what", "setting", "told"),
    [
        ("odin_point.toml", {"batch": 0}, "--batch 0: must be at least 1"),
        ("none.toml", {}, "none.toml: there is no such description; copy one"),
        ("no_run", {}, "this is not the folder of a finished run"),
        (
            "odin_point.toml",
            {"heard": Heard(recording=Path("x.npy"))},
            "--input applies to a NIR file, not to a description",
        ),
        ("odin_point.toml", {"heard": Heard(signal="values")}, "--signal applies to a NIR file, not to a description"),
        ("no_run", {"heard": Heard(options=("dt_s=1",))}, "--nir applies to a NIR file, not to a finished run"),
        (
            "no_run",
            {"heard": Heard(spikes=Path("x.npz"))},
            "--spikes applies to a description (.toml), not to a finished run",
        ),
        (
            "a.nir",
            {"heard": Heard(spikes=Path("x.npz"))},
            "--spikes applies to a description (.toml), not to a NIR file",
        ),
    ],
)
def test_what_cannot_be_read_is_told_what_to_do(what, setting, told):
    with pytest.raises(InputError, match=re.escape(told)):
        read_work(NETWORKS / what, **setting)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"training": True}, "--training needs a finished run"),
        ({"target": 0.9}, "--target needs a finished run"),
        ({"target": 1.5}, "--target 1.5: a validation score is between 0 and 1"),
        ({"chips": ["odn"]}, '(did you mean "odin"?)'),
    ],
)
def test_a_wrong_request_is_told_what_to_do(options, told):
    with pytest.raises(InputError, match=re.escape(told)):
        print_cost(read_work(NETWORKS / "odin_point.toml"), **{"chips": ["odin"], **options})


def test_in_a_file_no_number_is_cut_off(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_cost(read_work(NETWORKS / "scaling_10_spiking.toml"), ["loihi1", "loihi1_sanafe"])
    assert "…" not in capsys.readouterr().out
