"""Translates expressions of `to_llvm`'s subset of Python to LLVM's intermediate language."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from llvmlite import ir

WORD, REAL, BIT = ir.IntType(64), ir.DoubleType(), ir.IntType(1)
TYPES = {"i": WORD, "u": WORD, "f": REAL, "b": BIT}
ELEMENTS = {
    "float64": (REAL, "f"), "float32": (ir.FloatType(), "f"), "int64": (WORD, "i"), "uint64": (WORD, "u"),
    "int32": (ir.IntType(32), "i"), "uint32": (ir.IntType(32), "u"), "uint8": (ir.IntType(8), "u"),
}  # fmt: skip
COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
Kind = TypeVar("Kind")
CASTS = {"int": "i", "int64": "i", "uint64": "u", "float64": "f"}


@dataclass(frozen=True)
class Number:
    value: Any
    kind: str

    @property
    def key(self) -> tuple:
        return (self.kind,)


@dataclass(frozen=True)
class Array:
    """An array's address, type and shape as LLVM values."""

    start: Any
    dtype: str
    shape: tuple[Any, ...]

    @property
    def key(self) -> tuple:
        return self.dtype, len(self.shape)


def untranslated(node: ast.AST) -> NotImplementedError:
    return NotImplementedError(f'"{ast.unparse(node)}" is outside the subset of Python used for kernels')


def expect(kind: type[Kind], value: Any, node: ast.AST) -> Kind:
    """`node`, or a part of it, which must be of this kind."""
    if not isinstance(value, kind):
        raise untranslated(node)
    return value


