"""Runs on Dask workers: the same results, and one message where something does not fit."""

import importlib.util
import re
import socket
from dataclasses import replace

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments import dask_client, demand, runner
from neurorec.experiments.cluster import EventChannel, connect
from neurorec.experiments.dask_client import parse_place
from neurorec.experiments.kind import Asked, study_kinds
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from tests.experiments.cluster.machines import Listener, Study, machines, noted, notes, stored, until
from tests.experiments.tiny import write_study

OWN = """
import os
from pathlib import Path

import numpy as np
import torch

from neurorec.basics.errors import InputError
from neurorec.tasks.task import Task, tasks

@tasks.register("recorded")
def recorded(seed):
    path = Path(os.environ["NEUROREC_DATA"]) / "recorded.npy"
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording")
    x = torch.from_numpy(np.load(path))
    splits = {"train": [0, 1], "validation": [2], "test": [3]}
    return Task.from_arrays(x, torch.arange(x.shape[1]) % 2, "classification", splits)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A worker with a plugin, whose data set is not there."""
    side = tmp_path_factory.mktemp("side")
    (side / "own_task.py").write_text(OWN)
    with machines(side) as found:
        found.start_worker("worker", path=str(side), NEUROREC_PLUGINS="own_task", NEUROREC_DATA=str(side / "data"))
        yield found


@pytest.fixture
def prepared(place, tmp_path):
    return prepare_study(write_study(tmp_path), out=tmp_path / "out", cluster=place.address)


def refusal(prepared):
    """What differs at the only worker, and what to do."""
    with pytest.raises(InputError) as error:
        run_study(prepared)
    first, worker, last = str(error.value).split("\n")
    assert first == "these workers of the cluster cannot do what the client asks:"
    assert last == demand.REMEDY
    assert not list((prepared.folder / "done").iterdir())
    return re.fullmatch(r"  tcp://127\.0\.0\.1:\d+: (.*)", worker)[1]


def test_a_cluster_gives_the_results_of_one_machine(place, prepared, tmp_path):
    listener = Listener()
    results = run_study(prepared, listener)
    run_study(prepare_study(prepared.study.path, out=tmp_path / "here", jobs=1))
    assert stored(tmp_path / "out") == stored(tmp_path / "here")
    assert [run.status for run in results.runs] == ["done"] * 6
    assert listener.total == len(listener.ended) == 6


def test_epochs_are_heard_while_a_run_is_in_work(place, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "execute", noted)
    (place.folder / "hold at the end").touch()
    (place.folder / "talk").touch()
    study = Study(write_study(tmp_path), tmp_path / "out", place.address)
    try:
        until(lambda: study.listener.epochs, "an epoch")
    finally:
        (place.folder / "hold at the end").unlink()
    study.end()


def test_a_worker_with_other_versions_is_refused_before_anything_runs(place, prepared, monkeypatch):
    own = dict(demand._versions())
    monkeypatch.setattr(demand, "_versions", lambda: tuple((own | {"torch": "9.9", "python": "3.99"}).items()))
    assert refusal(prepared) == f"python {own['python']} (client: 3.99); torch {own['torch']} (client: 9.9)"


def test_a_worker_with_other_code_is_refused(place, prepared, monkeypatch):
    monkeypatch.setattr(demand, "_code", lambda: "0123456789abcdef")
    assert re.fullmatch(r"neurorec's code [0-9a-f]{8} \(client: 01234567\)", refusal(prepared))


def test_a_worker_with_other_plugins_is_refused(place, prepared, monkeypatch):
    monkeypatch.setattr(demand, "plugin_digests", lambda: {"own_task": "other"})
    assert refusal(prepared) == "plugin own_task has other code"
    monkeypatch.setattr(demand, "plugin_digests", lambda: {"no_such_plugin": "other"})
    assert refusal(prepared).startswith('plugin "no_such_plugin": there is no module no_such_plugin')
    monkeypatch.undo()
    run_study(prepared)  # the worker has forgotten that plugin


def test_a_data_set_that_a_worker_lacks_is_named(place, prepared):
    wanted = replace(prepared, specs=[replace(prepared.specs[0], task="recorded")])
    data = place.folder / "data"
    assert refusal(wanted) == f'task "recorded" cannot be loaded: {data / "recorded.npy"}: there is no such recording'
    data.mkdir()
    np.save(data / "recorded.npy", np.zeros((3, 4, 2), dtype=np.float32))
    connect(place.address, wanted.specs, EventChannel(), print).shutdown()


def test_a_worker_that_joins_later_and_differs_ends_the_study(place, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "execute", noted)
    before = len(notes(place.folder / "begun"))
    (place.folder / "hold").touch()
    study = Study(write_study(tmp_path), tmp_path / "out", place.address)
    until(lambda: len(notes(place.folder / "begun")) > before, "a run in work")
    place.start_worker("late", "--nthreads", "2")
    try:
        with pytest.raises(InputError, match=r"tcp://127.0.0.1:\d+: 2 threads; start it with --nthreads 1\n"):
            study.end()
    finally:
        (place.folder / "hold").unlink()
        place.kill("late")


@pytest.mark.parametrize(
    "text", ["", "here", "tcp://host", "http://host:1", "local", "local:0", "local:-1", "local:257"]
)
def test_a_place_that_is_none(text):
    with pytest.raises(InputError) as error:
        parse_place(text)
    assert str(error.value) == (
        f"--cluster {text}: expected tcp://HOST:PORT (or tls://) of a Dask scheduler, or local:N with N from 1 to 256"
    )


def test_what_is_no_scheduler_is_named(place, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_client, "ANSWER_S", 0.5)
    card = write_study(tmp_path)

    def said(address):
        with pytest.raises(InputError) as error:
            run_study(prepare_study(card, out=tmp_path / "out", cluster=address))
        start, end = f"--cluster {address}: no Dask scheduler answers there (", "start one with `dask scheduler`"
        assert str(error.value).startswith(start)
        assert str(error.value).endswith(f"); check host and port, or {end}")
        return str(error.value).removeprefix(start).partition(");")[0]

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert said(address) == "nothing came in 0.5 s"
    assert said(address).startswith(("Timed out trying to connect", "nothing came in"))  # whichever comes first
    worker = re.search(r"Start worker at: +(tcp://[\d.:]+)", (place.folder / "worker.log").read_text())[1]
    assert said(worker) == "a Worker does"
    assert said("tls://127.0.0.1:1").startswith("TLS expects")


def test_options_that_do_not_go_with_a_cluster(tmp_path):
    with pytest.raises(
        InputError, match=r"^--jobs 2: the workers of --cluster local:1 decide how many run in parallel"
    ):
        prepare_study(write_study(tmp_path), jobs=2, cluster="local:1")
    for kind, study in (("communication", "communication_of_training"), ("silicon_validation", "silicon_validation")):
        with pytest.raises(InputError, match=f"^--cluster: {study} .*; omit this option"):
            study_kinds[kind]().prepare(Asked(study, cluster="local:1"))


def test_without_dask_a_cluster_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'^--cluster: Dask is not installed; pip install "neurorec\[cluster\]"$'):
        parse_place("local:1")
