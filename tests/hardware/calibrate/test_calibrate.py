"""Metered points to a card: laws recovered, points left out, what is refused and with which words."""

import re
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.verbs import check_file
from neurorec.hardware.calibrate import Measurement, calibrate, read_measurements
from neurorec.hardware.chips.batch_law import Bend, per_inference
from neurorec.hardware.chips.chip import load_chip
from neurorec.report.calibration import calibrate_board, summary

IDLE_MW = 500.0


def metered(operations: float, batch: int, sharing: float = 1.0, growth: float = 1.0) -> Measurement:
    """A made-up board: 200 us and 3 mJ a pass, 2 ns and 4 nJ an operation of the batch, 0.1 ns and 0.5 nJ each."""
    bend = Bend(sharing, growth, 1e5)
    time_us = per_inference(200.0, 2e-3, 1e-4, bend, operations, batch)
    dynamic_uJ = per_inference(3000.0, 4e-3, 5e-4, bend, operations, batch)
    return Measurement(
        f"{operations:g} x{batch}", operations, batch, dynamic_uJ + IDLE_MW * time_us * 1e-3, time_us, IDLE_MW
    )


MANY = [metered(m, b, 0.8) for m in (1e5, 1e6, 1e7) for b in (1, 4, 32)]


def test_a_law_with_three_batch_sizes_is_recovered_and_predicts_what_was_left_out():
    found = calibrate(MANY)
    assert (found.time.bend.sharing, found.energy.bend.sharing) == pytest.approx((0.8, 0.8))
    assert (found.time.bend.growth, found.energy.bend.growth) == pytest.approx((1.0, 1.0))
    assert (found.time.call, found.time.shared, found.time.each) == pytest.approx((200.0, 2e-3, 1e-4), rel=1e-3)
    assert (found.energy.call, found.energy.each) == pytest.approx((3e6, 0.5), rel=1e-3)
    assert len(found.left_out) == 9
    assert found.band_factor == pytest.approx(1.0, abs=0.01)
    unseen = metered(3e6, 16, 0.8)
    assert found.total_uJ(3e6, 16) == pytest.approx(unseen.energy_uJ, rel=1e-3)
    assert found.dynamic_uJ(3e6, 16) == pytest.approx(unseen.dynamic_uJ, rel=1e-3)


def test_a_bend_over_size_is_recovered_from_three_sizes():
    found = calibrate([metered(m, b, 0.8, 0.7) for m in (1e5, 1e6, 1e7) for b in (1, 4, 32)])
    assert (found.energy.bend.growth, found.energy.bend.sharing) == pytest.approx((0.7, 0.8))
    assert found.total_uJ(3e6, 16) == pytest.approx(metered(3e6, 16, 0.8, 0.7).energy_uJ, rel=1e-3)


@pytest.mark.parametrize("true_growth", [0.7, 1.0])
@pytest.mark.parametrize("true_sharing", [0.8, 0.9, 1.0])
def test_ends_only_pass_through_the_ends_and_bracket_what_lies_between(true_sharing, true_growth):
    ends = [metered(m, b, true_sharing, true_growth) for m, b in ((1e5, 1), (1e7, 1), (1e5, 1), (1e5, 64))]
    found = calibrate(ends)
    for p in ends:
        assert found.total_uJ(p.operations, p.batch) == pytest.approx(p.energy_uJ, rel=1e-6)
    for between, chosen in ((found.energy.sharing_between, found.energy.bend.sharing),
                            (found.energy.growth_between, found.energy.bend.growth)):  # fmt: skip
        assert chosen == pytest.approx((between[0] + between[1]) / 2)
        assert between[0] < between[1] == 1.0
    assert found.band_from.startswith("only end points were metered")
    for between in (metered(1e6, 1, true_sharing, true_growth), metered(1e5, 8, true_sharing, true_growth)):
        ratio = found.total_uJ(between.operations, between.batch) / between.energy_uJ
        assert 1 / found.band_factor <= ratio <= found.band_factor


def test_without_idle_power_the_law_is_of_the_total():
    blind = [Measurement(p.where, p.operations, p.batch, p.energy_uJ, p.time_us) for p in MANY]
    found = calibrate(blind)
    assert found.dynamic_uJ(1e6, 4) is None
    assert found.total_uJ(1e6, 4) == pytest.approx(metered(1e6, 4, 0.8).energy_uJ, rel=0.01)
    assert "give idle_mW to separate dynamic from total" in "\n".join(summary(found))


def changed(at: int, **changes) -> list[Measurement]:
    points = [metered(1e5, 1), metered(1e7, 1), metered(1e5, 64), metered(1e6, 1)]
    points[at] = Measurement(**(vars(points[at]) | changes))
    return points


REFUSED = [
    (changed(0)[:2], "2 metered points given; at least 3 are needed (a small and a large network at batch 1"),
    (
        [metered(1e5, b) for b in (1, 2, 4)],
        "the same number of operations, which does not give a price per operation",
    ),
    ([metered(1e5, 1), metered(1e6, 2), metered(1e7, 4)], "no batch size was metered with two networks"),
    ([metered(1e5, 1), metered(1e6, 1), metered(1e7, 4)], "no network was metered at two batch sizes"),
    (
        [*changed(0), Measurement("again", 1e5, 1, 9000.0, 400.0, IDLE_MW)],
        "again and 100000 x1 contradict each other: the same network and batch took 9000 and",
    ),
    (changed(1, energy_uJ=900.0, time_us=300.0), "the network with fewer operations took more energy"),
    (changed(0, energy_uJ=10.0), "which does not exceed the idle power of 500 mW; check the units of the columns"),
    (changed(0, idle_mW=None), "100000 x1: idle power is missing in this row but given in others"),
    (changed(0, idle_mW=900.0), "idle power differs between rows (500 to 900 mW)"),
    (changed(2, energy_uJ=90000.0), "100000 x64: contradicts the others: the best law gives"),
]


