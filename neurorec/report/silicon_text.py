"""The result as text (docs/silicon_validation.md) and as data beside it; measured values of unlicensed logs stay out."""

from __future__ import annotations

import json

from neurorec.experiments.silicon.checks import Checked
from neurorec.experiments.silicon.score import Point, Score

HEAD = """# Checked against silicon

{question} `neurorec run {name}` wrote this page, its data (`silicon_validation.json`) and its picture. End points are
fitted, the rest is predicted; only predicted points are scored. "Band" is the share of predicted points inside the stated
band, "rank" Spearman's correlation. The last columns are other estimates of the same points, smallest and largest estimate /
measured: a price per operation alone, and SANA-FE's prices times counts (dynamic only; it has prices for Loihi).

![estimate against measured, by set](silicon_validation.svg)

| set | predicted | mean error | worst error | worst factor | band | rank | target | price per operation | SANA-FE-style |
|---|---|---|---|---|---|---|---|---|---|
"""
BLIND = """Predicted, and measured by others whose figures we have not seen. Whoever has them can check.

| point | predicted | band | rests on |
|---|---|---|---|
"""


def report_text(checked: Checked, name: str, question: str) -> str:
    scores = checked.scores
    losses = "\n".join(f"* {remark}" for remark in [*filter(None, [checked.left_out]), *checked.remarks])
    blind = "\n".join(
        f"| {b.point} | {b.value:.4g} {b.unit} | {b.low:.4g} to {b.high:.4g} | {b.from_what} |" for b in checked.blind
    )
    details = "\n\n".join(_details(score) for score in scores if score.predicted)
    table = HEAD.format(name=name, question=question) + "\n".join(
        f"| {' | '.join(cells_of(score))} |" for score in scores
    )
    return (
        f"{table}\n\n## What this says, losses first\n\n{losses}\n\n## Blind\n\n{BLIND}{blind}\n\n"
        f"## Every predicted point\n\n{details}\n"
    )


def heads() -> list[str]:
    return [head.strip() for head in HEAD.splitlines()[-2].strip("|").split("|")]


def cells_of(score: Score) -> list[str]:
    rivals, sanafe = score.rival_factors, score.sanafe_factors
    return [
        score.name, str(len(score.predicted)), _percent(score.mean_error), _percent(score.worst_error),
        "-" if score.worst_factor is None else f"x{score.worst_factor:.2f}", _percent(score.coverage),
        "-" if score.rank_correlation is None else f"{score.rank_correlation:.2f}", score.target,
        "-" if rivals is None else f"x{rivals[0]:.3g} to x{rivals[1]:.3g} ({score.rival})",
        "-" if sanafe is None else f"x{sanafe[0]:.3g} to x{sanafe[1]:.3g}",
    ]  # fmt: skip


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _details(score: Score) -> str:
    head = f"**{score.name}**\n\n| device | point | estimate / measured | inside the band |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {p.device} | {p.name} | {p.estimate / p.measured:.3f} | {'yes' if p.covered else 'no'} |"
        for p in score.predicted
    )


def report_data(checked: Checked) -> str:
    """Errors, not measured values: some of the measured tables may not be passed on."""
    blind = [{field: _plain(value) for field, value in vars(b).items()} for b in checked.blind]
    return json.dumps({"sets": [_as_data(score) for score in checked.scores], "blind": blind}, indent=1) + "\n"


def _plain(value: object) -> object:
    return _round(value) if isinstance(value, float) else value


def _as_data(score: Score) -> dict[str, object]:
    return {
        "set": score.name,
        "target": score.target,
        "predicted": len(score.predicted),
        "mean_error": _round(score.mean_error),
        "worst_error": _round(score.worst_error),
        "worst_factor": _round(score.worst_factor),
        "band_coverage": _round(score.coverage),
        "rank_correlation": _round(score.rank_correlation),
        "rival": score.rival,
        "points": [_point(p) for p in score.points],
    }


def _point(p: Point) -> dict[str, object]:
    rival = None if p.rival is None else _round(p.rival / p.measured)
    said = {"estimate_by_measured": _round(p.estimate / p.measured), "rival_by_measured": rival}
    return {"device": p.device, "point": p.name, "fitted": p.fitted, **said, "inside_band": p.covered}


def _round(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
