"""`neurorec run all`: every study of the catalogue one after another, and the ledger of their verdicts."""

import time
from collections import Counter
from dataclasses import replace

from neurorec.basics.cards import card_names
from neurorec.basics.errors import NeurorecError, Stopped
from neurorec.basics.quantities import plural
from neurorec.experiments.findings import Findings, read_findings
from neurorec.experiments.kind import Asked, study_kinds
from neurorec.experiments.kinds import kind_of
from neurorec.report.console import plain_console
from neurorec.report.ledger import RESULTS
from neurorec.report.studies import run_asked
from neurorec.report.table import Column, Table
from neurorec.report.terminal import print_table
from neurorec.tasks.data_files import MissingData

ALL = "all"


def run_all(asked: Asked) -> list[str]:
    """Run every study, each with its own report, even if others fail; print their answers, then the ledger.
    Returns the names of studies that did not complete. Studies whose data are missing are left out, and named. A kind
    without a quick form runs in full."""
    console, rows, incomplete, left_out = plain_console(), [], [], []
    for name in card_names("experiments"):
        start, ended = time.perf_counter(), "complete"
        try:
            if failed := run_asked(_one(asked, name), details=False):
                ended = f"{plural(failed, 'run')} failed"
        except Stopped:
            raise
        except MissingData as error:
            ended = "left out"
            left_out.append(f"left out: {name}: {error}")
        except NeurorecError as error:
            ended = f"stopped: {error}"
            console.print(ended, markup=False)
        incomplete += [name] if ended not in ("complete", "left out") else []
        rows.append((name, ended, time.perf_counter() - start, *_published(name)))
        console.print()
    columns = (
        Column("study"),
        Column("this run"),
        Column("time", "duration"),
        Column("claims", "count"),
        Column("published verdicts"),
    )
    print_table(Table("Ledger", columns, tuple(rows)), console)
    for line in left_out:
        console.print(line, markup=False, soft_wrap=True)
    return incomplete


def _one(asked: Asked, name: str) -> Asked:
    quick = asked.quick and study_kinds[kind_of(name)].has_quick
    return replace(asked, study=name, quick=quick, out=asked.out / name if asked.out else None)


def _published(name: str) -> tuple[int | None, str]:
    """The number of published claims of a study, and their verdicts."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return None, "not published here"
    found: Findings = read_findings(path)
    verdicts = Counter(finding.verdict for finding in found.findings)
    return len(found.findings), ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