class Expressions:
    """Emits expressions at the position of `b`; variables are allocated at `first`."""

    def __init__(
        self, module: Any, first: Any, b: Any, call: Callable[[Any, str, list[Number | Array]], Number | None]
    ) -> None:
        self.module, self.first, self.b, self.call = module, first, b, call
        self.names: dict[str, Number | Array] = {}
        self.variables: dict[str, tuple[Any, str]] = {}

    def number(self, node: ast.expr) -> Number:
        return expect(Number, self.value(node), node)

    def value(self, node: ast.expr) -> Number | Array:
        return getattr(self, f"a_{type(node).__name__}")(node)

    def a_Constant(self, node: ast.Constant) -> Number:
        if isinstance(node.value, bool):
            return Number(BIT(int(node.value)), "b")
        return Number(REAL(node.value), "f") if isinstance(node.value, float) else Number(WORD(node.value), "i")  # type: ignore[arg-type]

    def a_Name(self, node: ast.Name) -> Number | Array:
        if node.id in self.variables:
            place, kind = self.variables[node.id]
            return Number(self.b.load(place), kind)
        return self.names[node.id]

    def a_Subscript(self, node: ast.Subscript) -> Number | Array:
        if isinstance(node.value, ast.Attribute):
            if node.value.attr != "shape":
                raise untranslated(node)
            array = expect(Array, self.value(node.value.value), node)
            return Number(array.shape[expect(ast.Constant, node.slice, node).value], "i")  # type: ignore[index]
        array, place = self.element(node)
        if len(array.shape) == 2 and not isinstance(node.slice, ast.Tuple):
            return Array(place, array.dtype, array.shape[1:])
        return self.widen(self.b.load(place), array.dtype)

    def element(self, node: ast.Subscript) -> tuple[Array, Any]:
        array = expect(Array, self.value(node.value), node)
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        place = self.to(self.number(indices[0]), "i")
        if len(array.shape) == 2:
            place = self.b.mul(place, array.shape[1], flags=("nsw",))
        if len(indices) == 2:
            place = self.b.add(place, self.to(self.number(indices[1]), "i"), flags=("nsw",))
        return array, self.b.gep(array.start, [place], inbounds=True)

    def a_UnaryOp(self, node: ast.UnaryOp) -> Number:
        if isinstance(node.op, ast.Not):
            return Number(self.b.not_(self.truth(node.operand)), "b")
        value = self.number(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        expect(ast.USub, node.op, node)
        if value.kind == "f":
            return Number(self.b.fneg(value.value), "f")
        return Number(self.b.neg(self.to(value, "i")), "i")

    def a_BinOp(self, node: ast.BinOp) -> Number:
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) and node.right.value in (1, 2, 3, 4):
            base = Number(self.to(self.number(node.left), "f"), "f")
            power = base
            for _ in range(node.right.value - 1):  # type: ignore[operator]
                power = Number(self.b.fmul(power.value, base.value), "f")
            return power
        return self.binary(node.op, self.number(node.left), self.number(node.right))

    def binary(self, op: ast.operator, left: Number, right: Number) -> Number:
        if "b" in (left.kind, right.kind) and isinstance(op, ast.BitAnd | ast.BitOr):
            both = self.condition(left), self.condition(right)
            return Number(self.b.and_(*both) if isinstance(op, ast.BitAnd) else self.b.or_(*both), "b")
        if isinstance(op, ast.Pow):
            return self.intrinsic("pow", left, right)
        kind = "f" if isinstance(op, ast.Div) or "f" in (left.kind, right.kind) else "i"
        kind = "u" if kind == "i" and "u" in (left.kind, right.kind) else kind
        a, b = self.to(left, kind), self.to(right, kind)
        real = {ast.Add: self.b.fadd, ast.Sub: self.b.fsub, ast.Mult: self.b.fmul, ast.Div: self.b.fdiv}
        whole = {
            ast.Add: self.b.add, ast.Sub: self.b.sub, ast.Mult: self.b.mul, ast.FloorDiv: self.b.sdiv, ast.Mod: self.b.srem,
            ast.BitAnd: self.b.and_, ast.BitOr: self.b.or_, ast.BitXor: self.b.xor, ast.LShift: self.b.shl,
            ast.RShift: self.b.lshr,
        }  # fmt: skip
        return Number((real if kind == "f" else whole)[type(op)](a, b), kind)  # type: ignore[index]

    def a_Compare(self, node: ast.Compare) -> Number:
        found, left = None, self.number(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.number(comparator)
            one = self.compared(COMPARED[type(op)], left, right)
            found, left = one if found is None else self.b.and_(found, one), right
        return Number(found, "b")

    def compared(self, sign: str, left: Number, right: Number) -> Any:
        if "f" in (left.kind, right.kind):
            compare = self.b.fcmp_unordered if sign == "!=" else self.b.fcmp_ordered
            return compare(sign, self.to(left, "f"), self.to(right, "f"))
        compare = self.b.icmp_unsigned if {left.kind, right.kind} == {"u"} else self.b.icmp_signed
        return compare(sign, self.to(left, "i"), self.to(right, "i"))

    def a_BoolOp(self, node: ast.BoolOp) -> Number:
        """`and` and `or` with short-circuit evaluation."""
        place = self.first.alloca(BIT)
        self.b.store(self.truth(node.values[0]), place)
        for value in node.values[1:]:
            known = self.b.load(place)
            with self.b.if_then(known if isinstance(node.op, ast.And) else self.b.not_(known)):
                self.b.store(self.truth(value), place)
        return Number(self.b.load(place), "b")

    def a_IfExp(self, node: ast.IfExp) -> Number:
        with self.b.if_else(self.truth(node.test)) as (then, otherwise):
            with then:
                first = self.number(node.body), self.b.block
            with otherwise:
                second = self.number(node.orelse), self.b.block
        kinds = {first[0].kind, second[0].kind}
        kind = kinds.pop() if len(kinds) == 1 else "f" if "f" in kinds else "i"
        sides = []
        for value, block in (first, second):
            with self.b.goto_block(block):
                sides.append((self.to(value, kind), block))
        phi = self.b.phi(TYPES[kind])
        for value, block in sides:
            phi.add_incoming(value, block)
        return Number(phi, kind)

    def a_Call(self, node: ast.Call) -> Number | Array:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view":
            return self.by_8(expect(Array, self.value(node.func.value), node), node)
        name = ast.unparse(node.func).removeprefix("math.").removeprefix("np.")
        values = [self.value(argument) for argument in node.args]
        found = self.call(self.b, name, values)
        if found is not None:
            return found
        numbers = [value for value in values if isinstance(value, Number)]
        if name in CASTS:
            return Number(self.to(numbers[0], CASTS[name]), CASTS[name])
        if name == "int32":
            return Number(self.b.sext(self.b.trunc(self.to(numbers[0], "i"), ir.IntType(32)), WORD), "i")
        name = {"abs": "fabs"}.get(name, name)
        if name not in ("exp", "log", "sqrt", "floor", "fabs", "pow"):
            raise untranslated(node)
        return self.intrinsic(name, *numbers)

    def by_8(self, array: Array, node: ast.expr) -> Array:
        """`a.view(np.uint64)` of bytes."""
        if array.dtype != "uint8":
            raise untranslated(node)
        return Array(self.b.bitcast(array.start, WORD.as_pointer()), "uint64", (self.b.sdiv(array.shape[0], WORD(8)),))

    def intrinsic(self, name: str, *numbers: Number) -> Number:
        declared = self.module.declare_intrinsic(f"llvm.{name}", [REAL])
        if name == "pow":
            declared = self.module.declare_intrinsic("llvm.pow", [REAL], ir.FunctionType(REAL, [REAL, REAL]))
        return Number(self.b.call(declared, [self.to(number, "f") for number in numbers]), "f")

    # conversions

    def truth(self, node: ast.expr) -> Any:
        return self.condition(self.number(node))

    def condition(self, number: Number) -> Any:
        return number.value if number.kind == "b" else self.compared("!=", number, Number(WORD(0), "i"))

    def to(self, number: Number, kind: str) -> Any:
        if number.kind == kind or {number.kind, kind} == {"i", "u"}:
            return number.value
        if kind == "f":
            convert = self.b.sitofp if number.kind == "i" else self.b.uitofp
            return convert(number.value, REAL)
        if number.kind == "f":
            return self.b.fptosi(number.value, WORD)
        if kind == "b":
            return self.condition(number)
        return self.b.zext(number.value, WORD)

    def widen(self, value: Any, dtype: str) -> Number:
        element, kind = ELEMENTS[dtype]
        if kind == "f":
            return Number(value if element is REAL else self.b.fpext(value, REAL), "f")
        if element is WORD:
            return Number(value, kind)
        return Number((self.b.sext if kind == "i" else self.b.zext)(value, WORD), "i")

    def narrow(self, number: Number, dtype: str) -> Any:
        element, kind = ELEMENTS[dtype]
        value = self.to(number, kind)
        if element in (REAL, WORD):
            return value
        return self.b.fptrunc(value, element) if kind == "f" else self.b.trunc(value, element)
