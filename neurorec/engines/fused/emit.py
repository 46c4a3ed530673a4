"""Building blocks of the inner loops in vectors.py: loops, rows, vectors."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from neurorec.engines.llvm.machine_code import llvm_function
from neurorec.engines.llvm.processor import processor

WORD = ir.IntType(64)
LANES, TILE_ROWS = processor().lanes, processor().tile_rows
VECTOR = ir.VectorType(ir.FloatType(), LANES)
BLOCKS = (8, 2)  #: vectors per iteration of a loop over columns: first the larger number, then the smaller


def repeat(b: Any, count: Any, start: list[Any], body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """for i in range(count): values = body(i, values); returns the last values."""
    before, head = b.block, b.append_basic_block("head")
    inside, after = b.append_basic_block("inside"), b.append_basic_block("after")
    b.branch(head)
    b.position_at_end(head)
    i, values = b.phi(WORD), [b.phi(value.type) for value in start]
    for phi, value in zip([i, *values], [WORD(0), *start], strict=True):
        phi.add_incoming(value, before)
    b.cbranch(b.icmp_signed("<", i, count), inside, after)
    b.position_at_end(inside)
    following = body(i, values)
    for phi, value in zip([i, *values], [b.add(i, WORD(1)), *following], strict=True):
        phi.add_incoming(value, b.block)
    b.branch(head)
    b.position_at_end(after)
    return values


def over_bits(b: Any, word: Any, start: list[Any], body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """While a bit of the word is set: values = body(word, values), then clear its lowest bit. Returns the last values."""
    before, head = b.block, b.append_basic_block("bits")
    inside, after = b.append_basic_block("bit"), b.append_basic_block("done")
    b.branch(head)
    b.position_at_end(head)
    left, values = b.phi(WORD), [b.phi(value.type) for value in start]
    for phi, value in zip([left, *values], [word, *start], strict=True):
        phi.add_incoming(value, before)
    b.cbranch(b.icmp_unsigned("!=", left, WORD(0)), inside, after)
    b.position_at_end(inside)
    following = body(left, values)
    for phi, value in zip([left, *values], [b.and_(left, b.sub(left, WORD(1))), *following], strict=True):
        phi.add_incoming(value, b.block)
    b.branch(head)
    b.position_at_end(after)
    return values


def pointer_to(b: Any, address: Any, index: Any, kind: Any = VECTOR, size: int = 4) -> Any:
    return b.inttoptr(b.add(address, b.mul(index, WORD(size))), kind.as_pointer())


def load(b: Any, address: Any, index: Any) -> Any:
    return b.load(pointer_to(b, address, index), align=4)


def store(b: Any, value: Any, address: Any, index: Any) -> None:
    b.store(value, pointer_to(b, address, index), align=4)


def everywhere(b: Any, address: Any, index: Any) -> Any:
    """One number in every lane."""
    number = b.load(pointer_to(b, address, index, ir.FloatType()), align=4)
    one = b.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return b.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)


def line_of(b: Any, lines: Any, e: Any) -> Any:
    return b.load(pointer_to(b, lines, e, WORD, 8), align=8)


def multiply_add(b: Any, x: Any, y: Any, z: Any) -> Any:
    return b.call(llvm_function(b.module, f"llvm.fmuladd.v{LANES}f32", VECTOR, [VECTOR] * 3), [x, y, z])


def fetch(b: Any, address: Any) -> None:
    flag, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
    fetch = llvm_function(b.module, "llvm.prefetch.p0", ir.VoidType(), [pointer, flag, flag, flag])
    b.call(fetch, [b.inttoptr(address, pointer), flag(0), flag(2), flag(1)])  # for reading, into the second-level cache


def over_columns(b: Any, width: Any, body: Callable[[Any, int], None]) -> None:
    """body(first column, number of vectors) over all columns."""
    done = WORD(0)
    for vectors in BLOCKS:
        size = WORD(vectors * LANES)
        blocks = b.sdiv(b.sub(width, done), size)

        def block(i: Any, _: list[Any], done: Any = done, size: Any = size, vectors: int = vectors) -> list[Any]:
            body(b.add(done, b.mul(i, size)), vectors)
            return []

        repeat(b, blocks, [], block)
        done = b.add(done, b.mul(blocks, size))


def places_of(b: Any, column: Any, vectors: int) -> list[Any]:
    return [b.add(column, WORD(k * LANES)) for k in range(vectors)]


def procedure(arguments: int, emit: Callable[..., None]) -> Any:
    """An intrinsic with int64 arguments and no result, whose code is emitted by `emit(builder, *arguments)`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        emit(builder, *values)
        return context.get_dummy_value()

    return types.void(*[types.int64] * arguments), generate
