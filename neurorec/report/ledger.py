"""docs/results.md, generated from docs/results/*.json: `python -m neurorec.report.ledger [docs/results]`."""

import sys
from pathlib import Path

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import InputError
from neurorec.basics.files import write_atomically
from neurorec.experiments.findings import Findings, read_findings
from neurorec.report.findings_table import EXACT, INTRO, findings_table, provenance, rounding_lines
from neurorec.report.table import to_markdown

RESULTS = PACKAGE.parent / "docs" / "results"  #: in a checkout; an installed package has no docs
HEAD = f"""# What the studies find

This ledger is generated from `results/*.json`: `python -m neurorec.report.ledger`. After a run,
`neurorec report runs/STUDY --publish docs/results` adds its findings and regenerates this page.

{INTRO}

**{EXACT}** The machine is given for every study; on another one, expect differences of the order of the spread over seeds.
"""


def ledger(folder: Path) -> str:
    """The text of the ledger of all findings files in `folder`, in the order of their names."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise InputError(
            f"{folder}: there are no findings here; publish some with `neurorec report DIR --publish {folder}`"
        )
    return HEAD + "".join(_study(read_findings(path), folder) for path in paths)


def write_ledger(folder: Path) -> Path:
    """Write the ledger next to `folder`: docs/results.md for docs/results."""
    return write_atomically(folder.with_suffix(".md"), ledger(folder))


def _study(found: Findings, folder: Path) -> str:
    details = f"{folder.name}/{found.study}.md"
    verdicts = [finding.verdict for finding in found.findings]
    counted = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    made = [
        *provenance(found), ("seeds", ", ".join(map(str, found.seeds)) or "none: nothing is drawn"),
        ("versions", ", ".join(f"{name} {version}" for name, version in found.versions.items())),
    ]  # fmt: skip
    notes = [f"No number in the published run: {claim}" for claim in found.not_measured]
    notes += rounding_lines(found) if found.rounding is not None else []
    parts = [
        f"## {found.study}: {found.question}",
        f"{len(verdicts)} claims: {counted}. All tables: [{details}]({details}).",
        to_markdown(findings_table(found)),
        "\n".join(f"* {line}" for line in [*notes, *found.remarks]),
        "\n".join(f"* {name}: {text}" for name, text in made),
    ]
    return "\n" + "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    print(write_ledger(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS))
