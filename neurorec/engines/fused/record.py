"""From a cell's own `step` to two graphs: the step itself, and its exact adjoint with the surrogate for the spike."""

import copy
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from neurorec.engines.fused.graph import Graph, NotElementwise, Symbol
from neurorec.models.cell import Cell


@dataclass(frozen=True)
class Recorded:
    """One step of a cell, elementwise, beside the products W_in x and W_rec z.

    Forward: the node of `distance` (what the spike function is called with) and of each next state. Backward, from the
    gradient gz of the spikes and of each next state: the gradient of the drive W_in x + W_rec z, and of each state.
    """

    names: tuple[str, ...]  #: the state's fields but the spikes, in order
    spikes: str  #: the state's field that holds the spikes
    w_in: Tensor
    w_rec: Tensor
    forward: Graph
    distance: int
    next_states: tuple[int, ...]
    backward: Graph
    drive: int
    states: tuple[int, ...]
    slope: int  #: the surrogate derivative
    compact: bool  #: whether the surrogate derivative is zero away from the threshold


class _Spiking:
    """Takes the place of the cell's spike function while its step is recorded."""

    def __init__(self) -> None:
        self.distances: list[Symbol] = []

    def __call__(self, distance: Symbol) -> Symbol:
        self.distances.append(distance)
        return distance.spike()


def record(cell: Cell) -> Recorded:
    """Raises `NotElementwise` where the step holds more than arithmetic on one neuron and the two products."""
    if cell.output_signal != "spikes" or not hasattr(cell, "spike"):
        raise NotElementwise("its recurrent lines carry values; this engine follows spikes")
    graph, spike = Graph(), _Spiking()
    twin: Any = copy.copy(cell)
    twin.spike = spike
    start = cell.initial_state(1)
    wrap, fields = type(start), cast(Any, start)._fields
    spikes = fields[0]
    names = tuple(name for name in fields if name != spikes)
    symbols = {name: Symbol(graph, graph.add("state", k)) for k, name in enumerate(names)}
    symbols[spikes] = Symbol(graph, graph.add("z"))
    try:
        z, after = twin.step(wrap(**symbols), Symbol(graph, graph.add("x")))
    except (TypeError, ValueError, RuntimeError) as reason:  # what Python says of an operation that symbols do not have
        raise NotElementwise(f"recording its step failed: {reason}") from reason
    after = after._asdict()
    if len(spike.distances) != 1 or after[spikes].index != z.index or graph.nodes[z.index][0] != "spike":
        raise NotElementwise("its output is not one spike, kept as the first field of its state")
    if set(graph.weights) != {"x", "z"} or any(
        node[0] == "z" and _used(graph, k) for k, node in enumerate(graph.nodes)
    ):
        raise NotElementwise("it uses its input or its last spikes other than by one matrix each")
    distance = spike.distances[0].index
    next_states = tuple(after[name].index for name in names)
    adjoint = _Adjoint(graph, distance, cast(Any, cell).spike)
    drive, states = adjoint.of(z.index, next_states)
    return Recorded(
        names, spikes, graph.weights["x"], graph.weights["z"], graph, distance, next_states, adjoint.graph, drive, states,
        adjoint.slope, any(node[0] == "maximum" for node in adjoint.graph.nodes),
    )  # fmt: skip


def _used(graph: Graph, index: int) -> bool:
    return any(index in _arguments(node) for node in graph.nodes)


def _arguments(node: tuple[Any, ...]) -> tuple[int, ...]:
    return () if node[0] in ("constant", "state", "row", "drive", "x", "z") else node[1:]


class _Adjoint:
    """Reverse-mode differentiation of a recorded step. What it needs of the forward pass must follow from `distance`."""

    def __init__(self, forward: Graph, distance: int, spike: Any) -> None:
        self.forward, self.distance = forward, distance
        self.graph = Graph(rows=forward.rows)
        self.slope = spike.derivative(Symbol(self.graph, self.graph.add("distance"))).index
        self.zero, self.one = self.graph.constant(0.0), self.graph.constant(1.0)

    def of(self, z: int, next_states: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        gradient: dict[int, int] = {z: self.graph.add("gz")}
        for k, index in enumerate(next_states):
            gradient[index] = self._add(gradient.get(index, self.zero), self.graph.add("state", k))
        for index in reversed(range(len(self.forward.nodes))):
            for argument, part in self._parts(self.forward.nodes[index], gradient.get(index, self.zero)):
                gradient[argument] = self._add(gradient.get(argument, self.zero), part)
        found = {node: gradient.get(index, self.zero) for index, node in enumerate(self.forward.nodes)}
        if found["drive", "x"] != found["drive", "z"]:
            raise NotElementwise("it does not simply add its input drive and its recurrent drive")
        return found["drive", "x"], tuple(found["state", k] for k in range(len(next_states)))

    def _parts(self, node: tuple[Any, ...], g: int) -> list[tuple[int, int]]:
        """What the gradient g of a node gives each of its arguments."""
        operation, arguments = node[0], _arguments(node)
        if g == self.zero or operation == "detach" or not arguments:
            return []
        if operation == "spike":
            return [(arguments[0], self._times(g, self.slope))]
        left, right = arguments if len(arguments) == 2 else (arguments[0], arguments[0])
        if operation == "add":
            return [(left, g), (right, g)]
        if operation == "subtract":
            return [(left, g), (right, self._times(self.graph.constant(-1.0), g))]
        if operation == "multiply":
            return [(one, self._times(self._primal(other), g)) for one, other in ((left, right), (right, left))
                    if self._varies(one)]  # fmt: skip
        raise NotElementwise(f"its step holds the operation {operation}, whose derivative is not written down yet")

    def _varies(self, index: int) -> bool:
        """Whether anything that carries a gradient leads to this forward node."""
        node = self.forward.nodes[index]
        return node[0] in ("state", "drive") or (
            node[0] != "detach" and any(self._varies(argument) for argument in _arguments(node))
        )

    def _primal(self, index: int) -> int:
        """A value of the forward pass, worked out again from the distance to threshold, the only thing kept."""
        node = self.forward.nodes[index]
        if index == self.distance:
            return self.graph.add("distance")
        if node[0] in ("state", "drive"):
            raise NotElementwise("it multiplies two changing quantities; this engine keeps only u - threshold")
        if node[0] == "detach":
            return self._primal(node[1])
        return (
            self.graph.add(node[0], *(self._primal(k) for k in node[1:])) if _arguments(node) else self.graph.add(*node)
        )

    def _add(self, left: int, right: int) -> int:
        if self.zero in (left, right):
            return right if left == self.zero else left
        return self.graph.add("add", left, right)

    def _times(self, left: int, right: int) -> int:
        if self.one in (left, right):
            return right if left == self.one else left
        a, b = self.graph.nodes[left], self.graph.nodes[right]
        if a[0] == b[0] == "constant":
            return self.graph.constant(a[1] * b[1])
        return self.graph.add("multiply", left, right)
