"""A cell's elementwise arithmetic as a graph: recorded from its `step`, then differentiated and compiled.

A node is a tuple `(operation, argument, ...)`; arguments are indices of earlier nodes, so index order is a valid order of
evaluation. Equal nodes are stored once.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Node = tuple[Any, ...]


class NotElementwise(Exception):
    """The step does something for which the graph has no node; the text says what."""


@dataclass
class Graph:
    nodes: list[Node] = field(default_factory=list)
    rows: list[Tensor] = field(default_factory=list)  #: [H] numbers, one per neuron, that the step reads
    weights: dict[str, Tensor] = field(default_factory=dict)  #: matrices by which the step multiplies "x" and "z"
    may_round: bool = False  #: whether functions may round otherwise than torch's; never in the forward pass
    _seen: dict[Node, int] = field(default_factory=dict)

    def add(self, *node: Any) -> int:
        if node not in self._seen:
            self._seen[node] = len(self.nodes)
            self.nodes.append(node)
        return self._seen[node]

    def constant(self, value: float) -> int:
        return self.add("constant", float(value))

    def product(self, line: int, weight: Tensor) -> int:
        """The drive W x or W z, the only two products that a step may contain."""
        (name, *_) = self.nodes[line]
        if name not in ("x", "z"):
            raise NotElementwise("it multiplies something other than its input or its last spikes by a matrix")
        if self.weights.setdefault(name, weight) is not weight:
            raise NotElementwise(f"it multiplies {name} by two matrices")
        return self.add("drive", name)

    def row(self, tensor: Tensor) -> int:
        for index, known in enumerate(self.rows):
            if known is tensor:
                return self.add("row", index)
        self.rows.append(tensor)
        return self.add("row", len(self.rows) - 1)


class Symbol:
    """Represents a tensor [B, H] while a cell's `step` runs, and records the operations on it."""

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph, self.index = graph, index

    def _do(self, operation: str, left: Any, right: Any) -> "Symbol":
        return Symbol(self.graph, self.graph.add(operation, self._index(left), self._index(right)))

    def _index(self, value: Any) -> int:
        if isinstance(value, Symbol):
            return value.index
        if isinstance(value, Tensor) and value.dim() == 1:
            return self.graph.row(value)
        if isinstance(value, int | float):
            return self.graph.constant(value)
        raise NotElementwise(
            f"it combines its state with a {type(value).__name__} that is neither a number nor an [H] tensor"
        )

    def __add__(self, other: Any) -> "Symbol":
        return self._do("add", self, other)

    def __radd__(self, other: Any) -> "Symbol":
        return self._do("add", other, self)

    def __sub__(self, other: Any) -> "Symbol":
        return self._do("subtract", self, other)

    def __rsub__(self, other: Any) -> "Symbol":
        return self._do("subtract", other, self)

    def __mul__(self, other: Any) -> "Symbol":
        return self._do("multiply", self, other)

    def __rmul__(self, other: Any) -> "Symbol":
        return self._do("multiply", other, self)

    def __truediv__(self, other: Any) -> "Symbol":
        return self._do("divide", self, other)

    def __rtruediv__(self, other: Any) -> "Symbol":
        return self._do("divide", other, self)

    def __neg__(self) -> "Symbol":
        return self * -1.0

    def abs(self) -> "Symbol":
        return Symbol(self.graph, self.graph.add("abs", self.index))

    def clamp_min(self, low: float) -> "Symbol":
        return self._do("maximum", self, low)

    def pow(self, exponent: int) -> "Symbol":
        if exponent not in (-2, -1, 1, 2):
            raise NotElementwise(f"it raises to the power {exponent}")
        power = self if abs(exponent) == 1 else self * self
        return power if exponent > 0 else 1.0 / power

    __pow__ = pow

    def square(self) -> "Symbol":
        return self * self

    def exp(self) -> "Symbol":
        if not self.graph.may_round:
            raise NotElementwise("it uses .exp")
        return Symbol(self.graph, self.graph.add("exp", self.index))

    def detach(self) -> "Symbol":
        return Symbol(self.graph, self.graph.add("detach", self.index))

    def spike(self) -> "Symbol":
        return Symbol(self.graph, self.graph.add("spike", self.index))

    def __getattr__(self, name: str) -> Any:
        raise NotElementwise(f"it uses .{name}")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.__name__.strip("_")
        if name == "linear" and len(args) == 2 and isinstance(args[0], Symbol):
            symbol, weight = args
            return Symbol(symbol.graph, symbol.graph.product(symbol.index, weight))
        if name in ("add", "sub", "mul", "rsub", "radd", "rmul") and len(args) == 2 and not kwargs:
            left, right = reversed(args) if name.startswith("r") else args
            symbol = left if isinstance(left, Symbol) else right
            return symbol._do({"add": "add", "sub": "subtract", "mul": "multiply"}[name.lstrip("r")], left, right)
        raise NotElementwise(f"it uses torch.{name}")
