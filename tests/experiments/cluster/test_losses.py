"""Whatever is killed, no run is lost, none is stored twice, and each is the same as on one machine, bit for bit."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter

import psutil
import pytest

from neurorec.experiments import cluster, dask_client, runner
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
    (place.folder / "hold").write_text("2")
    place.start_worker("first")
    study = Study(card, tmp_path / "out", place.address)
    until(lambda: len(study.listener.ended) == 2 and len(notes(place.folder / "begun")) == 3, "a third run in work")
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
    (place.folder / "hold").write_text("2")
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
        until(lambda: done.is_dir() and len(list(done.iterdir())) == 2, "two stored runs")
        until(lambda: len(notes(place.folder / "begun")) == 3, "a third run in work")
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
    assert (ended - Counter(ended.keys())).total() <= 1  # the run in work
    assert all(ended[run_id] == 1 for run_id in before)


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


def test_a_scheduler_that_stays_away_ends_the_study_with_all_finished_runs_stored(
    place, card, tmp_path, counted, monkeypatch
):
    monkeypatch.setattr(dask_client, "PATIENCE_S", 2)
    monkeypatch.setattr(cluster, "PATIENCE_S", 2)
    (place.folder / "hold").write_text("2")
    place.start_worker("first")
    study = Study(card, tmp_path / "out", place.address)
    until(lambda: len(study.listener.ended) == 2 and len(notes(place.folder / "begun")) == 3, "a third run in work")
    place.kill("scheduler")
    with pytest.raises(cluster.ClusterLost) as error:
        study.end()
    assert str(error.value) == (
        f"the scheduler at {place.address} was lost and did not come back within 2 s. All runs stored before are complete; "
        "the same command continues from there"
    )
    assert error.value.exit_code == 1
    assert {path.name for path in (tmp_path / "out" / "done").iterdir()} == set(study.listener.ended)


def test_a_study_with_workers_of_several_types_of_processor_says_so(place, card, tmp_path):
    study = Study(card, tmp_path / "out", place.address)
    until(lambda: study.listener.said, "a line")
    assert study.listener.said == [f"no worker has joined {place.address} yet; runs wait for the first"]
    place.start_worker("older", ATEN_CPU_CAPABILITY="default")
    until(lambda: len(study.listener.ended) >= 2, "two finished runs")
    place.kill("older")
    place.start_worker("newer")
    (said,) = [note for note in study.end().notes if "processor" in note.lower()]
    assert re.fullmatch(r"MIXED PROCESSORS: .+: \d runs; DEFAULT .+: \d runs\. Sums are rounded .+", said)


def test_ctrl_c_ends_the_client_and_its_local_workers_and_the_same_command_continues(card, undisturbed, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "neurorec", "run", str(card), "--out", str(out), "--cluster", "local:2"]
    client = subprocess.Popen(
        command, cwd=REPOSITORY, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    until(lambda: (out / "done").is_dir() and len(list((out / "done").iterdir())) >= 2, "two stored runs")
    workers = psutil.Process(client.pid).children(recursive=True)
    os.killpg(client.pid, signal.SIGINT)
    said, _ = client.communicate(timeout=60)
    assert client.returncode == 130
    assert re.search(r"^neurorec: stopped; \d of 6 runs are stored. The same command continues", said, re.MULTILINE)
    assert "Traceback" not in said
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    assert stored(out) == undisturbed
