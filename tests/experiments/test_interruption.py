"""Ctrl-C at any moment: exit code 130, one message, nothing stored is lost."""

import os
import signal
import subprocess
import sys
import time

import pytest

from neurorec.cli import ending
from neurorec.cli.ending import stopping_once
from neurorec.experiments.kinds import trainings
from tests.experiments.test_command_line import NEUROREC, SURROUNDINGS, call, wait_for_runs, wait_for_workers
from tests.experiments.tiny import in_this_process, write_study


@pytest.fixture(autouse=True)
def _handler():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_a_second_ctrl_c_does_not_disturb_the_cleaning_up(monkeypatch):
    ended = []
    monkeypatch.setattr(ending.os, "_exit", ended.append)
    before = signal.getsignal(signal.SIGINT)
    with stopping_once():
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        interrupt()
        assert ended == []
        monkeypatch.setattr(ending, "PATIENCE_S", 0.0)
        interrupt()
        assert ended == [130]
    assert signal.getsignal(signal.SIGINT) is not before  # an interrupted process is about to end
    signal.signal(signal.SIGINT, before)
    with stopping_once():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def interrupted(*args, **kwargs):
    interrupt()
    time.sleep(5)


def test_ctrl_c_during_pricing_says_that_the_runs_are_stored(tmp_path, monkeypatch):
    card = write_study(tmp_path)
    monkeypatch.setattr(trainings, "processes", lambda jobs: in_this_process())
    monkeypatch.setattr(trainings, "collect", interrupted)
    done = call("run", card, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert done.stderr == "neurorec: stopped; all finished runs are stored. The same command continues from there\n"


def test_ctrl_c_stops_every_command_with_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr("neurorec.experiments.verbs.check_file", interrupted)
    done = call("check", tmp_path)
    assert (done.returncode, done.stderr) == (130, "neurorec: stopped\n")


@pytest.mark.slow
def test_ctrl_c_twice_within_20_ms(tmp_path):
    card, out = write_study(tmp_path, epochs=40), tmp_path / "out"
    words = [*NEUROREC, "run", str(card), "--out", str(out), "--jobs", "2"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | SURROUNDINGS
    )  # fmt: skip
    wait_for_runs(process, out, 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 6 runs are stored. The same command continues from there" in said
    assert "Traceback" not in said
    wait_for_workers(process)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to block")
def test_ctrl_c_while_a_worker_starts_is_left_to_the_parent():
    code = (
        "import os, signal, threading, time\n"
        "from neurorec.experiments.workers import Workers\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "workers = Workers(1)\n"
        "threading.Thread(target=lambda: [(time.sleep(0.01), os.killpg(0, 2)) for _ in range(40)]).start()\n"
        "print(workers.submit(eval, '6 * 7').result())\n"
        "workers.shutdown()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True)
    assert (done.stdout, done.stderr) == ("42\n", "")
