"""From a cell's step to machine code: new neurons need no kernel, and what cannot be recorded is refused by name."""

import subprocess
import sys
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.fused.exponential import HIGHEST, LOWEST, exponential
from neurorec.engines.fused.record import record
from neurorec.engines.fused.step_graph import Graph, NotElementwise, Symbol
from neurorec.models.cell import Cell
from neurorec.models.network import chain
from tests.engines.fused.comparing import assert_agree, on_grid
from tests.nets import inputs, network
from tests.rounding import assert_apart


class StepState(NamedTuple):
    z: Tensor
    v: Tensor


class MadeUp(Cell):
    """A neuron this package does not have: its own leak for each neuron, and the threshold taken off at a spike."""

    title, output_signal = "made-up neuron", "spikes"

    def __init__(self, like):
        super().__init__(like.card, like.input_size)
        self.w_in, self.w_rec, self.spike = like.w_in, like.w_rec, like.spike
        self.register_buffer("leak", torch.linspace(1, 4, like.size) / 16)

    def initial_state(self, batch):
        return StepState(self._zeros(batch), self._zeros(batch))

    def step(self, state, x):
        drive = nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        v = state.v - self.leak * state.v + drive * 0.5
        z = self.spike(v - 1.0)
        return z, StepState(z, v - z.detach())

    reset_parameters = operations = recurrent_weights = None


MadeUp.__abstractmethods__ = frozenset()


def test_a_new_neuron_needs_no_kernel():
    cell = MadeUp(on_grid("lif", I=6, H=19, input_gain=6.0)["hidden"])
    assert engines["fused"]().why_not(cell) is None
    net = chain(cell, on_grid("lif", I=6, H=19)["readout"], "spikes")
    assert_agree(net, (torch.rand(15, 5, 6, generator=torch.Generator().manual_seed(0)) < 0.5).float())


def changed(step):
    cell = network("lif")["hidden"]
    cell.__class__ = type("Changed", (type(cell),), {"step": step})
    return cell


def test_it_says_what_it_cannot_run():
    why_not = engines["fused"]().why_not
    assert (
        why_not(network("lif")["hidden"].double())
        == "its w_in is float64 on cpu; this engine computes in float32 on the CPU"
    )
    assert (
        why_not(network("lif")["hidden"].to("meta"))
        == "its w_in is float32 on meta; this engine computes in float32 on the CPU"
    )
    assert why_not(network("elman")["hidden"]) == "its recurrent lines carry values, but this engine processes spikes"
    with pytest.raises(CannotRun) as caught:
        choose_engine("fused", network("lstm")["hidden"])
    assert str(caught.value) == (
        "engine fused cannot run LSTM: its recurrent lines carry values, but this engine processes spikes; use --engine auto"
    )
    net = network("lif")
    with pytest.raises(CannotRun, match="engine fused computes in float32 on the CPU; its input is float64 on cpu"):
        engines["fused"]().unroll(net["hidden"], inputs(net, 3, 2).double())


def two_changing(self, state, x):
    j = nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
    z = self.spike(state.v * j)
    return z, type(state)(z, state.v, j)


def test_a_product_of_two_changing_quantities_is_kept_for_the_way_back():
    net = on_grid("lif", I=6, H=19, input_gain=6.0)
    net["hidden"].__class__ = type("Changed", (type(net["hidden"]),), {"step": two_changing})
    assert len(record(net["hidden"]).kept) == 3
    start = net["hidden"].initial_state(5)
    assert_agree(net, inputs(net, 15, 5, share=0.5), start._replace(v=start.v + 0.75))


@pytest.mark.parametrize(
    ("name", "learned", "kept", "rows"),
    [("lif", False, 1, 0), ("adaptive_lif", False, 1, 0), ("leaky_integrator", False, 0, 0), ("lif", True, 3, 2),
     ("adaptive_lif", True, 4, 3), ("leaky_integrator", True, 2, 2), ("competitive_lif", False, 1, 0)],
)  # fmt: skip
def test_no_more_is_kept_than_the_derivative_needs(name, learned, kept, rows):
    """Beside u - threshold, one number for each learned rate: what that rate multiplies."""
    recorded = record(network(name, learn_time_constants=learned)["hidden"])
    assert (len(recorded.kept), len(recorded.learned)) == (kept, rows)
    with torch.no_grad():
        assert len(record(network(name, learn_time_constants=learned)["hidden"]).learned) == 0


