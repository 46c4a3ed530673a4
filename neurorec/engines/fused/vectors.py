"""The few inner loops that decide the speed, written for vector registers.

numba sees each as a function of addresses and lengths. `width` is a multiple of `machine().padding`, rows are contiguous
float32. Sums run in the order of their events, so that equal input gives equal bits.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurorec.engines.fused.compiled import ADDRESSES, llvm_function
from neurorec.engines.fused.machine import machine

WORD = ir.IntType(64)
LANES, TILE_ROWS = machine().lanes, machine().tile_rows
VECTOR = ir.VectorType(ir.FloatType(), LANES)
BLOCKS = (8, 2)  #: vectors that a loop over columns takes at once: as many as fit, then two by two


def _loop(b: Any, count: Any, start: list[Any], body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
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


def _at(b: Any, address: Any, index: Any, kind: Any = VECTOR, size: int = 4) -> Any:
    return b.inttoptr(b.add(address, b.mul(index, WORD(size))), kind.as_pointer())


def _load(b: Any, address: Any, index: Any) -> Any:
    return b.load(_at(b, address, index), align=4)


def _store(b: Any, value: Any, address: Any, index: Any) -> None:
    b.store(value, _at(b, address, index), align=4)


def _everywhere(b: Any, address: Any, index: Any) -> Any:
    """One number in every lane."""
    number = b.load(_at(b, address, index, ir.FloatType()), align=4)
    one = b.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return b.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)


def _line(b: Any, lines: Any, e: Any) -> Any:
    return b.load(_at(b, lines, e, WORD, 8), align=8)


def _multiply_add(b: Any, x: Any, y: Any, z: Any) -> Any:
    return b.call(llvm_function(b.module, f"llvm.fmuladd.v{LANES}f32", VECTOR, [VECTOR] * 3), [x, y, z])


def _fetch(b: Any, address: Any) -> None:
    flag, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
    fetch = llvm_function(b.module, "llvm.prefetch.p0", ir.VoidType(), [pointer, flag, flag, flag])
    b.call(fetch, [b.inttoptr(address, pointer), flag(0), flag(2), flag(1)])  # to read, into the second-level cache


def _columns(b: Any, width: Any, body: Callable[[Any, int], None]) -> None:
    """body(first column, number of vectors) over all columns."""
    done = WORD(0)
    for vectors in BLOCKS:
        size = WORD(vectors * LANES)
        blocks = b.sdiv(b.sub(width, done), size)

        def block(i: Any, _: list[Any], done: Any = done, size: Any = size, vectors: int = vectors) -> list[Any]:
            body(b.add(done, b.mul(i, size)), vectors)
            return []

        _loop(b, blocks, [], block)
        done = b.add(done, b.mul(blocks, size))


def _places(b: Any, column: Any, vectors: int) -> list[Any]:
    return [b.add(column, WORD(k * LANES)) for k in range(vectors)]


def _void(arguments: int, emit: Callable[..., None]) -> Any:
    """An intrinsic with int64 arguments and no result, whose code `emit(builder, *arguments)` writes."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        emit(builder, *values)
        return context.get_dummy_value()

    return types.void(*[types.int64] * arguments), generate


@intrinsic
def add_rows(typing, total, weights, width, lines, values, events):
    """total[:] += sum over events e of values[e] * weights[lines[e], :]."""

    def emit(b, total, weights, width, lines, values, events):
        def block(column, vectors):
            places = _places(b, column, vectors)

            def event(e, sums):
                row, value = b.mul(_line(b, lines, e), width), _everywhere(b, values, e)
                return [_multiply_add(b, _load(b, weights, b.add(row, place)), value, one)
                        for place, one in zip(places, sums, strict=True)]  # fmt: skip

            sums = _loop(b, events, [_load(b, total, place) for place in places], event)
            for place, one in zip(places, sums, strict=True):
                _store(b, one, total, place)

        _columns(b, width, block)

    return _void(6, emit)


@intrinsic
def scatter_row(typing, gradients, row, width, lines, values, events):
    """gradients[lines[e], :] += values[e] * row[:] for every event e."""

    def emit(b, gradients, row, width, lines, values, events):
        def block(column, vectors):
            places = _places(b, column, vectors)
            parts = [_load(b, row, place) for place in places]

            def event(e, _):
                start, value = b.mul(_line(b, lines, e), width), _everywhere(b, values, e)
                for place, part in zip(places, parts, strict=True):
                    where = b.add(start, place)
                    _store(b, _multiply_add(b, part, value, _load(b, gradients, where)), gradients, where)
                return []

            _loop(b, events, [], event)

        _columns(b, width, block)

    return _void(6, emit)


