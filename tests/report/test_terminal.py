"""The table in the terminal: right numbers, marked columns, refusals and failures explained, at 80 and 120 columns."""

import io

import pytest
from rich.console import Console

from neurorec.report.pages import page_of
from neurorec.report.terminal import print_page
from tests.report.made_up import made_up_results, with_failure, with_scores


def printed(results, width=120):
    text = io.StringIO()
    print_page(page_of(results), Console(file=text, width=width))
    return text.getvalue()


def test_numbers_in_the_table_are_the_means_of_the_seeds(tmp_path):
    results = with_scores(made_up_results(tmp_path), {("LSTM", "bptt", "row_digits"): (0.5, 0.6, 0.7)})
    row = next(line for line in printed(results).splitlines() if line.strip().startswith("LSTM"))
    assert "0.600 ± 0.100" in row
    assert "55.0 µJ [40–78]" in row


@pytest.mark.parametrize("width", [80, 120])
def test_every_task_net_and_control_is_there_and_nothing_is_too_wide(tmp_path, width):
    text = printed(made_up_results(tmp_path), width)
    for name in ("row_digits", "store_recall", "frame_digits", "ridge on input", "chance", "liquid state", "frozen"):
        assert name in text
    assert max(map(len, text.splitlines())) <= width


def test_the_two_kinds_of_chips_are_marked(tmp_path):
    lines = printed(made_up_results(tmp_path)).splitlines()
    names = next(line for line in lines if "loihi1" in line)
    scopes = next(line for line in lines if "per-term" in line)
    assert names.index("cortex_m4") == scopes.index("all-in")
    assert scopes.index("per-term") == names.index("loihi1")


def test_a_total_that_lacks_a_price_is_marked(tmp_path):
    text = printed(made_up_results(tmp_path))
    assert "≥ 1.10 µJ" in text
    assert "≥ on loihi1: no price for threshold adaptation (adaptive LIF)" in text


def test_reasons_and_failures_stand_whole_beneath(tmp_path):
    text = " ".join(printed(with_failure(made_up_results(tmp_path), "the loss became nan"), 80).split())
    assert (
        "(a) loihi1 cannot run Elman, LSTM, echo state: the chip sends spikes; this network sends real values" in text
    )
    assert "failed: LSTM, BPTT, row_digits, seed 2: the loss became nan" in text


def test_a_pipe_gets_plain_text(tmp_path):
    assert "\x1b" not in printed(made_up_results(tmp_path))
