"""Generated functions: each collects the constants and arrays that its lines use, which gives its signature."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from neurorec.engines.plastic.language import Assignment, names_in


@dataclass(frozen=True)
class Place:
    """Location of a name: the local variable, and how it is loaded and stored."""

    local: str
    load: str
    store: tuple[str, ...]


@dataclass
class Function:
    """A generated function under construction."""

    name: str
    arguments: tuple[str, ...]  #: scalars, before the arrays
    constants: tuple[str, ...]  #: all names of constants, in the order of their array
    arrays: dict[str, None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    hoisted: dict[str, str] = field(default_factory=dict)  #: local variable: text, before the loops

    def array(self, name: str) -> str:
        self.arrays[name] = None
        return name

    def hoist(self, local: str, text: str) -> str:
        self.hoisted[local] = text
        return local

    def add(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def expression(self, tree: ast.expr, locals_: Mapping[str, str]) -> str:
        return ast.unparse(ast.fix_missing_locations(_Translate(self, locals_).visit(_copy(tree))))

    def constant(self, name: str) -> str:
        return self.hoist(f"c_{name}", f"constants[{self.constants.index(name)}]")

    def statements(
        self,
        depth: int,
        assignments: Iterable[Assignment],
        locals_: Mapping[str, str],
        held: Mapping[str, str] | None = None,
    ) -> None:
        """Assignments; those to a name in `held` only if its condition is true."""
        for assignment in assignments:
            name, value = locals_[assignment.name], self.expression(assignment.value, locals_)
            condition = (held or {}).get(assignment.name)
            self.add(depth, f"{name} = ({value}) if {condition} else {name}" if condition else f"{name} = {value}")

    @property
    def call(self) -> str:
        return f"{self.name}({', '.join((*self.arguments, 'constants', *self.arrays))})"

    @property
    def text(self) -> str:
        head = [f"    {local} = {value}" for local, value in self.hoisted.items()]
        return "\n".join([f"def {self.call}:", *head, *self.lines, ""])


def used(assignments: Iterable[Assignment]) -> set[str]:
    return {name for a in assignments for name in (a.name, *names_in(a.value))}


def _copy(tree: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(tree), mode="eval").body


class _Translate(ast.NodeTransformer):
    """Names become locals; division by a constant becomes multiplication, which is several times faster; and/or without
    branches."""

    def __init__(self, function: Function, locals_: Mapping[str, str]) -> None:
        self.function, self.locals = function, locals_

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id  # type: ignore[attr-defined]
        func = {"clip": "clip", "abs": "abs"}.get(name, f"math.{name}")
        return ast.Call(ast.Name(func, ast.Load()), [self.visit(a) for a in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        text = self.locals.get(node.id) or self.function.constant(node.id)
        return ast.Name(text, ast.Load())

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        names = names_in(node.right)
        if isinstance(node.op, ast.Div) and names and not names & set(self.locals):
            right = ast.unparse(self.visit(node.right))
            known = [local for local, text in self.function.hoisted.items() if text == f"1.0 / ({right})"]
            local = known[0] if known else self.function.hoist(f"r_{len(self.function.hoisted)}", f"1.0 / ({right})")
            return ast.BinOp(self.visit(node.left), ast.Mult(), ast.Name(local, ast.Load()))
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        found = self.visit(node.values[0])
        for value in node.values[1:]:
            found = ast.BinOp(found, operator, self.visit(value))
        return found
