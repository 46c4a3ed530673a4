"""One self-contained HTML page: no network, no script, readable on paper, on a telephone and in the dark."""

from pathlib import Path
from typing import Any

from neurorec.basics.files import write_atomically
from neurorec.experiments.results import StudyResults
from neurorec.report import tables
from neurorec.report.answer import answer, spiking_against_rate, without_backpropagation
from neurorec.report.notes import failures
from neurorec.report.rows import write_csv, write_json
from neurorec.report.summary import PARTS, groups_of
from neurorec.report.terminal import all_in_chip, per_term_chip


def write_report(results: StudyResults) -> Path:
    """Write results.csv, results.json and report.html into the study's folder; the page's path comes back."""
    write_csv(results)
    write_json(results)
    return write_atomically(results.folder / "report.html", page(results))


def page(results: StudyResults) -> str:
    """The whole page as text."""
    return render("template.html", contents(results))


def render(template: str, values: dict[str, Any]) -> str:
    """A template of this folder, filled in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,  # a misspelled name must not become an empty place on the page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = Markup  # our own SVG is the only text that is not escaped
    return environment.get_template(template).render(**values)


def contents(results: StudyResults) -> dict[str, Any]:
    """Everything the template sets, as plain data."""
    from neurorec.learning.rule import OBJECTIONS
    from neurorec.report.gallery import gallery_of

    return {
        "results": results,
        "answer": answer(results),
        "comparisons": without_backpropagation(results) + spiking_against_rate(results),
        "main_tables": tables.main_tables(results),
        "notes_on_totals": tables.notes_on_totals(results),
        "per_term_chip": per_term_chip(results),
        "all_in_chip": all_in_chip(results),
        "gallery": gallery_of(results),
        "per_term_costs": tables.cost_tables(results, "per-term"),
        "all_in_costs": tables.cost_tables(results, "all-in"),
        "scopes": {cost.chip: cost.scope for cost in results.costs},
        "parts": PARTS,
        "objections": OBJECTIONS,
        "objection_rows": tables.objection_rows(results),
        "failures": failures(groups_of(results)),
        "exports": tables.exports(results),
        "how": tables.how_it_was_run(results),
        "sources": tables.source_texts(results.sources),
    }
