"""The silicon check: scores by hand, published points without the logs, and the whole of it where the logs are at hand."""

import os
import re
from pathlib import Path

import pytest

from neurorec.basics.cards import PACKAGE
from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.experiments.kind import Asked
from neurorec.experiments.kinds.silicon_kind import SiliconChecks, SiliconResults
from neurorec.experiments.runner import Watcher
from neurorec.experiments.silicon.abr import BOARDS, find_measured, keyword_runs, read_rows
from neurorec.experiments.silicon.blind import loihi_sweep, operations_of
from neurorec.experiments.silicon.checks import check_silicon
from neurorec.experiments.silicon.keyword import affine_error
from neurorec.experiments.silicon.published import _table, chip_scores, microcircuit_scores
from neurorec.experiments.silicon.score import Point, Score
from neurorec.experiments.silicon.silicon_card import load_validation
from neurorec.hardware.calibrate import calibrate
from neurorec.hardware.chips.chip import load_chip
from neurorec.report.page import markdown
from neurorec.report.pages import page_of
from neurorec.report.studies import rebuild_folder, run_asked

MEASURED = Path(os.environ.get("NEUROREC_MEASURED", PACKAGE.parent.parent / "shared" / "facts" / "measured"))
STUDY = load_validation("silicon_validation").card
ENDS = STUDY.fitted_runs
needs_logs = pytest.mark.skipif(
    not (MEASURED / "abr_kws_measured.csv").is_file(),
    reason="no measured tables: set NEUROREC_MEASURED, or put them in ../shared/facts/measured",
)


def point(measured: float, estimate: float, fitted: bool = False) -> Point:
    return Point("chip", "p", "uJ", measured, estimate, estimate / 1.5, estimate * 1.5, 10.0, fitted)


def test_scores_by_hand_leave_fitted_points_out():
    score = Score("set", "rival", [point(10, 11), point(10, 5), point(20, 30), point(1, 99, fitted=True)])
    assert score.mean_error == pytest.approx((0.1 + 0.5 + 0.5) / 3)
    assert score.worst_error == pytest.approx(0.5)
    assert score.worst_factor == pytest.approx(2.0)
    assert score.coverage == pytest.approx(2 / 3)
    assert score.rank_correlation == pytest.approx(0.866, abs=1e-3)
    assert score.rival_factors == (0.5, 1.0)


def test_a_set_that_was_only_fitted_claims_nothing(tmp_path):
    score = Score("set", "rival", [point(1, 1, fitted=True)])
    assert (score.mean_error, score.worst_error, score.coverage, score.rank_correlation) == (None,) * 4
    results = SiliconResults("study", "How far?", tmp_path, [score], ["nothing"], [], [])
    assert "| set | 0 | – | – | – | – | – |" in markdown(page_of(results))


def test_every_published_point_has_a_source():
    assert all(cite(row["source"]) for name in ("truenorth", "odin") for row in _table(name))
    assert len(_table("pd14")) == 13


def test_truenorth_and_odin_through_described_networks():
    at_law, elsewhere, odin = chip_scores()
    assert [p.error for p in at_law.points] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert at_law.predicted == []
    assert at_law.rival_factors == pytest.approx((0.594, 3.56), rel=1e-3)  # 26 pJ per event: -40.6 % and +256 %
    assert elsewhere.worst_error > 0.4
    assert odin.worst_error < 1e-3


def test_microcircuit_within_a_factor_of_two_where_the_run_time_is_known():
    with_time, without = microcircuit_scores()
    assert len(with_time.predicted) == 11  # the two FPGA machines are alone of their kind
    assert with_time.worst_factor < 2.0 < without.worst_factor


def test_a_folder_without_tables_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROREC_MEASURED", str(tmp_path))
    with pytest.raises(
        InputError, match=r"there is no abr_kws_measured\.csv; set it to the folder of the measured tables"
    ):
        find_measured()


