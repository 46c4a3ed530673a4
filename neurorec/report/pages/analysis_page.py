"""The page of a study that analyses model systems."""

from typing import Any

from neurorec.experiments.kinds.analysis_kind import AnalysisResults
from neurorec.report.analysis_parts import analysis_sections
from neurorec.report.page import Page, page_of
from neurorec.report.wording import duration

ALWAYS = ("analysis", "seed", "at", "value", "number", "unit", "status")


@page_of.register(AnalysisResults)
def analysis_page(results: AnalysisResults) -> Page:
    done = [each for each in results.records if each.status == "done"]
    return Page(
        study=results.study, question=results.question, answer=_answer(results), quick=results.quick,
        findings=results.findings, failures=results.failures, sections=analysis_sections(results.records),
        how=[
            ("analyses", f"{len(done)} finished, {len(results.records) - len(done)} failed"),
            ("computing", f"{duration(sum(each.wall_s for each in results.records))} on one core"),
            ("processor", ", ".join(dict.fromkeys(each.processor for each in done)) or "not recorded"),
        ],
        sources=results.sources, data=(ALWAYS, _rows(results)),
    )  # fmt: skip


def _answer(results: AnalysisResults) -> list[str]:
    judged = [f for f in results.findings.findings if f.verdict != "no bar"] if results.findings else []
    if not judged:
        return []
    met = sum(bool(finding.meets_bar) for finding in judged)
    return [f"{met} of {len(judged)} bars are met."]


def _rows(results: AnalysisResults) -> list[list[Any]]:
    return [
        [each.name, each.seed, "; ".join(f"{k}={v}" for k, v in each.at.items()), key, each.values.get(key), said.unit,
         each.status]
        for each in results.records for key, said in each.gives.items()
    ]  # fmt: skip
