"""From a layer's own `step` to two graphs: the step itself, and its exact adjoint with the surrogate for the spike."""

import copy
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from neurorec.engines.fused.step_graph import Graph, NotElementwise, Symbol
from neurorec.models.layer import Layer


@dataclass(frozen=True)
class Recorded:
    """One step of a layer, elementwise, apart from the products W_in x and (if recurrent) W_rec z.

    Forward: the nodes of the output, of each next state, and of what is kept for the backward pass. Backward: from the
    gradient gz of the output, of each next state, and of each learned row accumulated so far, the gradient of the drive
    W_in x + W_rec z, of each state, and of each learned row.
    """

    names: tuple[str, ...]  #: the state's fields except the spikes, in order
    spikes: str | None  #: the state's field that holds the spikes
    w_in: Tensor
    w_rec: Tensor | None
    forward: Graph
    output: int
    kept: tuple[int, ...]  #: for a spiking layer, the first is the argument of the spike function, u - threshold
    next_states: tuple[int, ...]
    learned: tuple[int, ...]  #: which of the graph's rows need a gradient
    backward: Graph
    drive: int
    states: tuple[int, ...]  #: gradients of the states, then of the learned rows
    slope: int  #: the surrogate derivative, computed from the first kept value
    compact: bool  #: whether the surrogate derivative is zero away from the threshold


class _Spiking:
    """Replaces the layer's spike function while its step is recorded."""

    def __init__(self) -> None:
        self.distances: list[Symbol] = []

    def __call__(self, distance: Symbol) -> Symbol:
        self.distances.append(distance)
        return distance.spike()


def record(layer: Layer) -> Recorded:
    """Raises `NotElementwise` if the step contains more than per-neuron arithmetic and the two products."""
    spiking = layer.output_signal == "spikes" and hasattr(layer, "spike")
    if not spiking and layer.recurrent_weights():
        raise NotElementwise("its recurrent lines carry values, but this engine processes spikes")
    graph, spike = Graph(), _Spiking()
    twin: Any = copy.copy(layer)
    if spiking:
        twin.spike = spike
    start = layer.initial_state(1)
    if not hasattr(start, "_fields"):
        raise NotElementwise("its state is not a NamedTuple")
    wrap, fields = type(start), cast(Any, start)._fields
    spikes = fields[0] if spiking else None
    names = tuple(name for name in fields if name != spikes)
    if not names:
        raise NotElementwise("it keeps nothing from step to step")
    symbols = {name: Symbol(graph, graph.add("state", k)) for k, name in enumerate(names)}
    if spikes is not None:
        symbols[spikes] = Symbol(graph, graph.add("z"))
    try:
        output, after = twin.step(wrap(**symbols), Symbol(graph, graph.add("x")))
    except NotElementwise:
        raise
    except (
        Exception
    ) as reason:  # anything that symbols cannot do; if the step itself is wrong, the plain loop reports it
        raise NotElementwise(f"recording its step failed: {reason}") from reason
    after = after._asdict()
    if spikes is not None and (
        len(spike.distances) != 1 or after[spikes].index != output.index or graph.nodes[output.index][0] != "spike"
    ):
        raise NotElementwise("its output is not a spike stored as the first field of its state")
    if set(graph.weights) not in (({"x", "z"}, {"x"}) if spiking else ({"x"},)) or any(
        node[0] in ("x", "z") and _used(graph, k) for k, node in enumerate(graph.nodes)
    ):
        raise NotElementwise("it uses its input or its last spikes other than through one matrix each")
    next_states = tuple(after[name].index for name in names)
    adjoint = _Adjoint(graph, spike.distances[0].index if spiking else None, getattr(layer, "spike", None))
    drive, states = adjoint.of(output.index, next_states)
    return Recorded(
        names, spikes, graph.weights["x"], graph.weights.get("z"), graph, output.index, tuple(adjoint.kept), next_states,
        adjoint.learned, adjoint.graph, drive, states, adjoint.slope,
        any(node[0] == "maximum" for node in adjoint.graph.nodes),
    )  # fmt: skip


def _used(graph: Graph, index: int) -> bool:
    return any(index in _arguments(node) for node in graph.nodes)


def _arguments(node: tuple[Any, ...]) -> tuple[int, ...]:
    return () if node[0] in ("constant", "state", "row", "drive", "x", "z") else node[1:]


class _Adjoint:
    """Reverse-mode differentiation of a recorded step.

    What it needs from the forward pass is recomputed from u - threshold if possible, and kept otherwise.
    """

    def __init__(self, forward: Graph, distance: int | None, spike: Any) -> None:
        self.forward, self.distance = forward, distance
        self.learned = tuple(k for k, row in enumerate(forward.rows) if row.requires_grad)
        self.graph = Graph(rows=forward.rows, may_round=True)
        self.zero, self.one = self.graph.constant(0.0), self.graph.constant(1.0)
        self.kept: list[int] = []
        self.slope = self.zero
        if distance is not None:
            self.slope = spike.derivative(Symbol(self.graph, self._keep(distance))).index

    def of(self, output: int, next_states: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """The gradient of the drive, and those of the states and of the learned rows."""
        gradient: dict[int, int] = {output: self.graph.add("gz")}
        for k, index in enumerate(next_states):
            gradient[index] = self._add(gradient.get(index, self.zero), self.graph.add("state", k))
        for index in reversed(range(len(self.forward.nodes))):
            for argument, part in self._parts(self.forward.nodes[index], gradient.get(index, self.zero)):
                gradient[argument] = self._add(gradient.get(argument, self.zero), part)
        found = {node: gradient.get(index, self.zero) for index, node in enumerate(self.forward.nodes)}
        if ("drive", "z") in found and found["drive", "x"] != found["drive", "z"]:
            raise NotElementwise("it does not simply add its input drive and its recurrent drive")
        states, S = [found["state", k] for k in range(len(next_states))], len(next_states)
        sums = [self._add(self.graph.add("state", S + k), found["row", row]) for k, row in enumerate(self.learned)]
        return found["drive", "x"], (*states, *sums)

    def _parts(self, node: tuple[Any, ...], g: int) -> list[tuple[int, int]]:
        """The contribution of a node's gradient g to each of its arguments."""
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
        raise NotElementwise(f"its step contains the operation {operation}, whose derivative is not implemented")

    def _varies(self, index: int) -> bool:
        """Whether this forward node depends on anything that needs a gradient."""
        node = self.forward.nodes[index]
        if node[0] == "row":
            return node[1] in self.learned
        return node[0] in ("state", "drive") or (
            node[0] != "detach" and any(self._varies(argument) for argument in _arguments(node))
        )

    def _primal(self, index: int) -> int:
        """A value of the forward pass, in the backward graph."""
        node = self.forward.nodes[index]
        if index == self.distance or not self._follows(index):
            return self._keep(index)
        if node[0] == "detach":
            return self._primal(node[1])
        return (
            self.graph.add(node[0], *(self._primal(k) for k in node[1:])) if _arguments(node) else self.graph.add(*node)
        )

    def _follows(self, index: int) -> bool:
        """Whether this forward node can be computed from u - threshold and constants."""
        node = self.forward.nodes[index]
        return index == self.distance or (
            node[0] not in ("state", "drive") and all(self._follows(argument) for argument in _arguments(node))
        )

    def _keep(self, index: int) -> int:
        if index not in self.kept:
            self.kept.append(index)
        return self.graph.add("kept", self.kept.index(index))

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
