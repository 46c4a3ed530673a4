"""`neurorec cost RUN`: what a finished run cost, by result and by training, and with one setting varied."""

import csv
import re
from dataclasses import replace

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.collect import price_run, rebuild_network
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.experiments.store import read_activity, read_history, read_run
from neurorec.experiments.workloads import read_work
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.counting import count_work
from neurorec.report.pricing import print_cost
from neurorec.report.sweeping import print_sweep
from neurorec.report.training.rows import csv_rows
from tests.experiments.tiny import in_this_process, seal, write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    home = tmp_path_factory.mktemp("priced")
    prepared = prepare_study(write_study(home), out=home / "out")
    return home / "out", run_study(prepared, make_executor=in_this_process)


@pytest.fixture(scope="module")
def spiking(study):
    (run,) = (study[0] / "done").glob("tiny-spiking-bptt-store_recall-*")
    return run


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_stored_run_keeps_its_activity_by_step(spiking):
    activity = read_activity(spiking)
    hidden = activity.layers["hidden"]
    assert hidden.steps.shape == (activity.steps, len(hidden.spikes))
    counts = count_work(read_work(spiking).work)
    assert counts.per_step["hidden"].events.sum() == counts.layers["hidden"].synaptic_events > 0


def test_a_run_stored_without_steps_is_still_priced(spiking, tmp_path):
    import shutil

    import numpy as np

    old = tmp_path / spiking.name
    shutil.copytree(spiking, old)
    with np.load(old / "activity.npz") as arrays:
        kept = {name: arrays[name] for name in arrays if not name.endswith("steps") or "/" not in name}
    np.savez(old / "activity.npz", **kept)
    seal(old)
    before, after = (price(read_work(folder).work, "loihi1") for folder in (old, spiking))
    assert before.dynamic_pJ == after.dynamic_pJ
    assert before.operations.per_step is None


def test_training_and_what_it_bought_are_printed(spiking, capsys):
    print_cost(read_work(spiking), ["cmos_45nm", "loihi1"], training=True)
    text = said(capsys)
    assert "per-term prices, energy of the whole training" in text
    record, asked = read_run(spiking), read_work(spiking)
    cost = price(asked.work, "cmos_45nm")
    assert f"({record.test_score:.1%} of the test answers are correct)" in text
    assert f"the training took {int(record.training['epochs'])} epoch" in text
    assert "loihi1: cannot train: it cannot run a backward pass through time" in text
    assert "8 KB SRAM: weights of hidden" in text or "8 KB SRAM: states of hidden" in text
    assert cost.training.dynamic_pJ.value == cost.training.energy_pJ.value
    with open(spiking / "history.csv") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == [epoch for epoch, _ in asked.outcome.history]


def test_a_target_says_the_epoch_or_that_it_was_not_reached(spiking, capsys):
    scores = [score for _, score in read_history(spiking)]
    print_cost(read_work(spiking), ["cmos_45nm"], target=max(scores))
    epoch = scores.index(max(scores)) + 1
    assert f"first reached after epoch {epoch} of {len(scores)}" in said(capsys)
    print_cost(read_work(spiking), ["cmos_45nm"], target=1.0)
    if max(scores) < 1.0:
        assert "training to a validation score of 1: – (not reached: " in said(capsys)


def test_a_batch_of_a_stored_run(spiking):
    alone, together = (price(read_work(spiking, batch=batch).work, "xeon_e5_2630") for batch in (1, 16))
    assert together.energy_pJ.value < alone.energy_pJ.value


def test_a_sweep_prints_a_table_and_draws_a_picture(spiking, capsys, tmp_path):
    picture = tmp_path / "precision.svg"
    print_sweep(
        lambda: read_work(spiking), ["cmos_45nm", "cmos_7nm", "loihi1"], "precision=8,16,32", picture, training=True
    )
    text = said(capsys)
    assert "cmos_45nm int8" in text
    assert "nothing is scaled; accuracy in that type is not claimed" in text
    assert "loihi1, precision int8: its card does not state" in text
    drawn = picture.read_text()
    assert drawn.startswith("<?xml")
    assert drawn.count("cmos_45nm") >= 2 or "<path" in drawn


@pytest.mark.parametrize("sweep", ["sparsity=0,0.9", "batch=1,4", "dt_ms=0.5,1"])
def test_every_sweep_of_a_run_draws_a_picture(spiking, sweep, tmp_path):
    picture = tmp_path / "sweep.png"
    print_sweep(lambda: read_work(spiking), ["loihi1", "xeon_e5_2630", "truenorth"], sweep, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_wrong_requests_are_told_what_to_do(spiking, tmp_path):
    def sweep(text="precision=8", chips=("cmos_45nm",), plot=None):
        print_sweep(lambda: read_work(spiking), list(chips), text, plot)

    for told, request in [
        ("a.gif: the plot must be one of .svg, .png, .pdf", {"plot": tmp_path / "a.gif"}),
        ("the plot cannot be written", {"plot": tmp_path / "no" / "a.svg"}),
        ("no chip can price any of these values: loihi1: its card does not state", {"chips": ("loihi1",)}),
        ('there is no card "loihi" in hardware/', {"chips": ("loihi",)}),
    ]:
        with pytest.raises(InputError, match=re.escape(told)):
            sweep(**request)
    with pytest.raises(InputError, match=re.escape("--target 1.5: a validation score is between 0 and 1")):
        print_cost(read_work(spiking), ["loihi1"], target=1.5)


def test_results_csv_says_what_training_cost(study, spiking):
    record = read_run(spiking)
    chips = {name: load_chip(name) for name in ("cmos_45nm", "a100", "loihi1")}
    priced = price_run(record, rebuild_network(record, spiking), chips)
    *rows, refused = csv_rows(replace(study[1], runs=[record], costs=priced))
    for row in rows:
        assert 0 < row["training_low_pJ"] <= row["training_total_pJ"] <= row["training_high_pJ"]
        parts = row["training_dynamic_pJ"] + (row["training_static_pJ"] or 0.0)
        assert row["training_total_pJ"] == pytest.approx(parts)
        assert "nonlinearity" in row["training_unpriced"].split("; ")
    assert refused["training_total_pJ"] == refused["training_unpriced"] == ""
    assert "backward pass" in refused["training_why_not"]
