"""Kernels are Python: compiled they give, bit for bit, what Python gives. No compiler loads before a network runs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurorec.engines.event_network import EventNetwork, Population, SpikeTrain
from neurorec.engines.plastic import run as run_module
from neurorec.engines.plastic.arrays import network_arrays
from neurorec.engines.plastic.compiled import load_kernel, table_of
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.plan import plan_network
from neurorec.engines.plastic.run import run_network
from tests.engines.plastic.event_networks import small_network
from tests.engines.plastic.test_laws import poisson_driven

ROOT = Path(__file__).resolve().parents[3]


def tiny(tau_ms=5.0):
    lines = Population(2, SpikeTrain(np.array([1, 3]), np.array([0, 1])), "dx/dt = -x / tau : 1", after="x += 1")
    return EventNetwork(1.0, {"lines": lines}, {}, times_ms={"tau": tau_ms})


def test_numbers_are_no_part_of_the_code():
    texts = [Kernel(plan_network(tiny(tau_ms)), ("lines",)).text for tau_ms in (5.0, 50.0)]
    assert texts[0] == texts[1]
    assert run_network(tiny(5.0), 6).state["lines"]["x"] == pytest.approx([0.8**4, 0.8**2])
    assert run_network(tiny(50.0), 6).state["lines"]["x"] == pytest.approx([0.98**4, 0.98**2])


NETWORKS = {
    "given spikes, delays, rewards": lambda: small_network("adaptive", "reward", delays_ms=(0.0, 1.0)),
    "a full matrix": lambda: small_network("izhikevich", "triplet", full=True),
    "Poisson lines, refractory": poisson_driven,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_compiled_kernel_does_what_python_does(name):
    plan = plan_network(NETWORKS[name]())
    kernel, dt_ms = Kernel(plan, tuple(plan.populations)), plan.network.dt_ms
    sides = []
    for _ in range(2):
        arrays = network_arrays(plan, 60)
        arrays["constants"] = np.array([*plan.network.constants.values(), 0.0])
        arrays["random"] = np.arange(1, 5, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        sides.append({name: arrays[name] for name in kernel.arrays})
    compiled, plain = sides
    values = list(compiled.values())
    assert load_kernel(kernel.text, values).run(0, 60, dt_ms, table_of(values).ctypes.data) == 60
    names: dict = {}
    exec(kernel.text, names)
    with np.errstate(over="ignore", under="ignore"):
        assert names["run"](0, 60, dt_ms, *plain.values()) == 60
    assert sum(values["p1_total"][0] for values in sides) > 10
    for array, values in compiled.items():
        used = plain[f"{array[:2]}_total"][0] if array.endswith(("_when", "_who")) else None
        np.testing.assert_array_equal(values[:used], plain[array][:used], err_msg=array)


def test_a_run_that_pauses_for_ctrl_c_or_for_room_gives_the_same(monkeypatch):
    network = small_network("cuba", "pair")
    at_once = run_network(network, 400)
    monkeypatch.setattr(run_module, "STEPS_AT_ONCE", 7)
    monkeypatch.setattr(run_module, "network_arrays", lambda plan, steps: _short_buffers(network_arrays(plan, steps)))
    in_parts = run_network(network, 400)
    assert len(at_once.spikes["neurons"][0]) > 100
    for name in network.populations:
        assert np.array_equal(at_once.spikes[name], in_parts.spikes[name])
    for name, weights in at_once.weights.items():
        assert np.array_equal(weights, in_parts.weights[name])


def _short_buffers(arrays):
    """Room for the spikes of one step, so that it must be made over and over."""
    for name in arrays:
        if name.endswith(("_when", "_who")):
            arrays[name] = np.empty(arrays[f"{name[:2]}_ring"].shape[1], np.int32)
    return arrays


def test_a_network_without_neurons_or_steps_runs():
    assert run_network(tiny(), 0).counts == {"lines": 0}
    empty = EventNetwork(1.0, {"none": Population(0, "v > 1", "dv/dt = -v / tau : 1")}, {}, times_ms={"tau": 5.0})
    assert run_network(empty, 5).counts == {"none": 0}


def test_planning_a_network_and_importing_the_engine_load_no_compiler():
    code = (
        "import sys, neurorec.engines.event_engine, neurorec.learning.stdp, neurorec.engines.plastic.run\n"
        "from tests.engines.plastic.test_compiled import *\nplan_network(tiny())\n"
        "print('numba' in sys.modules, 'llvmlite' in sys.modules)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout == "False False\n"


def test_the_example_in_the_documents_runs():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plastic_engine.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert names["seen"].engine == "plastic (LLVM)"
    assert names["seen"].counts["neurons"] > 0
