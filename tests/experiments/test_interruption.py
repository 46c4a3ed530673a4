"""Ctrl-C at any moment: exit code 130, one message, nothing stored is lost."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from neurorec.cli import ending
from neurorec.cli.ending import stopping_once
from neurorec.experiments.kinds import trainings
from neurorec.experiments.store import read_run
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
        "from neurorec.experiments.workers import LocalWorkers\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "workers = LocalWorkers(1)\n"
        "threading.Thread(target=lambda: [(time.sleep(0.01), os.killpg(0, 2)) for _ in range(40)]).start()\n"
        "print(workers.submit(eval, '6 * 7').result())\n"
        "workers.shutdown()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True)
    assert (done.stdout, done.stderr) == ("42\n", "")


def deciding(out):
    """What a study measured: weights and counts to the bit, and scores."""
    found = {}
    for folder in (out / "done").iterdir():
        record = read_run(folder)
        weights = (folder / "weights.safetensors").read_bytes() if record.half != "baseline" else b""
        counts = (folder / "activity.npz").read_bytes() if record.half != "baseline" else b""
        found[record.run_id] = (weights, counts, record.train_score, record.test_score)
    return found


@pytest.mark.slow
def test_thirty_kills_at_random_moments_change_nothing(tmp_path):
    """Each study is killed three times, then finished; nothing half-written is believed, and no worker survives."""
    card = write_study(tmp_path, epochs=3)
    assert call("run", card, "--out", tmp_path / "whole", "--jobs", 1).returncode == 0
    whole, moments = deciding(tmp_path / "whole"), random.Random(0)
    for study in range(10):
        out = tmp_path / f"out{study}"
        words = [*NEUROREC, "run", str(card), "--out", str(out), "--jobs", "2"]
        for _ in range(3):
            process = subprocess.Popen(
                words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            wait_for_runs(process, out, moments.randrange(5))
            time.sleep(moments.random())
            process.kill()
            process.wait()
            wait_for_workers(process)
        done = call("run", card, "--out", out, "--jobs", 1)
        assert done.returncode == 0, done.stderr
        assert deciding(out) == whole
        assert not list((out / "working").glob("tiny*"))
        assert not (out / "quarantine").exists()
