"""A worker that dies costs the run that it ran, and nothing else."""

import os
import pickle
import signal
import subprocess
import sys
import time
from operator import truediv
from pathlib import Path

import pytest

from neurorec.experiments import runner
from neurorec.experiments.execute import execute
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.experiments.progress import FileChannel, Progress
from neurorec.experiments.workers import LocalWorkers, WorkerLost
from tests.experiments.tiny import Notebook, in_this_process, write_study


def killed(spec, channel):
    """`execute` in a worker that the system kills: at one run always, at another the first time."""
    marker = channel.folder / f"{spec.run_id}.seen"
    if spec.half == "rate" and not (spec.control and marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(spec, channel)


class Listener(Notebook):
    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, line):
        self.said.append(line)


def test_a_lost_worker_costs_one_run_which_is_tried_once_more_and_then_marked_as_failed(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "execute", killed)
    listener = Listener()
    results = run_study(prepare_study(write_study(tmp_path), out=tmp_path / "out", jobs=2), listener)
    (lost,) = [run for run in results.runs if run.status == "failed"]
    assert (lost.half, lost.control) == ("rate", "")
    assert lost.reason == (
        "the worker process died (signal SIGKILL, which the system sends when memory runs out), 2 times; give it more "
        "memory, or use fewer --jobs"
    )
    assert sum(run.status == "done" for run in results.runs) == 5
    assert results.failures == [f"Elman, BPTT, store_recall, seed 0: {lost.reason}"]
    assert [path.stem for path in (tmp_path / "out" / "failed").iterdir()] == [lost.run_id]
    assert len(listener.said) == 2
    assert all(line.endswith("; trying once more") for line in listener.said)


def test_workers_are_replaced_and_pass_on_errors():
    workers = LocalWorkers(1)
    assert workers.submit(truediv, 6, 3).result() == 2
    with pytest.raises(ZeroDivisionError):
        workers.submit(truediv, 1, 0).result()
    with pytest.raises(WorkerLost, match="exit code 7"):
        workers.submit(os._exit, 7).result()
    assert workers.submit(truediv, 6, 2).result() == 3
    workers.shutdown()


def test_an_error_of_the_client_ends_the_workers_at_once():
    def fail():
        with LocalWorkers(1) as workers:
            workers.submit(time.sleep, 60)
            time.sleep(0.1)
            raise ZeroDivisionError

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert time.monotonic() - start < 30


def test_progress_reaches_the_client_through_files(tmp_path):
    channel = FileChannel(tmp_path)
    pickle.loads(pickle.dumps(channel)).tell("x", Progress(1, 3, 0.5))
    channel.tell("y", Progress(2, 3, None))
    (tmp_path / "z.progress").write_text("half")
    assert channel.heard() == {"x": (1, 3, 0.5), "y": (2, 3, None)}
    channel.forget("x")
    assert list(channel.heard()) == ["y"]
    FileChannel(tmp_path / "gone").tell("x", Progress(1, 3, None))  # progress is never worth an error


class Told:
    """A channel that needs no files."""

    def __init__(self):
        self.told, self.forgotten = {}, []

    def tell(self, run_id, progress):
        self.told[run_id] = progress
        time.sleep(0.3)

    def heard(self):
        return dict(self.told)

    def forget(self, run_id):
        self.told.pop(run_id, None)
        self.forgotten.append(run_id)


def test_an_executor_may_bring_its_own_channel(tmp_path):
    class Listening(Listener):
        def progress(self, spec, epoch, epochs, score):
            self.said.append((spec.title, epoch, epochs, score))

    listener, channel = Listening(), Told()
    prepared = prepare_study(write_study(tmp_path), out=tmp_path / "out")
    run_study(prepared, listener, in_this_process, channel)
    assert "tiny spiking bptt store_recall seed 0" in {title for title, *_ in listener.said}
    assert {line[1:3] for line in listener.said} == {(1, 1)}
    assert len(channel.forgotten) == 6


PARENT = """
from neurorec.experiments.workers import LocalWorkers
workers = LocalWorkers(1)
print(workers.submit(eval, "__import__('os').getpid()").result(), flush=True)
workers.submit(eval, "__import__('ctypes').PyDLL(None).sleep(60)").result()  # no other thread of the worker runs meanwhile
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker looks for its parent every second")
def test_a_worker_dies_with_its_parent_whatever_it_is_at():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        time.sleep(0.3)
        assert is_running(worker)
        parent.kill()
        parent.wait()
        until = time.monotonic() + 3
        while is_running(worker) and time.monotonic() < until:
            time.sleep(0.02)
        survived = is_running(worker)
        if survived:
            os.kill(worker, signal.SIGKILL)
    assert not survived


def test_stopping_ends_the_workers_at_once():
    workers = LocalWorkers(1)
    pid = workers.submit(os.getpid).result()
    busy = workers.submit(time.sleep, 60)
    waiting = workers.submit(time.sleep, 60)
    time.sleep(0.1)
    workers.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(WorkerLost, match="SIGKILL"):
        busy.result(timeout=5)
    assert waiting.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
