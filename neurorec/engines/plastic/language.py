"""The language of equations that can be compiled: Brian2's notation, dimensionless, times in ms.

Differential equations, parameters, named expressions; assignments; numbers, + - * / **, comparisons, and/or/not, clip, exp,
sqrt, log, abs. Anything else is refused: Brian2 runs arbitrary equations.
"""

import ast
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurorec.basics.errors import CannotRun, did_you_mean

FUNCTIONS = {
    "clip": lambda x, low, high: min(max(x, low), high),
    "exp": math.exp, "sqrt": math.sqrt, "log": math.log, "abs": abs,
}  # fmt: skip
NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
REFUSED = (ast.MatMult, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.FloorDiv, ast.Mod, ast.Invert,
           ast.Is, ast.IsNot, ast.In, ast.NotIn)  # fmt: skip
DIFFERENTIAL = re.compile(r"d(\w+)/dt\s*=\s*(.+?)\s*:\s*1\s*(\(unless refractory\))?$")
NAMED = re.compile(r"(\w+)\s*=\s*(.+?)\s*:\s*1$")
PARAMETER = re.compile(r"(\w+)\s*:\s*1$")
ASSIGNMENT = re.compile(r"(\w+)\s*(\+|-|\*|/)?=\s*(.+)$")


@dataclass(frozen=True)
class Equations:
    """Right-hand sides by variable, parameters, and the variables that are frozen while refractory."""

    slopes: Mapping[str, ast.expr]
    parameters: tuple[str, ...]
    held: frozenset[str]

    @property
    def variables(self) -> tuple[str, ...]:
        return (*self.slopes, *self.parameters)


@dataclass(frozen=True)
class Assignment:
    name: str
    value: ast.expr


def refuse(where: str, what: str) -> CannotRun:
    return CannotRun(f"engine plastic cannot run {where}: {what}; use engine brian2, which runs arbitrary equations")


def parse_equations(text: str, where: str) -> Equations:
    """Equations, one per line; named expressions are substituted where they are used."""
    slopes: dict[str, ast.expr] = {}
    named: dict[str, ast.expr] = {}
    parameters, held = [], set()
    for line in _lines(text):
        match = DIFFERENTIAL.match(line) or NAMED.match(line) or PARAMETER.match(line)
        if match and match[1] in (*slopes, *named, *parameters):
            raise refuse(where, f'"{match[1]}" is defined twice')
        if match := DIFFERENTIAL.match(line):
            slopes[match[1]] = parse_expression(match[2], where)
            held |= {match[1]} if match[3] else set()
        elif match := NAMED.match(line):
            named[match[1]] = substitute(parse_expression(match[2], where), named)
        elif match := PARAMETER.match(line):
            parameters.append(match[1])
        else:
            raise refuse(
                where, f'"{line}" is not a line such as "dv/dt = -v / tau : 1", "g = a * v : 1" or "theta : 1"'
            )
    return Equations({k: substitute(v, named) for k, v in slopes.items()}, tuple(parameters), frozenset(held))


def parse_statements(text: str, where: str) -> list[Assignment]:
    """Assignments, one per line; `x += e` becomes `x = x + e`."""
    found = []
    for line in _lines(text):
        match = ASSIGNMENT.match(line)
        if not match:
            raise refuse(where, f'"{line}" is not an assignment such as "w = clip(w + x_pre, 0, weight_max)"')
        name, operator, value = match.groups()
        found.append(Assignment(name, parse_expression(f"{name} {operator} ({value})" if operator else value, where)))
    return found


def parse_expression(text: str, where: str) -> ast.expr:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        raise refuse(where, f'"{text}" is not an expression') from None
    for node in ast.walk(tree):
        if not isinstance(node, NODES) or isinstance(node, REFUSED):
            raise refuse(where, f'"{text}" contains {type(node).__name__}, which cannot be translated')
        if isinstance(node, ast.Constant) and type(node.value) not in (int, float, bool):
            raise refuse(where, f'"{text}" contains {node.value!r}, which is not a number')
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
        ):
            raise refuse(where, f'"{text}" calls {ast.unparse(node.func)}; known functions: {", ".join(FUNCTIONS)}')
    return tree.body


def names_in(expression: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)} - set(FUNCTIONS)


def check_names(expression: ast.expr, known: Iterable[str], where: str) -> None:
    for name in sorted(names_in(expression) - set(known)):
        raise refuse(
            where, f'"{ast.unparse(expression)}" uses "{name}"{did_you_mean(name, known)}, which is not defined'
        )


class _Substitute(ast.NodeTransformer):
    def __init__(self, by: Mapping[str, ast.expr]) -> None:
        self.by = by

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.by.get(node.id, node)


def substitute(expression: ast.expr, by: Mapping[str, ast.expr]) -> ast.expr:
    return _Substitute(by).visit(ast.parse(ast.unparse(expression), mode="eval").body)


def evaluate(expression: ast.expr, values: Mapping[str, float]) -> float:
    """The value of an expression; safe, since only nodes of this language are accepted."""
    code = compile(ast.Expression(ast.fix_missing_locations(expression)), "<equation>", "eval")
    return float(eval(code, {"__builtins__": {}}, {**FUNCTIONS, **values}))


def linear_in(expression: ast.expr, variables: Iterable[str], constants: Mapping[str, float]) -> list[float] | None:
    """[offset, coefficient of each variable] if the expression is linear in them with constant coefficients, else None."""
    variables = list(variables)
    if not names_in(expression) <= {*variables, *constants} or not _is_polynomial(expression, set(variables)):
        return None

    def at(values: Iterable[float]) -> float:
        try:
            return evaluate(expression, {**constants, **dict(zip(variables, values, strict=True))})
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan

    offset = at([0.0] * len(variables))
    found = [at([float(k == j) for k in range(len(variables))]) - offset for j in range(len(variables))]
    probes = [[scale * (1.37 + 0.61 * k) for k in range(len(variables))] for scale in (-3.1, 0.7, 11.0, 170.0)]
    for probe in probes:
        expected = offset + sum(a * b for a, b in zip(found, probe, strict=True))
        scale = abs(offset) + sum(abs(a * b) for a, b in zip(found, probe, strict=True)) + 1e-300
        if not abs(at(probe) - expected) <= 1e-9 * scale:
            return None
    return [offset, *found]


def _is_polynomial(expression: ast.expr, variables: set[str]) -> bool:
    """Whether the variables are only added, subtracted, multiplied, or divided by constants, so that few probes suffice."""
    curved = (ast.Call, ast.Compare, ast.BoolOp)
    for node in ast.walk(expression):
        if isinstance(node, curved) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
            inner: ast.expr | None = node
        else:
            inner = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None
        if inner is not None and names_in(inner) & variables:
            return False
    return True


def _lines(text: str) -> list[str]:
    return [line for line in (raw.split("#")[0].strip() for raw in text.splitlines()) if line]
