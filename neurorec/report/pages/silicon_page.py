"""The page of a silicon validation."""

from neurorec.experiments.findings import Findings
from neurorec.experiments.kinds.silicon_kind import SiliconResults
from neurorec.experiments.silicon.score import Score
from neurorec.report.page import Page, page_of
from neurorec.report.parts import Fold, Notes, Plots, Section, Text
from neurorec.report.silicon.estimate_plots import overview, silicon_plot
from neurorec.report.table import Column, Said, Table

ABOUT_SETS = (
    'End points are fitted, all others are predicted; only predicted points are scored. "Band" is the share of predicted'
    ' points inside the stated band, "rank" is Spearman\'s rank correlation. The last two columns are other estimates of the '
    "same points, smallest and largest estimate / measured: one price per operation only, and SANA-FE's prices times "
    "counts (dynamic only; it has prices for Loihi)."
)
ABOUT_BLIND = "Predictions of points measured by others, whose figures we have not seen."


@page_of.register(SiliconResults)
def silicon_page(results: SiliconResults) -> Page:
    drawn = Plots(
        lambda: [plot for plot in map(silicon_plot, results.scores) if plot is not None],
        overview=lambda: overview(results.scores),
    )
    points = [points_table(score) for score in results.scores if score.predicted]
    sets = sets_table(results.scores)
    return Page(
        study=results.study, question=results.question, answer=[answer(results.scores, results.findings)], quick=False,
        findings=results.findings, failures=[],
        sections=[
            Section("sets", "Errors by set", [Text(ABOUT_SETS), sets, Notes(results.remarks, terminal=True)]),
            Section("plots", "Estimates and measurements", [drawn]),
            Section("blind", "Blind", [Text(ABOUT_BLIND), blind_table(results)]),
            Section("points", "All predicted points", [Fold("Estimate / measured for each point", points)]),
        ],
        how=[("measured values", "read from tables that are not part of neurorec; errors are stored, values are not")],
        sources=results.sources,
        data=([column.head for column in sets.columns], [[cell.text for cell in row] for row in sets.cells]),
    )  # fmt: skip


def answer(scores: list[Score], findings: Findings | None) -> str:
    """Errors and bars, the worst set, and the rival's errors, in a few sentences."""
    judged = [f for f in findings.findings if f.bar is not None] if findings else []
    met = sum(bool(f.meets_bar) for f in judged)
    bars = [f"{met} of {len(judged)} bars are met."] if judged else []
    known = [score for score in scores if score.worst_factor is not None]
    beaten = [score for score in known if score.rival_factors is not None]
    better = sum(max(s.rival_factors[1], 1 / max(s.rival_factors[0], 1e-9)) > (s.worst_factor or 1.0) for s in beaten)  # type: ignore[index]
    against = f"In {better} of {len(beaten)} sets, the largest error of one price per operation is larger than ours."
    if not known:
        return "Nothing was predicted."
    farthest = max(known, key=lambda score: score.worst_factor or 0.0)
    return " ".join([*bars, f"Largest error: {farthest.name}, by a factor of {farthest.worst_factor:.3g}.", against])


def sets_table(scores: list[Score]) -> Table:
    columns = [
        Column("set"), Column("predicted", "number"), Column("mean error", "percent"), Column("worst error", "percent"),
        Column("worst factor", "factor"), Column("band", "percent"), Column("rank", "number", digits=2),
        Column("price per operation"), Column("SANA-FE-style"),
    ]  # fmt: skip
    rows = [
        [s.name, len(s.predicted), s.mean_error, s.worst_error, s.worst_factor, s.coverage, s.rank_correlation,
         _factors(s.rival_factors, s.rival), _factors(s.sanafe_factors)]
        for s in scores
    ]  # fmt: skip
    return Table("", columns, rows, look="fine", terminal=True)


def _factors(span: tuple[float, float] | None, by: str = "") -> Said | None:
    return None if span is None else Said(f"x{span[0]:.3g} to x{span[1]:.3g}", f"({by})" if by else "")


def blind_table(results: SiliconResults) -> Table:
    rows = [[b.point, f"{b.value:.4g} {b.unit}", f"{b.low:.4g} to {b.high:.4g}", b.from_what] for b in results.blind]
    return Table("", [Column(head) for head in ("point", "predicted", "band", "based on")], rows, look="fine")


def points_table(score: Score) -> Table:
    columns = [Column("device"), Column("point"), Column("estimate / measured", "number"), Column("inside the band")]
    rows = [[p.device, p.name, p.estimate / p.measured, "yes" if p.covered else "no"] for p in score.predicted]
    return Table(score.name, columns, rows, look="fine")
