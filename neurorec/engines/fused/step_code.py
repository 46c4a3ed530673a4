"""Recorded steps compiled to vector code: one function each for the step, its adjoint, and the surrogate derivative.

Each takes addresses of rows of `width` float32 numbers and the width, a multiple of the vector length. Compiling takes
milliseconds and needs no compiler on the machine: llvmlite includes one.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from neurorec.engines.fused.exponential import exponential
from neurorec.engines.fused.record import Recorded
from neurorec.engines.fused.step_graph import Node
from neurorec.engines.llvm.machine_code import llvm_function, machine_code
from neurorec.engines.llvm.processor import processor

Place = tuple[int, int]  #: index of the address, and row relative to it
ADDRESSES = 6


@dataclass(frozen=True)
class StepCode:
    """Addresses of machine code.

    step(state, input drive, recurrent drive, neuron rows, kept out, output out);
    adjoint(gradients of state and learned rows, gz, kept, neuron rows, drive gradient out, unused);
    slope(kept, neuron rows, slope out, unused, unused, unused).
    """

    step: int
    adjoint: int
    slope: int
    keep: Any  #: keeps the code alive


def compile_step(recorded: Recorded) -> StepCode:
    n, learned = len(recorded.names), len(recorded.learned)
    f, b = recorded.forward, recorded.backward
    rows = range(len(f.rows))
    step = _Rows(
        "step", tuple(f.nodes), False,
        {("drive", "x"): (1, 0), ("drive", "z"): (2, 0)} | {("state", k): (0, k) for k in range(n)}
        | {("row", k): (3, k) for k in rows},
        (*((node, (4, k)) for k, node in enumerate(recorded.kept)), (recorded.output, (5, 0)),
         *((node, (0, k)) for k, node in enumerate(recorded.next_states))),
    )  # fmt: skip
    adjoint = _Rows(
        "adjoint", tuple(b.nodes), True,
        {("gz",): (1, 0)} | {("kept", k): (2, k) for k in range(len(recorded.kept))}
        | {("state", k): (0, k) for k in range(n + learned)} | {("row", k): (3, k) for k in rows},
        ((recorded.drive, (4, 0)), *((node, (0, k)) for k, node in enumerate(recorded.states))),
    )  # fmt: skip
    slope = _Rows(
        "slope", tuple(b.nodes), True, {("kept", 0): (0, 0)} | {("row", k): (1, k) for k in rows},
        ((recorded.slope, (2, 0)),),
    )  # fmt: skip
    return _compile(step.key, adjoint.key, slope.key)


@dataclass(frozen=True)
class _Rows:
    """A function over rows: which nodes are read and written, and where."""

    name: str
    nodes: tuple[Node, ...]
    may_fuse: bool  #: whether a multiplication and an addition may be fused (one rounding); never in the forward pass
    reads: dict[Node, Place]
    writes: tuple[tuple[int, Place], ...]

    @property
    def key(self) -> tuple[Any, ...]:
        return self.name, self.nodes, self.may_fuse, tuple(self.reads.items()), self.writes


@lru_cache(maxsize=256)
def _compile(*functions: tuple[Any, ...]) -> StepCode:
    from llvmlite import ir

    module = ir.Module("neurorec")
    for key in functions:
        _Emitter(module, key)
    code = machine_code(module, *(key[0] for key in functions))
    return StepCode(code.addresses["step"], code.addresses["adjoint"], code.addresses["slope"], code)


def float32(value: float) -> float:
    """The float32 nearest to value, as torch converts a Python number."""
    return struct.unpack("f", struct.pack("f", value))[0]


class _Emitter:
    """Emits one function: a loop over vectors with one instruction per required node."""

    def __init__(self, module: Any, key: tuple[Any, ...]) -> None:
        from llvmlite import ir

        name, nodes, self.may_fuse, reads, writes = key
        self.nodes, self.reads, self.ir = nodes, dict(reads), ir
        self.vector = ir.VectorType(ir.FloatType(), processor().lanes)
        word = ir.IntType(64)
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [word] * (ADDRESSES + 1)), name)
        *self.addresses, self.width = function.args
        entry, head, body, done = (function.append_basic_block(label) for label in ("entry", "head", "body", "done"))
        ir.IRBuilder(entry).branch(head)
        builder = ir.IRBuilder(head)
        self.h = builder.phi(word)
        self.h.add_incoming(word(0), entry)
        builder.cbranch(builder.icmp_unsigned("<", self.h, self.width), body, done)
        self.builder, self.values = ir.IRBuilder(body), {}
        results = [(self.value(node), place) for node, place in writes]  # read everything before writing anything
        for value, place in results:
            self.builder.store(value, self.pointer(place), align=4)
        self.h.add_incoming(self.builder.add(self.h, word(processor().lanes)), body)
        self.builder.branch(head)
        ir.IRBuilder(done).ret_void()
        self._module = module

    def pointer(self, place: Place) -> Any:
        address, row = place
        word, b = self.ir.IntType(64), self.builder
        column = b.add(self.h, b.mul(self.width, word(row)))
        return b.inttoptr(b.add(self.addresses[address], b.mul(column, word(4))), self.vector.as_pointer())

    def constant(self, value: float) -> Any:
        return self.ir.Constant(self.vector, [float32(value)] * processor().lanes)

    def value(self, index: int) -> Any:
        if index not in self.values:
            node = self.nodes[index]
            if node in self.reads:
                self.values[index] = self.builder.load(self.pointer(self.reads[node]), align=4)
            elif node[0] == "constant":
                self.values[index] = self.constant(node[1])
            else:
                self.values[index] = self.operation(node[0], *(self.value(argument) for argument in node[1:]))
        return self.values[index]

    def operation(self, name: str, first: Any, second: Any = None) -> Any:
        b, flags = self.builder, ("contract",) if self.may_fuse else ()
        arithmetic: dict[str, Any] = {"add": b.fadd, "subtract": b.fsub, "multiply": b.fmul, "divide": b.fdiv}
        if name in arithmetic:
            return arithmetic[name](first, second, flags=flags)
        if name == "detach":
            return first
        if name == "spike":
            return b.select(b.fcmp_ordered(">", first, self.constant(0)), self.constant(1), self.constant(0))
        if name == "maximum":
            return b.select(b.fcmp_ordered(">", first, second), first, second)
        if name == "abs":
            return b.call(
                llvm_function(b.module, f"llvm.fabs.v{processor().lanes}f32", self.vector, [self.vector]), [first]
            )
        if name == "exp":
            return exponential(b, self.vector, first)
        raise NotImplementedError(f"no machine code is implemented for the operation {name}")
