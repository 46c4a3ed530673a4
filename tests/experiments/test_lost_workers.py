"""A worker that dies costs the run that it ran, and nothing else."""

import os
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
from neurorec.experiments.workers import WorkerLost, Workers
from tests.experiments.tiny import Notebook, write_study


def killed(spec, channel):
    """`execute` in a worker that the system kills at one of the runs."""
    if spec.half == "rate" and not spec.control:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(spec, channel)


def killed_once(spec, channel):
    marker = channel.folder / f"{spec.run_id}.seen"
    if marker.exists():
        return execute(spec, channel)
    marker.touch()
    return killed(spec, channel)


class Listener(Notebook):
    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, line):
        self.said.append(line)


def run_with(monkeypatch, tmp_path, how):
    monkeypatch.setattr(runner, "execute", how)
    listener = Listener()
    return listener, run_study(prepare_study(write_study(tmp_path), out=tmp_path / "out", jobs=2), listener)


def test_a_lost_worker_costs_one_run_which_is_marked_as_failed(monkeypatch, tmp_path):
    listener, results = run_with(monkeypatch, tmp_path, killed)
    (lost,) = [run for run in results.runs if run.status == "failed"]
    assert (lost.half, lost.control) == ("rate", "")
    assert lost.reason == (
        "the worker process died (signal SIGKILL, which the system sends when memory runs out), 2 times; give it more "
        "memory, or use fewer --jobs"
    )
    assert sum(run.status == "done" for run in results.runs) == 5
    assert results.failures == [f"Elman, surrogate BPTT, store_recall, seed 0: {lost.reason}".replace("surrogate ", "")]
    assert [path.stem for path in (tmp_path / "out" / "failed").iterdir()] == [lost.run_id]
    assert len(listener.said) == 1


def test_a_run_whose_worker_is_lost_is_tried_once_more(monkeypatch, tmp_path):
    listener, results = run_with(monkeypatch, tmp_path, killed_once)
    assert [run.status for run in results.runs] == ["done"] * 6
    assert len(listener.said) == 1
    assert listener.said[0].endswith("; trying once more")


def test_workers_are_replaced_and_pass_on_errors():
    workers = Workers(1)
    assert workers.submit(truediv, 6, 3).result() == 2
    with pytest.raises(ZeroDivisionError):
        workers.submit(truediv, 1, 0).result()
    with pytest.raises(WorkerLost, match="exit code 7"):
        workers.submit(os._exit, 7).result()
    assert workers.submit(truediv, 6, 2).result() == 3
    workers.shutdown()


PARENT = """
from neurorec.experiments.workers import Workers
workers = Workers(1)
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
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    time.sleep(0.3)
    assert is_running(worker)
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 3
    while is_running(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_running(worker)


def test_stopping_ends_the_workers_at_once():
    workers = Workers(1)
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
