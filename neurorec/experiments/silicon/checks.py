"""All sets of the silicon validation: scores, caveats, and predictions that we cannot check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurorec.experiments.silicon.abr import BOARDS, find_measured
from neurorec.experiments.silicon.blind import Blind, blind_predictions, loihi_sweep
from neurorec.experiments.silicon.keyword import affine_error, keyword_scores, loihi_scores
from neurorec.experiments.silicon.published import chip_scores, microcircuit_scores
from neurorec.experiments.silicon.score import Score
from neurorec.experiments.silicon.silicon_card import SiliconValidation
from neurorec.experiments.silicon.tiny import tiny_scores


@dataclass(frozen=True)
class Checked:
    """`remarks`: caveats, and why some sets are missing."""

    scores: list[Score]
    remarks: list[str]
    blind: list[Blind]


def check_silicon(card: SiliconValidation) -> Checked:
    """All sets; without the measured tables, only those with published points."""
    folder = find_measured()
    published = [*chip_scores(), *microcircuit_scores()]
    if folder is None:
        missing = (
            "keyword spotting and MLPerf Tiny are omitted: their measured tables are not part of neurorec; put "
            "abr_kws_measured.csv, abr_loihi_rails.csv and mlperf_tiny_v1.0_energy.csv in a folder and name it in "
            "NEUROREC_MEASURED"
        )
        return Checked(published, [missing], blind_predictions())
    keyword = keyword_scores(folder, card.fitted_runs) + loihi_scores(folder, card.loihi_spikes_per_step)
    blind = loihi_sweep(folder, card.loihi_branches_unseen) + blind_predictions()
    return Checked(keyword + tiny_scores(folder) + published, [straight_lines(folder, card.fitted_runs)], blind)


def straight_lines(folder: Path, fitted: list[str]) -> str:
    """Errors of the simplest law through the same end points, as a bar."""
    bars = []
    for board, device in BOARDS.items():
        total, dynamic = (affine_error(folder, device, fitted, dynamic=dynamic) for dynamic in (False, True))
        bars.append(f"{board} {total:.1%} of total and {dynamic:.1%} of dynamic")
    return f"Errors of straight lines through the same end points: {', '.join(bars)}."
