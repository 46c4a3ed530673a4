"""Whatever is killed, no run is lost, none is stored twice, and each is the same as on one machine, bit for bit."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter

import pytest

from neurorec.experiments import runner
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from tests.experiments.cluster.machines import REPOSITORY, Study, machines, noted, notes, stored, until
from tests.experiments.tiny import write_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def undisturbed(card):
    out = card.parent / "undisturbed"
    run_study(prepare_study(card, out=out, jobs=1))
    return stored(out)


@pytest.fixture
def place(tmp_path):
    with machines(tmp_path / "side") as found:
        yield found


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(runner, "execute", noted)


def test_a_killed_worker_costs_nothing(place, card, undisturbed, tmp_path, counted):
    place.start_worker("first")
    place.start_worker("second")
    (place.folder / "hold").touch()
    study = Study(card, tmp_path / "out", place.address)
    begun = until(lambda: len(notes(place.folder / "begun")) == 2 and notes(place.folder / "begun"), "two runs")
    lost = next(run_id for run_id, process in begun if process == place.processes["first"].pid)
    place.kill("first")
    (place.folder / "hold").unlink()
    results = study.end()
    assert [run.status for run in results.runs] == ["done"] * 6
    assert stored(tmp_path / "out") == undisturbed
    ended = Counter(run_id for run_id, _ in notes(place.folder / "ended"))
    assert ended == Counter(run.run_id for run in results.runs)
    begun = Counter(run_id for run_id, _ in notes(place.folder / "begun"))
    assert begun == ended + Counter([lost])


def test_a_scheduler_that_is_killed_and_started_again_costs_nothing(place, card, undisturbed, tmp_path, counted):
    place.start_worker("first")
    study = Study(card, tmp_path / "out", place.address)
    until(lambda: len(study.listener.ended) >= 2, "two finished runs")
    (place.folder / "hold").touch()
    until(lambda: len(notes(place.folder / "begun")) > len(notes(place.folder / "ended")), "a run in work")
    place.kill("scheduler")
    (place.folder / "hold").unlink()
    place.processes["first"].wait(60)  # a worker ends without its scheduler
    place.start_scheduler()
    place.start_worker("first again")
    results = study.end()
    assert [run.status for run in results.runs] == ["done"] * 6
    assert stored(tmp_path / "out") == undisturbed
    every = {run.run_id for run in results.runs}
    twice = Counter(run_id for run_id, _ in notes(place.folder / "ended")) - Counter(every)
    assert twice.total() <= 1  # the run in work, whose result could not be handed over
    assert set(study.listener.ended) == every
    assert [line for line in study.listener.said if "was lost" in line] == [
        f"the scheduler at {place.address} was lost; waiting up to 120 s for it to come back"
    ]


def test_a_killed_client_continues_where_it_was(place, card, undisturbed, tmp_path, counted):
    place.start_worker("first")
    command = [
        sys.executable,
        "-m",
        "tests.experiments.cluster.client",
        str(card),
        str(tmp_path / "out"),
        place.address,
    ]
    client = subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True)
    try:
        done = tmp_path / "out" / "done"
        until(lambda: done.is_dir() and len(list(done.iterdir())) >= 2, "two stored runs")
        (place.folder / "hold").touch()
        until(lambda: len(notes(place.folder / "begun")) > len(notes(place.folder / "ended")), "a run in work")
    finally:
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
    before = {path.name for path in done.iterdir()}
    (place.folder / "hold").unlink()
    study = Study(card, tmp_path / "out", place.address)
    results = study.end()
    assert stored(tmp_path / "out") == undisturbed
    assert study.listener.already_done == len(before)
    ended = Counter(run_id for run_id, _ in notes(place.folder / "ended"))
    assert set(ended) == {run.run_id for run in results.runs}
    assert {run_id for run_id, count in ended.items() if count > 1} <= set(ended) - before


def test_a_run_that_ends_its_workers_fails_alone(place, card, undisturbed, tmp_path, counted):
    place.start_worker("first", nanny=True)
    (place.folder / "deadly-rate").touch()
    results = Study(card, tmp_path / "out", place.address).end()
    (lost,) = [run for run in results.runs if run.status == "failed"]
    assert (lost.half, lost.control) == ("rate", "")
    assert re.fullmatch(
        r"4 workers died while they ran it \(the log of the last, tcp://127.0.0.1:\d+, may say why\); give workers more "
        "memory", lost.reason,
    )  # fmt: skip
    others = {path: content for path, content in undisturbed.items() if lost.run_id not in path.parts}
    assert stored(tmp_path / "out") == others
