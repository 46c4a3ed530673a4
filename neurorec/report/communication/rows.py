"""results.csv and results.json of a communication study."""

import csv
import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.basics.files import write_atomically
from neurorec.experiments.communication.results import (
    BytesRow,
    CommunicationResults,
    ComputeRow,
    CrossRow,
    NetRow,
    PriceRow,
    RingRow,
    SizeRow,
)

TABLES = {
    "nets": NetRow, "bytes": BytesRow, "prices": PriceRow, "computing": ComputeRow, "crossovers": CrossRow,
    "sizes": SizeRow, "rings": RingRow,
}  # fmt: skip
COUNTS = ("total_bytes", "spikes", "forward_values", "errors", "signals", "merged")


def csv_rows(results: CommunicationResults) -> list[dict[str, Any]]:
    """A row for every net, way to share, number of workers and link; counts are means over seeds."""
    counted = {(row.net, row.split, row.rule, row.merge, row.workers): row for row in results.bytes}
    rows = []
    for price in results.prices:
        row = counted[price.net, price.split, price.rule, price.merge, price.workers]
        means = {name: sum(values) / len(values) for name in COUNTS if (values := getattr(row, name))}
        rows.append(asdict(price) | means | {"waits": row.waits})
    return rows


def write_files(results: CommunicationResults) -> None:
    """results.csv and results.json, in the study's folder."""
    text = io.StringIO()
    heads = [field.name for field in fields(PriceRow)] + [*COUNTS, "waits"]
    writer = csv.DictWriter(text, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(csv_rows(results))
    write_atomically(results.folder / "results.csv", text.getvalue())
    data = asdict(results)
    del data["folder"]  # wherever the file lies is the folder, also after it was moved
    text_json = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(results.folder / "results.json", text_json + "\n")


def load_communication_results(folder: Path) -> CommunicationResults:
    """The results that `write_files` left in `folder`. Raises `InputError` if there are none of this version."""
    path = folder / "results.json"
    if not path.is_file():
        raise InputError(f"{folder}: there is no results.json; give the folder that `neurorec run` wrote")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        tables = {name: [row(**entry) for entry in data[name]] for name, row in TABLES.items()}
        return CommunicationResults(**{**data, **tables}, folder=folder)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a results file of this version ({error}); run the study again") from error
