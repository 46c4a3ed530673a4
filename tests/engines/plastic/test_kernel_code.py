"""Kernels are Python: compiled they give, bit for bit, what Python gives. No compiler loads before a network runs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurorec.engines import on_plastic
from neurorec.engines.event_network import EventNetwork, EventPopulation, SpikeTrain
from neurorec.engines.on_plastic import run_network
from neurorec.engines.plastic.arrays import network_arrays
from neurorec.engines.plastic.kernel_code import load_kernel, table_of
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.network_plan import plan_network
from tests.engines.plastic.event_networks import small_network
from tests.engines.plastic.test_drives import driven_network
from tests.engines.plastic.test_laws import poisson_driven

ROOT = Path(__file__).resolve().parents[3]


def tiny(tau_ms=5.0):
    lines = EventPopulation(2, SpikeTrain(np.array([1, 3]), np.array([0, 1])), "dx/dt = -x / tau : 1", after="x += 1")
    return EventNetwork(1.0, {"lines": lines}, {}, times_ms={"tau": tau_ms})


def test_numbers_are_no_part_of_the_code():
    texts = [Kernel(plan_network(tiny(tau_ms)), ("lines",)).text for tau_ms in (5.0, 50.0)]
    assert texts[0] == texts[1]
    assert run_network(tiny(5.0), 6).state["lines"]["x"] == pytest.approx([0.8**4, 0.8**2])
    assert run_network(tiny(50.0), 6).state["lines"]["x"] == pytest.approx([0.98**4, 0.98**2])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    a[0] = math.tan(a[0])\n", '"math.tan(a[0])" is outside the subset of Python used for kernels'),
        ("    a[0] = a\n", '"a[0]" is outside the subset of Python used for kernels'),
        (
            "    for k in a:\n        pass\n",
            '"for k in a:\n    pass" is outside the subset of Python used for kernels',
        ),
        ("    if a[0] > 1:\n        return 1\n", "run.0 must return a number on every path"),
    ],
)
def test_text_that_is_not_kernel_python_is_refused(body, message):
    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        load_kernel(f"def run(begin, end, dt, a) -> int:\n{body}", [np.zeros(3)])
    with pytest.raises(NotImplementedError, match='the text of the kernel has no function "run"'):
        load_kernel("def other() -> int:\n    return 1\n", [])


NETWORKS = {
    "given spikes, delays, rewards": lambda: small_network("adaptive", "reward", delays_ms=(0.0, 1.0)),
    "a full matrix": lambda: small_network("izhikevich", "triplet", full=True),
    "Poisson lines, refractory": poisson_driven,
    "Poisson drives, refractory": driven_network,
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


EXPRESSIONS = """
import math
import numpy as np

def run(begin, end, dt, a, b, n, found) -> int:
    for i in range(begin, end):
        x = a[i]
        y = b[i]
        found[i, 0] = 1.0 * (x != y) + 2.0 * (x == y) + 4.0 * (x >= y) + 8.0 * (x <= y) + 16.0 * (x < y) + 32.0 * (x > y)
        found[i, 1] = 1.0 * (not x < y) + 2.0 * (0 < x <= y) + 4.0 * (x < 0 and y < 0) + 8.0 * (x < 0 or y < 0)
        found[i, 2] = x - y if x < 1 else 3
        found[i, 3] = 7 if y < 1 else -x
        found[i, 4] = x**2 + abs(x) + math.sqrt(abs(y)) + math.exp(-abs(x)) + math.floor(y) * dt
        found[i, 5] = n[i] // 3 + 10 * (n[i] % 3) + ((n[i] << 2) ^ 5) + (n[i] >> 1) + (n[i] & 6) + n[i] / 4
        k = 0
        while k * k < n[i] and k < 4:
            k += 1
        found[i, 6] = k
    return end
"""


def test_expressions_compiled_are_those_of_python_to_the_last_bit():
    random = np.random.default_rng(0)
    special = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, 0.5])
    a, b = (np.concatenate([v.ravel(), random.normal(size=30)]) for v in np.meshgrid(special, special[:5]))
    n, sides = random.integers(0, 40, len(a)), [np.zeros((len(a), 7)) for _ in range(2)]
    arrays = [a, b, n, sides[0]]
    load_kernel(EXPRESSIONS, arrays).run(0, len(a), 0.25, table_of(arrays).ctypes.data)
    names: dict = {}
    exec(EXPRESSIONS, names)
    finite = [row for row in range(len(a)) if np.isfinite(b[row])]  # math.floor of others is an error in Python
    with np.errstate(invalid="ignore"):
        for row in finite:
            names["run"](row, row + 1, 0.25, a, b, n, sides[1])
    assert len(finite) > 50
    np.testing.assert_array_equal(sides[0][finite], sides[1][finite])


def test_a_run_that_pauses_for_ctrl_c_or_for_room_gives_the_same(monkeypatch):
    network = small_network("cuba", "pair")
    at_once = run_network(network, 400)
    monkeypatch.setattr(on_plastic, "STEPS_AT_ONCE", 7)
    monkeypatch.setattr(on_plastic, "network_arrays", lambda plan, steps: _short_buffers(network_arrays(plan, steps)))
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
    empty = EventNetwork(1.0, {"none": EventPopulation(0, "v > 1", "dv/dt = -v / tau : 1")}, {}, times_ms={"tau": 5.0})
    assert run_network(empty, 5).counts == {"none": 0}


def test_planning_a_network_and_importing_the_engine_load_no_compiler():
    code = (
        "import sys, neurorec.engines.event_engine, neurorec.learning.stdp, neurorec.engines.on_plastic\n"
        "from tests.engines.plastic.test_kernel_code import *\nplan_network(tiny())\n"
        "print('numba' in sys.modules, 'llvmlite' in sys.modules)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout == "False False\n"


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_in_the_documents_run(number):
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plastic_engine.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(code[number], names)
    seen, network = names["seen"], names["network"]
    assert seen.engine == "plastic (LLVM)"
    assert min(seen.counts.values()) > 0
    plastic = next(iter(network.projections))
    assert abs(seen.weights[plastic] - network.projections[plastic].weights).max() > 0.001
    assert len(code) == 2
