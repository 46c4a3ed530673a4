"""exp of a vector of float32 numbers in machine code, for surrogate derivatives.

exp(x) = 2^n exp(r), with n the integer nearest to x / log 2 and |r| <= log(2) / 2, where the Taylor polynomial of degree 7 is
below 6e-9 of exp(r) wrong. x is limited to -87 to 88, within which results are normal numbers.
"""

import math
import struct
from typing import Any

LOWEST, HIGHEST = -87.0, 88.0
MAGIC = 1.5 * 2.0**23  #: added to a number below 2^22, it leaves the nearest integer in the lowest bits
LOG2_HIGH = 0.693359375  #: log 2 in two parts; the product of the first with n is exact
LOG2_LOW = math.log(2) - LOG2_HIGH
TAYLOR = tuple(1 / math.factorial(k) for k in range(7, -1, -1))
MANTISSA_BITS, EXPONENT_OF_ONE = 23, 127


def exponential(b: Any, vector: Any, x: Any) -> Any:
    """Emit exp(x) with the builder `b`."""
    from llvmlite import ir

    def all_of(value: float) -> Any:
        (nearest,) = struct.unpack("f", struct.pack("f", value))
        return ir.Constant(vector, [nearest] * vector.count)

    def at_least(low: Any, value: Any) -> Any:
        return b.select(b.fcmp_ordered(">", value, low), value, low)

    integers = ir.VectorType(ir.IntType(32), vector.count)
    x = at_least(all_of(LOWEST), x)
    x = b.select(b.fcmp_ordered("<", x, all_of(HIGHEST)), x, all_of(HIGHEST))
    shifted = b.fadd(b.fmul(x, all_of(1 / math.log(2))), all_of(MAGIC))
    n = b.fsub(shifted, all_of(MAGIC))
    r = b.fsub(b.fsub(x, b.fmul(n, all_of(LOG2_HIGH))), b.fmul(n, all_of(LOG2_LOW)))
    total = all_of(TAYLOR[0])
    for term in TAYLOR[1:]:
        total = b.fadd(b.fmul(total, r, flags=("contract",)), all_of(term), flags=("contract",))
    one = ir.Constant(integers, [EXPONENT_OF_ONE] * vector.count)
    exponent = b.add(b.bitcast(shifted, integers), one)  # bits above the exponent's are shifted out
    power = b.bitcast(b.shl(exponent, ir.Constant(integers, [MANTISSA_BITS] * vector.count)), vector)
    return b.fmul(total, power)
