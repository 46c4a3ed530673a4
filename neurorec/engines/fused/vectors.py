"""The few inner loops that determine the speed, written for vector registers.

numba sees each as a function of addresses and lengths. `width` is a multiple of `processor().padding`, rows are contiguous
float32. Sums are in the order of their events, so that equal input gives equal bits.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurorec.engines.fused.emit import (
    LANES,
    TILE_ROWS,
    VECTOR,
    WORD,
    everywhere,
    fetch,
    line_of,
    load,
    multiply_add,
    over_bits,
    over_columns,
    places_of,
    pointer_to,
    procedure,
    repeat,
    store,
)
from neurorec.engines.fused.step_code import ADDRESSES
from neurorec.engines.llvm.machine_code import llvm_function


@intrinsic
def add_rows(typing, total, weights, width, lines, values, events):
    """total[:] += sum over events e of values[e] * weights[lines[e], :]."""

    def emit(b, total, weights, width, lines, values, events):
        def block(column, vectors):
            places = places_of(b, column, vectors)

            def event(e, sums):
                row, value = b.mul(line_of(b, lines, e), width), everywhere(b, values, e)
                return [multiply_add(b, load(b, weights, b.add(row, place)), value, one)
                        for place, one in zip(places, sums, strict=True)]  # fmt: skip

            sums = repeat(b, events, [load(b, total, place) for place in places], event)
            for place, one in zip(places, sums, strict=True):
                store(b, one, total, place)

        over_columns(b, width, block)

    return procedure(6, emit)


@intrinsic
def add_marked_rows(typing, total, weights, width, words, count):
    """total[:] += sum of weights[k, :] over the set bits k in `count` words."""

    def emit(b, total, weights, width, words, count):
        trailing = llvm_function(b.module, "llvm.cttz.i64", WORD, [WORD, ir.IntType(1)])

        def block(column, vectors):
            places = places_of(b, column, vectors)

            def one_word(w, sums):
                start = b.mul(b.mul(w, WORD(64)), width)

                def bit(word, sums):
                    row = b.add(start, b.mul(b.call(trailing, [word, ir.IntType(1)(1)]), width))
                    return [b.fadd(one, load(b, weights, b.add(row, place)))
                            for place, one in zip(places, sums, strict=True)]  # fmt: skip

                return over_bits(b, line_of(b, words, w), sums, bit)

            sums = repeat(b, count, [load(b, total, place) for place in places], one_word)
            for place, one in zip(places, sums, strict=True):
                store(b, one, total, place)

        over_columns(b, width, block)

    return procedure(5, emit)


@intrinsic
def add_product(typing, total, left, stride, weights, depth, width):
    """total[r, :] += sum over k < depth of left[r, k] * weights[k, :], for r < TILE_ROWS; rows of left are `stride` apart."""

    def emit(b, total, left, stride, weights, depth, width):
        def block(i, _):
            places = places_of(b, b.mul(i, WORD(2 * LANES)), 2)
            cells = [b.add(b.mul(width, WORD(r)), place) for r in range(TILE_ROWS) for place in places]

            def term(k, sums):
                row = b.mul(k, width)
                loaded = [load(b, weights, b.add(row, place)) for place in places]
                factors = [everywhere(b, left, b.add(b.mul(stride, WORD(r)), k)) for r in range(TILE_ROWS)]
                return [multiply_add(b, factors[n // 2], loaded[n % 2], one) for n, one in enumerate(sums)]

            sums = repeat(b, depth, [load(b, total, cell) for cell in cells], term)
            for cell, one in zip(cells, sums, strict=True):
                store(b, one, total, cell)
            return []

        repeat(b, b.sdiv(width, WORD(2 * LANES)), [], block)

    return procedure(6, emit)


@intrinsic
def add_dots(typing, total, row, weights, width, lines, events):
    """total[lines[e]] += row[:] . weights[lines[e], :] for every event e."""

    def emit(b, total, row, weights, width, lines, events):
        name, single = f"llvm.vector.reduce.fadd.v{LANES}f32", ir.FloatType()
        reduce = llvm_function(b.module, name, single, [single, VECTOR])

        def block(column, vectors):
            places = places_of(b, column, vectors)
            parts = [load(b, row, place) for place in places]

            def event(e, _):
                line = line_of(b, lines, e)
                start, sums = b.mul(line, width), [ir.Constant(VECTOR, [0.0] * LANES)] * 2
                for n, (place, part) in enumerate(zip(places, parts, strict=True)):
                    sums[n % 2] = multiply_add(b, part, load(b, weights, b.add(start, place)), sums[n % 2])
                pointer = pointer_to(b, total, line, single)
                dot = b.call(reduce, [b.load(pointer, align=4), b.fadd(*sums)], fastmath=("reassoc",))
                b.store(dot, pointer, align=4)
                return []

            repeat(b, events, [], event)

        over_columns(b, width, block)

    return procedure(6, emit)


@intrinsic
def fetch_row(typing, address, size):
    """Prefetch `size` bytes into the cache."""

    def emit(b, address, size):
        def line(i, _):
            fetch(b, b.add(address, b.mul(i, WORD(64))))
            return []

        repeat(b, b.sdiv(b.add(size, WORD(63)), WORD(64)), [], line)

    return procedure(2, emit)


@intrinsic
def nonzero_bits(typing, address, ahead):
    """Bit k is set if the k-th of 64 float32 numbers is not zero. Prefetches the 64 numbers `ahead` bytes later, for the
    next step."""

    def generate(context, b, signature, values):
        many = ir.VectorType(ir.FloatType(), 64)
        for line in range(4):
            fetch(b, b.add(b.add(*values), WORD(64 * line)))
        numbers = b.load(b.inttoptr(values[0], many.as_pointer()), align=4)
        return b.bitcast(b.fcmp_unordered("!=", numbers, ir.Constant(many, [0.0] * 64)), WORD)

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def count_bits(typing, word):
    """Number of set bits."""

    def generate(context, b, signature, values):
        return b.call(llvm_function(b.module, "llvm.ctpop.i64", WORD, [WORD]), values)

    return types.int64(types.uint64), generate


@intrinsic
def transpose_bits(typing, address):
    """Transpose 64 words: swap bit i of word k with bit k of word i."""

    def emit(b, address):
        many, numbers = ir.VectorType(WORD, 64), ir.VectorType(ir.IntType(32), 64)
        pointer = b.inttoptr(address, many.as_pointer())
        words = b.load(pointer, align=8)
        for size in (32, 16, 8, 4, 2, 1):  # swap off-diagonal blocks of `size` by `size` bits
            low = sum(1 << bit for bit in range(64) if not bit & size)
            other = b.shuffle_vector(words, words, ir.Constant(numbers, [k ^ size for k in range(64)]))
            upper = [not k & size for k in range(64)]  # words whose high bits are swapped with the other's low bits
            kept = b.and_(words, ir.Constant(many, [low if one else low << size for one in upper]))
            shifts = ir.Constant(many, [size] * 64)
            moved = b.select(
                ir.Constant(ir.VectorType(ir.IntType(1), 64), upper),
                b.shl(b.and_(other, ir.Constant(many, [low] * 64)), shifts),
                b.and_(b.lshr(other, shifts), ir.Constant(many, [low] * 64)),
            )
            words = b.or_(kept, moved)
        b.store(words, pointer, align=8)

    return procedure(1, emit)


@intrinsic
def call_rows(typing, code, a, b, c, d, e, f, width):
    """Call compiled row code (see step_code.py)."""

    def emit(builder, code, *arguments):
        kind = ir.FunctionType(ir.VoidType(), [WORD] * (ADDRESSES + 1))
        builder.call(builder.inttoptr(code, kind.as_pointer()), arguments)

    return procedure(ADDRESSES + 2, emit)
