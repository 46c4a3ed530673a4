"""Broken tables of measurements: a readable error, or a chip card that can be read."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorec.experiments.verbs import check_file
from neurorec.hardware.calibrate import calibrate, read_measurements, write_card
from neurorec.report.calibration import summary
from tests.fuzz.worker import Worker, assert_readable

MANY = settings(max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=200)
HEADS = ["point", "operations", "batch", "energy_uJ", "time_us", "idle_mW"]
ROWS = [[f"net {n}", 10 ** (5 + n % 3), batch, 300 * 2**n + 900 // batch, 400 * 2**n + 300 // batch, 100]
        for n in range(2) for batch in (1, 8)]  # fmt: skip
CELLS = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "1.5",
        "1e-9",
        "1e-300",
        "1e9",
        "1e12",
        "1e15",
        "1e300",
        "1e400",
        "nan",
        "inf",
        "1_000",
        "0x10",
    ),
    *("\u0661\u0662", "x", "a\x00b", "\x1b[31m", 'say "hi"', "back\\slash", "'''", "$x$", "[/]", "x" * 300, "9" * 5000),
    *("1,2", "\n", "\r"),
]
NAMES = [*HEADS, "energy_J", "energy_pJ", "time_s", "time_ns", "idle_W", "operations ", "Batch", "", "x" * 300, "\x00"]
EXTRA = ["", '"', "\x00", ",,,,,,,,,", "\ufeff", "\r", "x" * 200_000, "net,1,1,1,1,1\n" * 600]
seen: Counter = Counter()


@st.composite
def tables(draw):
    rows = [HEADS[:], *([str(cell) for cell in row] for row in ROWS)]
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        at, column = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(HEADS) - 1))
        how = draw(st.sampled_from(["cell", "cell", "cell", "column", "drop", "twice", "scale", "text"]))
        if how == "cell" and column < len(rows[at]):
            rows[at][column] = draw(st.sampled_from(NAMES if at == 0 else CELLS))
        elif how == "column":
            value = draw(st.sampled_from(CELLS))
            for row in rows[1:]:
                row[min(column, len(row) - 1)] = value
        elif how == "drop" and len(rows) > 2:
            del rows[at]
        elif how == "twice":
            rows.append(rows[at][:])
        elif how == "scale":
            factor = draw(st.sampled_from([1e-9, 1e-3, 2, 1e3, 1e9]))
            for row in rows[1:]:
                cell = row[min(column, len(row) - 1)]
                if cell.isdecimal() and len(cell) < 20:
                    row[min(column, len(row) - 1)] = repr(int(cell) * factor)
        else:
            rows.append([draw(st.sampled_from(EXTRA))])
    joint = draw(st.sampled_from([",", ",", ",", ", ", ";"]))
    return draw(st.sampled_from(["", "", "\ufeff"])) + "\n".join(joint.join(row) for row in rows) + "\n"


def use(path: Path) -> None:
    calibration = calibrate(read_measurements(path))
    summary(calibration)
    assert check_file(write_card(calibration, "board", path.with_suffix(".toml"), "own_measurement")) == "chip"


def prepare() -> None:
    pass


@pytest.fixture(scope="module")
def worker():
    one = Worker(prepare, use)
    yield one
    one.stop()
    print(dict(seen))


def try_table(worker, folder, text):
    path = folder / "board.csv"
    path.write_text(text, encoding="utf-8", newline="")
    outcome, said = worker(path)
    seen[outcome] += 1
    assert_readable(outcome, said)


@given(text=tables())
@FEW
def test_a_broken_table_is_refused_readably_or_gives_a_card(worker, tmp_path_factory, text):
    try_table(worker, tmp_path_factory.getbasetemp(), text)


@pytest.mark.slow
@given(text=tables())
@MANY
def test_ten_thousand_broken_tables(worker, tmp_path_factory, text):
    try_table(worker, tmp_path_factory.getbasetemp(), text)