@pytest.mark.parametrize(("points", "told"), REFUSED)
def test_too_few_or_contradictory_points_are_refused_with_the_reason(points, told):
    with pytest.raises(InputError, match=re.escape(told)):
        calibrate(points)


HEAD = "point,operations,batch,energy_uJ,time_us,idle_mW\n"
FAULTY = [
    ("operations,batch,energy_uj,time_us\n", 'm.csv: column "energy_uj" is not known (did you mean "energy_uJ"?)'),
    ("operations,energy_uJ,time_us\n", 'm.csv: the column "batch" is missing; add it'),
    (
        "operations,batch,time_us\n",
        "m.csv: exactly one energy column is needed (energy_pJ, energy_nJ, energy_uJ, energy_mJ",
    ),
    ("operations,batch,energy_uJ,time_us,time_s\n", "there is time_us and time_s"),
    (
        HEAD + "a,1e5,1,,10,1\n",
        'm.csv line 2 ("a"): energy_uJ = "" is not a positive number; correct or remove the row',
    ),
    (HEAD + "a,1e5,-1,1,10,1\n", 'batch = "-1" is not a positive number'),
    (HEAD + "a,1e5,1.5,1,10,1\n", "batch = 1.5 is not an integer"),
]


@pytest.mark.parametrize(("text", "told"), FAULTY)
def test_a_faulty_table_is_told_where_and_what(tmp_path, text, told):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError, match=re.escape(told)):
        read_measurements(tmp_path / "m.csv")


def test_units_are_those_of_the_columns(tmp_path):
    (tmp_path / "m.csv").write_text("operations, batch, energy_mJ, time_s, idle_W\n2e5, 4, 1.5, 0.02, 3\n")
    (point,) = read_measurements(tmp_path / "m.csv")
    assert (point.energy_uJ, point.time_us, point.idle_mW) == pytest.approx((1500.0, 20000.0, 3000.0))


def test_the_mark_that_a_spreadsheet_puts_before_the_first_column_is_no_part_of_its_name(tmp_path):
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbfoperations,batch,energy_uJ,time_us\r\n100,1,2,3\r\n")
    assert read_measurements(tmp_path / "m.csv")[0].operations == 100.0


def write_table(path: Path, points: list[Measurement]) -> Path:
    rows = [f"{p.operations},{p.batch},{p.energy_uJ},{p.time_us},{p.idle_mW}" for p in points]
    path.write_text("operations,batch,energy_uJ,time_us,idle_mW\n" + "\n".join(rows) + "\n")
    return path


def test_the_command_writes_a_card_that_loads_and_a_picture(tmp_path, capsys):
    table = write_table(tmp_path / "m.csv", MANY)
    calibrate_board(table, "my_board", tmp_path / "my_board.toml", tmp_path / "fit.png", "own_measurement")
    said = capsys.readouterr().out
    assert "left out" in said
    assert "idle power 500 mW; dynamic energy of the points within 0.0% of the law" in said
    assert (tmp_path / "fit.png").stat().st_size > 5000
    assert check_file(tmp_path / "my_board.toml") == "chip"
    chip = load_chip(tmp_path / "my_board.toml")
    assert chip.law is not None
    assert chip.law.obtained == "metered"
    assert chip.law.time.us(1e6, 4, 1) == pytest.approx(metered(1e6, 4, 0.8).time_us, rel=1e-3)
    assert chip.static.power.mW == pytest.approx(500.0)


@pytest.mark.parametrize(
    ("name", "out", "plot", "source", "told"),
    [
        (
            "my board",
            "b.toml",
            None,
            "own_measurement",
            'names of cards have only letters, digits and _, as in "my_board_2"',
        ),
        ("b", "b.txt", None, "own_measurement", "a card must be a .toml file"),
        ("b", "b.toml", "b.doc", "own_measurement", "the plot must be one of .svg, .png, .pdf"),
        ("b", "b.toml", None, "abr2109", 'citation "abr2109" is not known (did you mean "abr2019"?)'),
        ("b", "none/b.toml", None, "own_measurement", "the card cannot be written (No such file or directory)"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_options(tmp_path, name, out, plot, source, told):
    table = write_table(tmp_path / "m.csv", MANY)
    with pytest.raises(InputError, match=re.escape(told)):
        calibrate_board(table, name, tmp_path / out, plot and tmp_path / plot, source)


def test_the_law_does_not_depend_on_the_order_of_the_rows():
    there, back = calibrate(MANY), calibrate(MANY[::-1])
    assert there.total_uJ(3e6, 16) == pytest.approx(back.total_uJ(3e6, 16), rel=1e-6)
    assert there.band_factor == pytest.approx(back.band_factor)


def test_the_table_in_the_documents_calibrates(tmp_path):
    document = (Path(__file__).parents[3] / "docs" / "hardware.md").read_text()
    (table,) = re.findall(r"    point, operations.*\n(?:    .*\n)+", document)
    (tmp_path / "m.csv").write_text("\n".join(line.strip() for line in table.splitlines()))
    found = calibrate(read_measurements(tmp_path / "m.csv"))
    assert found.total_uJ(172_800, 1) == pytest.approx(15_900, rel=1e-6)
