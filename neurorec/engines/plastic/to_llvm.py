"""A small compiler from a subset of Python to LLVM's intermediate language.

The subset has numbers and arrays: assignments, `for` over `range`, `while`, `if`, `return`, arithmetic, comparisons,
`a[i]`, `a[i, j]`, rows `a[i]` of a matrix, `a.shape[k]`, bytes viewed as words, calls of each other and of a few functions
of `math`. Arrays are C-contiguous and never overlap. A function is compiled for the types it is called with; a variable
keeps the type of its first assignment. Intermediate numbers have 64 bits: integer ("i", or "u" if unsigned), real ("f")
or a condition ("b"). Anything else is an error in the code that generated the text, and raises NotImplementedError.
"""

import ast
from collections.abc import Mapping
from typing import Any

from llvmlite import ir

from neurorec.engines.plastic.expressions import ELEMENTS, TYPES, WORD, Array, Expressions, Number, expect


class Module:
    """Functions of a text, compiled when they are called."""

    def __init__(self, text: str) -> None:
        self.llvm = ir.Module("neurorec")
        self.found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        self.compiled: dict[tuple, tuple[Any, str | None]] = {}

    def entry(self, name: str, numbers: str, arrays: list[tuple[str, int]]) -> None:
        """A function `entry(numbers..., table)` that calls `name`; the table holds each array's address and shape."""
        kinds = [TYPES[kind] for kind in numbers]
        function = ir.Function(self.llvm, ir.FunctionType(WORD, [*kinds, WORD.as_pointer()]), "entry")
        builder, place = ir.IRBuilder(function.append_basic_block()), iter(range(10**6))
        *given, table = function.args

        def read() -> Any:
            return builder.load(builder.gep(table, [WORD(next(place))]))

        values: list[Number | Array] = [Number(v, kind) for v, kind in zip(given, numbers, strict=True)]
        for dtype, dimensions in arrays:
            start = builder.inttoptr(read(), ELEMENTS[dtype][0].as_pointer())
            values.append(Array(start, dtype, tuple(read() for _ in range(dimensions))))
        found = self.call(builder, name, values)
        if found is None:
            raise NotImplementedError(f'the text of the kernel has no function "{name}"')
        builder.ret(found.value)

    def call(self, builder: Any, name: str, values: list[Number | Array]) -> Number | None:
        """A call of a function of the text; None for any other function."""
        if name not in self.found:
            return None
        key = (name, *(value.key for value in values))
        if key not in self.compiled:
            self.compiled[key] = self._compile(f"{name}.{len(self.compiled)}", self.found[name], values)
        function, kind = self.compiled[key]
        flat = [part for v in values for part in ((v.value,) if isinstance(v, Number) else (v.start, *v.shape))]
        return Number(builder.call(function, flat), kind or "")

    def _compile(self, name: str, node: ast.FunctionDef, values: list[Number | Array]) -> tuple[Any, str | None]:
        kind = _Function.returned(node)
        types = [part.type for v in values for part in ((v.value,) if isinstance(v, Number) else (v.start, *v.shape))]
        function = ir.Function(self.llvm, ir.FunctionType(TYPES[kind] if kind else ir.VoidType(), types), name)
        function.linkage = "internal"
        given, names = iter(function.args), {}
        for argument, value in zip(node.args.args, values, strict=True):
            if isinstance(value, Number):
                names[argument.arg] = Number(next(given), value.kind)
            else:
                start = next(given)
                start.add_attribute("noalias")
                names[argument.arg] = Array(start, value.dtype, tuple(next(given) for _ in value.shape))
        _Function(self, function, names, kind).body(node.body)
        return function, kind


class _Function(Expressions):
    """Emits one function."""

    def __init__(self, module: Module, function: Any, names: Mapping[str, Number | Array], kind: str | None) -> None:
        self.function, self.kind = function, kind
        first = ir.IRBuilder(function.append_basic_block("variables"))
        super().__init__(module.llvm, first, ir.IRBuilder(function.append_basic_block("body")), module.call)
        self.begin = self.b.block
        self.names |= names
        for name, value in names.items():
            if isinstance(value, Number):
                self.assign(name, value)

    @staticmethod
    def returned(node: ast.FunctionDef) -> str | None:
        """The annotated return type of a function: `-> int`, `-> float` or none."""
        return {"int": "i", "float": "f", "None": None}[ast.unparse(node.returns)] if node.returns else None

    def body(self, statements: list[ast.stmt]) -> None:
        self.block(statements)
        if not self.b.block.is_terminated:
            if self.kind is not None:
                raise NotImplementedError(f"{self.function.name} must return a number on every path")
            self.b.ret_void()
        self.first.branch(self.begin)

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            getattr(self, f"do_{type(statement).__name__}")(statement)

    def do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    def do_Pass(self, node: ast.Pass) -> None: ...

    def do_Return(self, node: ast.Return) -> None:
        if self.kind is None:
            raise NotImplementedError(f"{self.function.name} has no return annotation")
        self.b.ret(self.to(self.number(expect(ast.expr, node.value, node)), self.kind))
        self.b.position_at_end(self.function.append_basic_block("unreached"))
        self.b.unreachable()

    def do_Assign(self, node: ast.Assign) -> None:
        (target,) = node.targets
        self.store(target, self.value(node.value))

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        self.store(node.target, self.binary(node.op, self.number(node.target), self.number(node.value)))

    def do_If(self, node: ast.If) -> None:
        with self.b.if_else(self.truth(node.test)) as (then, otherwise):
            with then:
                self.block(node.body)
            with otherwise:
                self.block(node.orelse)

    def do_While(self, node: ast.While) -> None:
        self.loop(lambda: self.truth(node.test), node.body)

    def do_For(self, node: ast.For) -> None:
        bounds = [self.to(self.number(bound), "i") for bound in expect(ast.Call, node.iter, node).args]
        low, high = bounds if len(bounds) == 2 else (WORD(0), bounds[0])
        counter = self.first.alloca(WORD)
        self.b.store(low, counter)
        name = expect(ast.Name, node.target, node).id

        def more() -> Any:
            return self.b.icmp_signed("<", self.b.load(counter), high)

        def begin() -> None:
            self.assign(name, Number(self.b.load(counter), "i"))

        def end() -> None:
            self.b.store(self.b.add(self.b.load(counter), WORD(1), flags=("nsw",)), counter)

        self.loop(more, node.body, begin, end)

    def loop(self, more: Any, body: list[ast.stmt], begin: Any = None, end: Any = None) -> None:
        head, inside, done = (self.function.append_basic_block(name) for name in ("head", "inside", "done"))
        self.b.branch(head)
        self.b.position_at_end(head)
        self.b.cbranch(more(), inside, done)
        self.b.position_at_end(inside)
        if begin:
            begin()
        self.block(body)
        if end:
            end()
        self.b.branch(head)
        self.b.position_at_end(done)

    def store(self, target: ast.expr, value: Number | Array) -> None:
        if isinstance(target, ast.Name) and isinstance(value, Array):
            self.names[target.id] = value
        elif isinstance(target, ast.Name):
            self.assign(target.id, expect(Number, value, target))
        else:
            array, place = self.element(expect(ast.Subscript, target, target))
            self.b.store(self.narrow(expect(Number, value, target), array.dtype), place)

    def assign(self, name: str, value: Number) -> None:
        if name not in self.variables:
            self.variables[name] = self.first.alloca(TYPES[value.kind], name=name), value.kind
        place, kind = self.variables[name]
        self.b.store(self.to(value, kind), place)
