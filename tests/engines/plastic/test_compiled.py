"""Compiled kernels on disk: found again, shared by processes, and nothing of numba before a network runs."""

import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurorec.engines.event_network import EventNetwork, Population, SpikeTrain
from neurorec.engines.plastic import compiled
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.plan import plan_network
from neurorec.engines.plastic.run import run_network

ROOT = Path(__file__).resolve().parents[3]


def tiny(tau_ms=5.0):
    lines = Population(2, SpikeTrain(np.array([1, 3]), np.array([0, 1])), "dx/dt = -x / tau : 1", after="x += 1")
    return EventNetwork(1.0, {"lines": lines}, {}, times_ms={"tau": tau_ms})


def _run(_):
    return run_network(tiny(), 6).state["lines"]["x"].tolist()


def test_numbers_are_no_part_of_the_code():
    texts = [Kernel(plan_network(tiny(tau_ms)), ("lines",)).text for tau_ms in (5.0, 50.0)]
    assert texts[0] == texts[1]
    assert run_network(tiny(5.0), 6).state["lines"]["x"] == pytest.approx([0.8**4, 0.8**2])
    assert run_network(tiny(50.0), 6).state["lines"]["x"] == pytest.approx([0.98**4, 0.98**2])


def test_fresh_processes_share_one_cache_and_compile_each_kernel_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_run, range(2), chunksize=1) == [_run(0)] * 2
    folder = tmp_path / "neurorec" / "plastic"
    before = {path: path.stat().st_mtime for path in folder.rglob("*.nb?")}
    assert len(list(folder.glob("*.py"))) == 1
    assert list(folder.glob("*.tmp")) == []
    assert before
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_run, [0]) == [_run(0)]
    assert {path: path.stat().st_mtime for path in folder.rglob("*.nb?")} == before


def test_without_a_home_to_write_to_a_temporary_folder_serves(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiled.cache_folder.cache_clear()
    try:
        folder = compiled.cache_folder()
        assert os.access(folder, os.W_OK)
        assert tmp_path not in folder.parents
    finally:
        monkeypatch.undo()
        compiled.cache_folder.cache_clear()


def test_planning_a_network_and_importing_the_engine_load_no_numba():
    code = (
        "import sys, neurorec.engines.event_engine, neurorec.learning.stdp, neurorec.engines.plastic.run\n"
        "from tests.engines.plastic.test_compiled import *\nplan_network(tiny())\n"
        "print('numba' in sys.modules, 'brian2' in sys.modules)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout == "False False\n"


def test_the_example_in_the_documents_runs():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plastic_engine.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert names["seen"].engine == "plastic (numba)"
    assert names["seen"].counts["neurons"] > 0
