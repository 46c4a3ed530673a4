"""Tables as spreadsheets and typing mistakes leave them."""

import re

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.verbs import check_file
from neurorec.hardware.calibrate import Measurement, calibrate, read_measurements, write_card

HEAD = "point,operations,batch,energy_uJ,time_us\n"
ROWS = ["small,100000,1,3400,400", "large,1000000,1,7000,2200", "batch,100000,8,800,60"]


def table(tmp_path, text):
    path = tmp_path / "board.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_spaces_and_empty_columns_and_lines_do_not_count(tmp_path):
    plain = read_measurements(table(tmp_path, HEAD + "\n".join(ROWS)))
    spaced = (
        "\ufeff" + "point , operations, batch ,energy_uJ ,time_us ,,\n" + ",,,,,,\n".join(f"{row},,\n" for row in ROWS)
    )
    read = read_measurements(table(tmp_path, spaced))
    assert [(p.operations, p.batch, p.energy_uJ, p.time_us) for p in read] == [
        (p.operations, p.batch, p.energy_uJ, p.time_us) for p in plain
    ]


def test_the_card_is_readable_whatever_the_points_are_called(tmp_path):
    names = ['a\x00b\x1b[1m"', "back\\slash'''", "x" * 10_000]
    rows = [
        ",".join([f'"{name.replace(chr(34), chr(34) * 2)}"', row.partition(",")[2]])
        for name, row in zip(names, ROWS, strict=True)
    ]
    path = write_card(
        calibrate(read_measurements(table(tmp_path, HEAD + "\n".join(rows)))),
        "b",
        tmp_path / "b.toml",
        "own_measurement",
    )
    assert check_file(path) == "chip"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "a,1e5,1,1e300,400", "energy_uJ = 1e+300 is out of range (1e-09 to 1e+12); check its unit"),
        (HEAD + "a,1e5,1,3,4,5,6", "board.csv line 2: 7 cells for 5 columns; correct the line"),
        (HEAD + "a,1e5,1,,400", 'board.csv line 2 ("a"): energy_uJ = "" is not a positive number'),
        (HEAD + "a\x1b[1m,x,1,3,400", 'board.csv line 2 ("a\\x1b[1m"): operations = "x" is not a positive number'),
        ("x" * 300 + "," + HEAD, f'board.csv: column "{"x" * 57}..." is not known'),
        ("batch," + HEAD, 'board.csv: the column "batch" is there twice; remove one'),
        ("idle_mW,idle_W," + HEAD, "exactly one idle power column is needed"),
        (HEAD + '"' + "x" * 200_000, "board.csv line 2: not a table (field larger than field limit (131072))"),
        (HEAD + "a,1,1,1,1\n" * 501, "board.csv: 501 rows; a calibration takes at most 500 points"),
    ],
    ids=["huge", "cells", "empty", "control", "head", "twice", "idle", "field", "rows"],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_with_its_line(tmp_path, text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        read_measurements(table(tmp_path, text))


def test_a_card_that_could_not_be_read_is_not_written(tmp_path):
    points = [Measurement(f"p{n}", 10.0 ** (5 + n), 1, 1e30 * (1 + n), 1e30 * (1 + n)) for n in range(3)]
    with pytest.raises(InputError, match=r"no card can be written from these points, check their units: b\.toml: law"):
        write_card(calibrate(points), "b", tmp_path / "b.toml", "own_measurement")
    assert not (tmp_path / "b.toml").exists()
