"""The table of metered points: one row per point, units in the column names.

    point, operations, batch, energy_uJ, time_us, idle_mW

`operations` are dense multiply-accumulates per inference; energy and time are per inference as well (time = 1 /
throughput); `idle_mW` is the board's power with nothing running and is optional, as is `point`. Energy may be in
pJ, nJ, uJ, mJ or J, time in ns, us, ms or s, idle power in uW, mW or W.
"""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from neurorec.basics.cards import read_text
from neurorec.basics.errors import InputError, did_you_mean, shown

ENERGY_UJ = {"energy_pJ": 1e-6, "energy_nJ": 1e-3, "energy_uJ": 1.0, "energy_mJ": 1e3, "energy_J": 1e6}
TIME_US = {"time_ns": 1e-3, "time_us": 1.0, "time_ms": 1e3, "time_s": 1e6}
IDLE_MW = {"idle_uW": 1e-3, "idle_mW": 1.0, "idle_W": 1e3}
COLUMNS = ("point", "operations", "batch", *ENERGY_UJ, *TIME_US, *IDLE_MW)
MOST_BYTES, MOST_ROWS = 10**6, 500
SMALLEST, LARGEST = 1e-9, 1e12  #: of any number in the table, in its own unit


@dataclass(frozen=True)
class Measurement:
    """One metered inference. `where` names the row in messages."""

    where: str
    operations: float
    batch: int
    energy_uJ: float
    time_us: float
    idle_mW: float | None = None

    @property
    def idle_uJ(self) -> float:
        """Energy of the idle power over the time."""
        return (self.idle_mW or 0.0) * self.time_us * 1e-3

    @property
    def dynamic_uJ(self) -> float:
        return self.energy_uJ - self.idle_uJ


def read_measurements(path: Path) -> list[Measurement]:
    """The rows of `path`, checked one by one.

    Raises
    ------
    InputError
        For an unknown, missing or duplicate column, an empty file, or an invalid number.
    """
    heads, rows = _table(path)
    energy, time, idle = _columns(path.name, heads)
    points = []
    for number, row in rows:
        where = f"{path.name} line {number}" + (f' ("{shown(row["point"])}")' if row.get("point") else "")
        points.append(
            Measurement(
                where=where,
                operations=_number(where, row, "operations"),
                batch=_whole(where, row, "batch"),
                energy_uJ=_number(where, row, energy) * ENERGY_UJ[energy],
                time_us=_number(where, row, time) * TIME_US[time],
                idle_mW=_number(where, row, idle) * IDLE_MW[idle] if idle and row[idle] else None,
            )
        )
    return points


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The column names and the rows that are not empty, each with its line; spaces around a name or number do not count."""
    text = read_text(path, MOST_BYTES).removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        heads = [head.strip() for head in next(reader, [])]
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise InputError(f"{path.name} line {reader.line_num}: not a table ({error}); correct the line") from None
    if len(lines) > MOST_ROWS:
        raise InputError(f"{path.name}: {len(lines):,} rows; a calibration takes at most {MOST_ROWS:,} points")
    while heads and not heads[-1]:  # a spreadsheet's empty columns
        heads.pop()
    for number, cells in lines:
        if any(cells[len(heads) :]):
            raise InputError(
                f"{path.name} line {number}: {len(cells)} cells for {len(heads)} columns; correct the line"
            )
    return heads, [(number, dict(zip_longest(heads, cells[: len(heads)], fillvalue=""))) for number, cells in lines]


def _columns(name: str, heads: list[str]) -> tuple[str, str, str | None]:
    """The energy, time and idle columns."""
    unknown = [head for head in heads if head not in COLUMNS]
    if unknown:
        hint = did_you_mean(unknown[0], COLUMNS)
        raise InputError(f'{name}: column "{shown(unknown[0])}" is not known{hint}; columns: {", ".join(COLUMNS)}')
    if twice := [head for at, head in enumerate(heads) if head in heads[:at]]:
        raise InputError(f'{name}: the column "{twice[0]}" is there twice; remove one')
    for needed in ("operations", "batch"):
        if needed not in heads:
            raise InputError(f'{name}: the column "{needed}" is missing; add it')
    energy = _one_of(name, heads, ENERGY_UJ, "energy")
    time = _one_of(name, heads, TIME_US, "time")
    idle = _one_of(name, heads, IDLE_MW, "idle power") if set(heads) & set(IDLE_MW) else None
    return energy, time, idle


def _one_of(name: str, heads: list[str], known: Mapping[str, float], what: str) -> str:
    found = [head for head in heads if head in known]
    if len(found) != 1:
        came = " and ".join(found) or "none"
        raise InputError(f"{name}: exactly one {what} column is needed ({', '.join(known)}), but there is {came}")
    return found[0]


def _number(where: str, row: dict[str, str], column: str) -> float:
    text = row[column]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise InputError(f'{where}: {column} = "{shown(text)}" is not a positive number; correct or remove the row')
    if not SMALLEST <= value <= LARGEST:
        raise InputError(f"{where}: {column} = {value:g} is out of range ({SMALLEST:g} to {LARGEST:g}); check its unit")
    return value


def _whole(where: str, row: dict[str, str], column: str) -> int:
    value = _number(where, row, column)
    if value != int(value):
        raise InputError(f"{where}: {column} = {value:g} is not an integer; a batch is a number of inferences")
    return int(value)
