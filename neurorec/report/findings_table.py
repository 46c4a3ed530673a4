"""Findings as a table, for the page, the terminal, `neurorec show` and the ledger."""

from typing import Any

from neurorec.experiments.findings import Finding, Findings, PublishedFigure
from neurorec.report import wording
from neurorec.report.parts import Notes, Text
from neurorec.report.spread import spread
from neurorec.report.table import Column, Said, Table

INTRO = (
    "Each claim with our mean ± standard deviation (number of seeds), the best trivial baseline, the published figure"
    " if there is one, and the bar. Reproduced: the bar is reached and a figure is published. Met: the bar"
    " is reached and nothing is published. Missed: the bar is not reached."
)
EXACT = (
    "Results are exact only on one type of CPU: other types sum in a different order, and training, like chaos, amplifies "
    "the difference."
)


def findings_parts(findings: Findings) -> list[Any]:
    """The table of findings, with remarks."""
    if not findings.findings and not findings.not_measured:
        return [Notes(findings.remarks)] if findings.remarks else []
    unmeasured = [f"no number in this run: {claim}" for claim in findings.not_measured]
    lines = [*unmeasured, *rounding_lines(findings), *findings.remarks]
    return [Text(INTRO), findings_table(findings), Notes(lines)]


def rounding_lines(findings: Findings) -> list[str]:
    """What trained results depend on, and the effect of another order of summation if it was tried."""
    if not findings.seeds:
        return []
    if findings.rounding is None:
        return [EXACT]
    return [
        f"{EXACT} In reruns with another order of summation, no score of these claims changed by more than "
        f"{findings.rounding:.3f}."
    ]


def provenance(findings: Findings) -> list[tuple[str, str]]:
    """Provenance of the findings, without dates."""
    return [
        ("command", findings.command),
        ("machine", ", ".join(findings.machine.values()) or "not recorded"),
        ("digest", f"{findings.digest} (of everything measured, without dates)"),
    ]


def findings_table(findings: Findings) -> Table:
    columns = [Column("claim"), Column("measure"), Column("ours", "number"), Column("trivial baseline"),
               Column("published"), Column("bar", "number"), Column("verdict")]  # fmt: skip
    if findings.rounding is not None:
        columns.insert(3, Column("other rounding", "number"))
    rows = []
    for found in findings.findings:
        baseline = found.baseline and Said(amount(found.baseline.value), found.baseline.name)
        published = found.published
        source = published and _published(published)
        row: list[Any] = [found.claim, measure_of(found), ours(found), baseline, source, bar_of(found),
                          Said(found.verdict, mark=found.verdict.split()[0])]  # fmt: skip
        if findings.rounding is not None:
            row.insert(3, None if found.rounding is None else f"± {amount(found.rounding)}")
        rows.append(row)
    return Table("", columns, rows, look="cards claims")


def _published(figure: PublishedFigure) -> Said:
    source = f"{figure.source}, {figure.grade}"
    return Said("measured points", source) if figure.value is None else Said(amount(figure.value), source)


def short_table(findings: Findings) -> Table:
    """For the terminal: the claim, our result, the bar."""
    columns = [Column("claim"), Column("ours", "number"), Column("bar", "number"), Column("verdict", "number")]
    rows = [[found.claim, ours(found), bar_of(found), found.verdict] for found in findings.findings]
    return Table("findings", columns, rows)


def bar_of(found: Finding) -> str | None:
    if found.between is not None:
        return f"{amount(found.between[0])} to {amount(found.between[1])}"
    return None if found.bar is None else f"{'≥' if found.higher_is_better else '≤'} {amount(found.bar)}"


def measure_of(found: Finding) -> str:
    return f"{found.metric} ({found.unit})" if found.unit else found.metric


def ours(found: Finding) -> Said:
    values = spread(found.values)
    if values.sd is None or max(abs(values.mean), values.sd) < 10:
        text = amount(values.mean) if values.sd is None else wording.plus_minus(values.mean, values.sd)
    else:
        text = f"{amount(values.mean)} ± {amount(values.sd) if values.sd else 0}"
    return Said(text.replace("-", "−"), f"({values.n})" if values.n > 1 else "")


def amount(value: float) -> str:
    """Scores with three decimals, larger numbers with three significant digits, large counts with a letter."""
    if abs(value) < 10:
        return wording.plus_minus(value, None)
    return wording.count(value) if abs(value) >= 1000 else wording.figures(value)