def unequal_drives(self, state, x):
    j = nn.functional.linear(x, self.w_in) * 2 + nn.functional.linear(state.z, self.w_rec)
    z = self.spike(state.v + j)
    return z, type(state)(z, state.v, j)


def other_function(self, state, x):
    j = torch.tanh(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec))
    z = self.spike(state.v + j)
    return z, type(state)(z, state.v, j)


def two_spikes(self, state, x):
    z = self.spike(self.spike(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)))
    return z, type(state)(z, state.v, state.i)


def other_product(self, state, x):
    z = self.spike(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.v, self.w_rec))
    return z, type(state)(z, state.v, state.i)


def no_recurrence(self, state, x):
    z = self.spike(nn.functional.linear(x, self.w_in) + state.z)
    return z, type(state)(z, state.v, state.i)


def compares(self, state, x):
    return self.spike(state.v if state.v > 0 else state.i), state


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (compares, "recording its step failed: '>' not supported between instances of 'Symbol' and 'int'"),
        (unequal_drives, "it does not simply add its input drive and its recurrent drive"),
        (other_function, "it uses torch.tanh"),
        (two_spikes, "its output is not a spike stored as the first field of its state"),
        (other_product, "it multiplies something other than its input or its last spikes by a matrix"),
        (no_recurrence, "it uses its input or its last spikes other than through one matrix each"),
    ],
)
def test_it_says_which_step_it_cannot_record(step, reason):
    with pytest.raises(NotElementwise) as caught:
        record(changed(step))
    assert str(caught.value) == reason


def test_exp_in_machine_code_equals_that_of_torch():
    """To 3 units in the last place; beyond its range, as at its ends."""
    x = torch.cat([torch.linspace(-87, 88, 10_007), torch.tensor([0.0, -0.0, 1e-9])])
    assert_apart(exponential_of(x) / x.double().exp(), torch.ones(len(x)), 6 * 2.0**-24)
    assert (
        exponential_of(torch.tensor([-1e30, -88.0, 1e30])).tolist()
        == exponential_of(torch.tensor([LOWEST, LOWEST, HIGHEST])).tolist()
    )


def exponential_of(x):
    """By a function over one row, as `step_code` compiles it."""
    import ctypes

    from llvmlite import ir

    from neurorec.engines.llvm.machine_code import machine_code
    from neurorec.engines.llvm.processor import processor

    lanes = processor().lanes
    rows = torch.nn.functional.pad(x, (0, -len(x) % lanes)).contiguous()
    module, word = ir.Module("exp"), ir.IntType(64)
    vector = ir.VectorType(ir.FloatType(), lanes)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [word]), "one")
    builder = ir.IRBuilder(function.append_basic_block())
    place = builder.inttoptr(function.args[0], vector.as_pointer())
    builder.store(exponential(builder, vector, builder.load(place, align=4)), place, align=4)
    builder.ret_void()
    code = machine_code(module, "one")
    for start in range(0, len(rows), lanes):
        ctypes.CFUNCTYPE(None, ctypes.c_uint64)(code.addresses["one"])(rows[start:].data_ptr())
    return rows[: len(x)].double()


def test_symbols_refuse_what_has_no_node():
    graph = Graph()
    symbol = Symbol(graph, graph.add("state", 0))
    for action, reason in [
        (lambda: symbol.exp(), "it uses .exp"),
        (lambda: symbol.pow(3), "it raises to the power 3"),
        (
            lambda: symbol * torch.ones(2, 2),
            "it combines its state with a Tensor that is neither a number nor an [H] tensor",
        ),
    ]:
        with pytest.raises(NotElementwise) as caught:
            action()
        assert str(caught.value) == reason


def test_numba_loads_only_when_it_is_used():
    code = (
        "import sys\n"
        "from neurorec.engines.engine import choose_engine\n"
        "from tests.nets import network\n"
        "import neurorec.engines\n"
        "assert choose_engine('auto', network('lif')['hidden']).title == 'fused'\n"
        "print(sorted({'numba', 'llvmlite'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