@intrinsic
def add_product(typing, total, left, stride, weights, depth, width):
    """total[r, :] += sum over k < depth of left[r, k] * weights[k, :], for r < TILE_ROWS; rows of left are stride apart."""

    def emit(b, total, left, stride, weights, depth, width):
        def block(i, _):
            places = _places(b, b.mul(i, WORD(2 * LANES)), 2)
            cells = [b.add(b.mul(width, WORD(r)), place) for r in range(TILE_ROWS) for place in places]

            def term(k, sums):
                row = b.mul(k, width)
                loaded = [_load(b, weights, b.add(row, place)) for place in places]
                factors = [_everywhere(b, left, b.add(b.mul(stride, WORD(r)), k)) for r in range(TILE_ROWS)]
                return [_multiply_add(b, factors[n // 2], loaded[n % 2], one) for n, one in enumerate(sums)]

            sums = _loop(b, depth, [_load(b, total, cell) for cell in cells], term)
            for cell, one in zip(cells, sums, strict=True):
                _store(b, one, total, cell)
            return []

        _loop(b, b.sdiv(width, WORD(2 * LANES)), [], block)

    return _void(6, emit)


@intrinsic
def add_dots(typing, total, row, weights, width, lines, events):
    """total[lines[e]] += row[:] . weights[lines[e], :] for every event e."""

    def emit(b, total, row, weights, width, lines, events):
        name, single = f"llvm.vector.reduce.fadd.v{LANES}f32", ir.FloatType()
        reduce = llvm_function(b.module, name, single, [single, VECTOR])

        def block(column, vectors):
            places = _places(b, column, vectors)
            parts = [_load(b, row, place) for place in places]

            def event(e, _):
                line = _line(b, lines, e)
                start, sums = b.mul(line, width), [ir.Constant(VECTOR, [0.0] * LANES)] * 2
                for n, (place, part) in enumerate(zip(places, parts, strict=True)):
                    sums[n % 2] = _multiply_add(b, part, _load(b, weights, b.add(start, place)), sums[n % 2])
                pointer = _at(b, total, line, single)
                dot = b.call(reduce, [b.load(pointer, align=4), b.fadd(*sums)], fastmath=("reassoc",))
                b.store(dot, pointer, align=4)
                return []

            _loop(b, events, [], event)

        _columns(b, width, block)

    return _void(6, emit)


@intrinsic
def fetch_row(typing, address, size):
    """Ask for `size` bytes, which are needed soon, to be brought into the cache."""

    def emit(b, address, size):
        def line(i, _):
            _fetch(b, b.add(address, b.mul(i, WORD(64))))
            return []

        _loop(b, b.sdiv(b.add(size, WORD(63)), WORD(64)), [], line)

    return _void(2, emit)


@intrinsic
def nonzero_bits(typing, address, ahead):
    """Bit k says whether the k-th of 64 float32 numbers is not zero. Fetches the 64 that lie `ahead` bytes further on into
    the cache, for the step after this one."""

    def generate(context, b, signature, values):
        many = ir.VectorType(ir.FloatType(), 64)
        for line in range(4):
            _fetch(b, b.add(b.add(*values), WORD(64 * line)))
        numbers = b.load(b.inttoptr(values[0], many.as_pointer()), align=4)
        return b.bitcast(b.fcmp_unordered("!=", numbers, ir.Constant(many, [0.0] * 64)), WORD)

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def count_bits(typing, word):
    """How many bits are set."""

    def generate(context, b, signature, values):
        return b.call(llvm_function(b.module, "llvm.ctpop.i64", WORD, [WORD]), values)

    return types.int64(types.uint64), generate


@intrinsic
def call_rows(typing, code, a, b, c, d, e, f, width):
    """Call compiled row code (see compiled.py)."""

    def emit(builder, code, *arguments):
        kind = ir.FunctionType(ir.VoidType(), [WORD] * (ADDRESSES + 1))
        builder.call(builder.inttoptr(code, kind.as_pointer()), arguments)

    return _void(ADDRESSES + 2, emit)