def test_without_the_tables_the_published_sets_are_checked_and_the_others_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("neurorec.experiments.silicon.checks.find_measured", lambda: None)
    run_asked(Asked("silicon_validation", out=tmp_path / "out"))
    said = " ".join(capsys.readouterr().out.split())
    assert "keyword spotting and MLPerf Tiny are omitted: their measured tables are not part of neurorec" in said
    assert "NEUROREC_MEASURED" in said
    page = (tmp_path / "out" / "report.html").read_text()
    assert "keyword spotting, xeon" not in page
    assert "cortical microcircuit, power per node x measured time: 11 predicted points, off by 14.5% on average" in page
    assert "no number in this run: Four metered points predict the total energy of keyword spotting on a CPU." in page
    first = (tmp_path / "out" / "summary.md").read_text()
    (tmp_path / "out" / "summary.md").unlink()
    rebuild_folder(tmp_path / "out")
    assert (tmp_path / "out" / "summary.md").read_text() == first


def test_options_that_mean_nothing_here_are_refused():
    with pytest.raises(InputError, match=r"--seeds: silicon_validation trains nothing; omit this option"):
        run_asked(Asked("silicon_validation", seeds=2))
    with pytest.raises(InputError, match=r"--quick: silicon_validation takes only seconds; omit this option"):
        run_asked(Asked("silicon_validation", quick=True))


@needs_logs
@pytest.mark.parametrize(("board", "device"), BOARDS.items())
def test_the_committed_cards_are_the_calibration_of_the_ends(board, device):
    law = calibrate(keyword_runs(MEASURED, device, ENDS).ends)
    chip = load_chip(board)
    assert chip.law is not None
    for macs, batch in ((172_800, 1), (7_316_224, 1), (172_800, 64), (2e6, 8)):
        idle = chip.static.power.mW * chip.law.time.us(macs, batch, 1) * 1e3
        assert (chip.law.energy.pJ(macs, batch, 1) + idle) * 1e-6 == pytest.approx(law.total_uJ(macs, batch), rel=1e-3)


@needs_logs
def test_the_whole_check_and_its_committed_result(monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROREC_MEASURED", str(MEASURED))
    checked = check_silicon(STUDY)
    scores = {score.name: score for score in checked.scores}
    assert scores["keyword spotting, xeon_e5_2630, total"].mean_error < 0.15
    assert scores["keyword spotting, quadro_k4000, total"].mean_error < 0.15
    assert scores["MLPerf Tiny, microcontrollers, price per operation"].mean_error < 0.20
    kind = SiliconChecks()
    results = kind.run(kind.prepare(Asked("silicon_validation", out=tmp_path)), Watcher())
    fresh = markdown(page_of(results))
    committed = (PACKAGE.parent / "docs" / "results" / "silicon_validation.md").read_text()
    told = "run neurorec run silicon_validation and neurorec report runs/silicon_validation --publish docs/results"
    before, now = figures(committed), figures(fresh)
    assert list(before) == list(now), told
    for row in before:
        assert now[row] == pytest.approx(before[row], rel=1e-2, abs=1e-3), (row, told)
    assert len(now) > 100


def figures(text: str) -> dict[tuple[int, str], list[float]]:
    """Every figure of every row of the tables in a Markdown page, but for those of the findings."""
    rows = [
        line.strip("| ").split(" | ") for line in text[text.index("## Errors") :].splitlines() if line.startswith("|")
    ]
    return {
        (n, row[0]): [float(number) for cell in row[1:] for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", cell)]
        for n, row in enumerate(rows)
    }


@needs_logs
def test_the_loihi_sweep_passes_through_its_given_ends():
    rows = read_rows(MEASURED / "abr_loihi_rails.csv")
    for n in (0, 10):
        own = [row for row in rows if row["n_copies(-1=keyword spotter)"] == str(n)]
        energy_uJ = sum(float(row["run_W"]) * float(row["ms_per_inf"]) * 1e3 for row in own) / len(own)
        said = loihi_sweep(MEASURED, [n])[0]
        assert said.value == pytest.approx(energy_uJ, rel=2e-3)
    between = [blind.value for blind in loihi_sweep(MEASURED, [0, 1, 2, 4, 6, 8, 10])[:7]]
    assert between == sorted(between)
    assert operations_of(10) == 7_316_224


@needs_logs
def test_straight_lines_err_as_the_issue_says():
    assert affine_error(MEASURED, "cpu", ENDS, dynamic=False) == pytest.approx(0.16, abs=0.005)
    assert affine_error(MEASURED, "gpu", ENDS, dynamic=False) == pytest.approx(0.09, abs=0.005)
    assert affine_error(MEASURED, "cpu", ENDS, dynamic=True) == pytest.approx(0.24, abs=0.01)
