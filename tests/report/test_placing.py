"""The table of places, its JSON, and the picture of the chip."""

import json
import re
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.workloads import read_work
from neurorec.hardware.mapping import partition
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work, load_description
from neurorec.report.placing import print_placing

NETWORKS = Path(__file__).parents[2] / "docs" / "networks"
SCALING = NETWORKS / "scaling_10_spiking.toml"


def test_both_orders_stand_in_the_table_and_in_the_json(tmp_path, capsys):
    out = tmp_path / "places.json"
    print_placing(read_work(SCALING, annealed=True, partitioned=True), ["loihi1"], table=out)
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"\d+\.\d% of hops, \d+\.\d% of packets saved compared with placement in order \(whole layers \+ annealed\)",
        said,
    )
    (row,) = json.loads(out.read_text())
    cost = price(described_work(load_description(SCALING), annealed=True, partitioned=True), "loihi1")
    samples = cost.operations.samples
    assert row["placed"]["packets"] == cost.mapping.packets / samples
    assert row["in_order"]["packets"] == cost.mapping.in_order.packets / samples
    assert row["placed"]["packets"] < row["in_order"]["packets"]
    assert row["placed"]["hops_east_west"] + row["placed"]["hops_north_south"] < 0.6 * (
        row["in_order"]["hops_east_west"] + row["in_order"]["hops_north_south"]
    )
    assert row["placed"]["hottest_link"] < row["in_order"]["hottest_link"]


def test_several_chips_say_how_they_were_taken_to_be_joined(capsys):
    print_placing(read_work(NETWORKS / "knn_pohoiki_springs.toml"), ["loihi1"])
    said = " ".join(capsys.readouterr().out.split())
    assert "4 chips, assumed to form a grid of 2 x 2: no source we read says how they are joined" in said
    print_placing(read_work(NETWORKS / "knn_pohoiki_springs.toml"), ["spinnaker1"])
    said = " ".join(capsys.readouterr().out.split())
    assert "18 chips (1 only to complete the grid), assumed to form a grid of 6 x 3" in said


def test_where_nothing_helps_that_is_said(capsys):
    asked = read_work(NETWORKS / "keyword_spotter_spiking.toml", annealed=True, partitioned=True)
    print_placing(asked, ["spinnaker1"])
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing that was tried is shorter than placement in order" in said


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_picture_is_written_and_its_text_says_the_finding(tmp_path, capsys, suffix):
    path = tmp_path / f"chip{suffix}"
    print_placing(read_work(SCALING, annealed=True), ["loihi1"], path)
    said = " ".join(capsys.readouterr().out.split())
    assert path.stat().st_size > 10_000
    assert (
        "scaling_10_spiking on loihi1, in order: 26.1k neurons on 64 cores, 16 of 32 tiles; the most loaded link, "
        in said
    )
    assert "In comparison, annealed: 26.1k neurons on 64 cores" in said
    if suffix == ".svg":
        text = path.read_text()
        assert 'role="img" aria-label="scaling_10_spiking on loihi1, in order: 26.1k neurons' in text
        assert "neurons on a tile" in text
        assert "packets per inference over a link" in text


@pytest.mark.parametrize(("name", "chip"), [("knn_pohoiki_springs", "loihi1"), ("truenorth_sweep", "truenorth"),
                                            ("truenorth_sweep", "loihi1"), ("knn_pohoiki_springs", "spinnaker1")])  # fmt: skip
def test_many_chips_and_many_tiles_are_drawn_too(tmp_path, capsys, name, chip):
    path = tmp_path / "chip.svg"
    print_placing(read_work(NETWORKS / f"{name}.toml"), [chip], path)
    assert f"{name} on {chip}, in order: " in capsys.readouterr().out
    assert path.stat().st_size < 3_000_000


FAULTS = [
    ({"picture": Path("chip.gif")}, ["loihi1"], "--picture chip.gif: the picture must be one of .svg, .png, .pdf"),
    (
        {"picture": Path("chip.svg")},
        ["loihi1", "odin"],
        "--picture shows one chip: select it with --chip (there are 2)",
    ),
    ({"picture": Path("chip.svg")}, ["odin"], "cannot run on odin: it does not fit"),
    (
        {"picture": Path("chip.svg")},
        ["cmos_45nm"],
        "the card cmos_45nm does not describe cores, so there is nothing to draw",
    ),
    ({"picture": Path("no/such/folder.svg")}, ["loihi1"], "the picture cannot be written (No such file or directory)"),
    ({"table": Path("places.csv")}, ["loihi1"], "--out places.csv: must be a .json file"),
]


@pytest.mark.parametrize(("asked", "chips", "told"), FAULTS, ids=[told[:30] for *_, told in FAULTS])
def test_a_wrong_request_is_told_what_to_do(asked, chips, told):
    with pytest.raises(InputError, match=re.escape(told)):
        print_placing(read_work(SCALING), chips, **asked)


def test_without_the_solver_a_partition_says_what_to_install(monkeypatch):
    monkeypatch.setattr(partition, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=re.escape("--partition needs METIS: pip install 'neurorec[mapping]'")):
        print_placing(read_work(NETWORKS / "liquid_column.toml", partitioned=True), ["loihi1"])


def test_chips_without_cores_and_one_core_say_so_and_nothing_is_left_to_optimise(capsys):
    print_placing(read_work(NETWORKS / "keyword_spotter_spiking.toml", partitioned=True), ["darwin3", "spinnaker2"])
    print_placing(read_work(NETWORKS / "odin_point.toml", partitioned=True), ["odin"])
    assert capsys.readouterr().out.splitlines() == [
        "darwin3: its card does not describe cores, so nothing is placed",
        "spinnaker2: its card does not describe cores, so nothing is placed",
        "odin: everything is on one core",
    ]


LATE = [{"picture": Path("c.png"), "chips": ["loihi1", "odin"]}, {"table": Path("c.csv"), "chips": []}]


@pytest.mark.parametrize("asked", LATE)
def test_files_are_checked_before_anything_is_placed(asked, monkeypatch):
    monkeypatch.setattr("neurorec.report.placing.price", lambda *_: pytest.fail("placed"))
    with pytest.raises(InputError, match=r"--picture shows one chip|must be a \.json file"):
        print_placing(read_work(SCALING), **asked)
