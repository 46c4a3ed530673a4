"""How a network keeps the constraints on its weights (`constraint.py`) while it is trained, and what they change in its counts.

A constraint names wires; the wire from a layer to itself means the layer's own recurrence. The weights of a wire are the
columns of its lines in the target's input matrix. While a network is trained, after every step fixed weights are set back,
weights of the wrong sign become zero (projection), and tied weights are copied from their owner. Gradient-based rules first
give the sum of the gradients of tied weights to the owner: backpropagation with weight constraints, as in the lecture
"Learning in recurrent networks". The norm that they clip and the numbers that they train contain every weight once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.errors import InputError
from neurorec.models.constraint import FACTORS, Constraint, Dale, Fixed, Signed, Tied
from neurorec.models.wires import Wire

if TYPE_CHECKING:
    from neurorec.models.network import Network

ALL = slice(None)


class Block(NamedTuple):
    """Columns `lines` of a parameter."""

    layer: str
    parameter: nn.Parameter
    lines: slice = ALL

    @property
    def values(self) -> Tensor:
        return self.parameter.data[..., self.lines]

    @property
    def gradient(self) -> Tensor:
        """Its part of the parameter's gradient, which must exist."""
        return self.parameter.grad[..., self.lines]  # type: ignore[index]


class Constraints:
    """The constraints of one network.

    Attributes
    ----------
    tied : copies with their owners
    fixed, signed : blocks; for the signed ones with +1 or -1 per line
    """

    def __init__(self, network: Network, given: Sequence[Constraint]) -> None:
        self.given = tuple(given)
        self.fixed: list[Block] = []
        self.signed: list[tuple[Block, Tensor]] = []
        self.tied: list[tuple[Block, Block]] = []
        for one in self.given:
            self._read(network, one)
        self._check_chains()

    def __bool__(self) -> bool:
        return bool(self.given)

    def _read(self, network: Network, one: Constraint) -> None:
        if isinstance(one, Fixed):
            self.fixed += weights_of(network, one.wire)
        elif isinstance(one, Signed):
            self._sign(network, one.wire, torch.full((_lines(network, one.wire.source),), FACTORS[one.sign]))
        elif isinstance(one, Dale):
            size = _lines(network, one.layer)
            signs = torch.ones(size).masked_fill(torch.arange(size) >= round(one.excitatory_share * size), -1.0)
            own = [Wire(one.layer, one.layer, 1)] if network[one.layer].recurrent_weights() else []
            for wire in dict.fromkeys([*network.heard_by(one.layer), *own]):
                self._sign(network, wire, signs)
        elif isinstance(one, Tied):
            self._tie(weights_of(network, one.wire), weights_of(network, one.owner), f"{one.wire} and {one.owner}")
        else:
            copies, owners = (
                [Block(name, p) for p in _layer(network, name).parameters()] for name in (one.layer, one.owner)
            )
            self._tie(copies, owners, f'layers "{one.layer}" and "{one.owner}"')

    def _sign(self, network: Network, wire: Wire, signs: Tensor) -> None:
        self.signed += [(block, signs) for block in weights_of(network, wire)]

    def _tie(self, copies: list[Block], owners: list[Block], what: str) -> None:
        if len(copies) != len(owners):
            raise InputError(f"{what} cannot be tied: one has {len(copies)} weight arrays, the other {len(owners)}")
        self.tied += zip(copies, owners, strict=True)

    def _check_chains(self) -> None:
        """A copy may be copied once and own nothing, so that the order of copying does not matter."""
        copies = [(copy.parameter, copy.lines) for copy, _ in self.tied]
        for copy, owner in self.tied:
            if any(_overlap(owner, other) for other, _ in self.tied):
                raise InputError(
                    f'weights of layer "{owner.layer}" own those of layer "{copy.layer}" but are themselves copies; tie all of '
                    "them to the same owner"
                )
            if sum(parameter is copy.parameter and _meet(lines, copy.lines) for parameter, lines in copies) > 1:
                raise InputError(f'weights of layer "{copy.layer}" are tied to two owners; tie them once')

    # -- while weights are drawn and trained

    @torch.no_grad()
    def start(self) -> None:
        """After weights were drawn: magnitudes get the required sign, and tied weights are copied.

        Raises
        ------
        InputError
            If tied weights differ in shape (cards are checked with one input, so this is known only here).
        """
        for copy, owner in self.tied:
            if copy.values.shape != owner.values.shape:
                raise InputError(
                    f'layers "{copy.layer}" and "{owner.layer}" cannot be tied: their weights are '
                    f"{list(copy.values.shape)} and {list(owner.values.shape)}; give them equal sizes and inputs"
                )
        for block, signs in self.signed:
            block.values.copy_(block.values.abs() * signs.to(block.values))
        self._copy()

    @torch.no_grad()
    def gather_gradients(self) -> None:
        """Owners get the sum of the gradients of all tied weights; copies and fixed weights get none."""
        for copy, owner in self.tied:
            if copy.parameter.grad is not None:
                if owner.parameter.grad is None:
                    owner.parameter.grad = torch.zeros_like(owner.parameter)
                owner.gradient.add_(copy.gradient)
                copy.gradient.zero_()
        for block in self.fixed:
            if block.parameter.grad is not None:
                block.gradient.zero_()

    @contextmanager
    def respected(self) -> Iterator[None]:
        """Whatever changes weights inside, they satisfy the constraints afterwards."""
        held = [block.values.clone() for block in self.fixed]
        yield
        with torch.no_grad():
            for block, before in zip(self.fixed, held, strict=True):
                block.values.copy_(before)
            for block, signs in self.signed:
                values = block.values
                values.masked_fill_(values * signs.to(values) < 0, 0.0)
            self._copy()

    def _copy(self) -> None:
        for copy, owner in self.tied:
            copy.values.copy_(owner.values)

    # -- counting

    def untrained(self, layer: str, dim: int | None = None) -> int:
        """Numbers of the layer's trained parameters that constraints hold: fixed ones, and copies."""
        held = [block for block in self._held() if block.layer == layer and block.parameter.requires_grad]
        return sum(block.values.numel() for block in held if dim in (None, block.parameter.dim()))

    def _held(self) -> list[Block]:
        return [*self.fixed, *self._copies()]

    def _copies(self) -> list[Block]:
        return [copy for copy, _ in self.tied]

    def held(self, layer: str) -> bool:
        """Whether any number of the layer is constrained."""
        return any(block.layer == layer for block in [*self._held(), *(block for block, _ in self.signed)])

    def copied_biases(self, layer: str) -> int:
        """Biases (and other numbers per unit) of the layer that are stored with their owner."""
        return sum(b.values.numel() for b in self._copies() if b.layer == layer and b.parameter.dim() == 1)

    def signed_numbers(self, layer: str) -> int:
        """Trained numbers of the layer that have a sign."""
        return sum(b.values.numel() for b, _ in self.signed if b.layer == layer and b.parameter.requires_grad)

    def fixes(self, network: Network, wire: Wire) -> bool:
        """Whether the weights of `wire` are fixed."""
        return bool(self.fixed) and _within(weights_of(network, wire), self.fixed)

    def copies(self, network: Network, wire: Wire) -> bool:
        """Whether the weights of `wire` are stored with their owner."""
        return bool(self.tied) and _within(weights_of(network, wire), self._copies())


def weights_of(network: Network, wire: Wire) -> list[Block]:
    """The weights in which `wire` ends; for a layer's own recurrence, all its recurrent weights.

    Raises
    ------
    InputError
        If there is no such wire, or the layer does not have its weights in one matrix.
    """
    layer = _layer(network, wire.target)
    if wire in network.wires:
        matrix = layer.input_weights()
        if matrix is None:
            raise InputError(
                f"{wire}: {layer.title} does not have its input weights in one matrix; constrain other wires"
            )
        return [Block(wire.target, matrix, network.lines_of(wire))]
    if wire.source == wire.target and layer.recurrent_weights():
        return [Block(wire.target, weight) for weight in layer.recurrent_weights()]
    raise InputError(f"a constraint names the {wire} (delay {wire.delay}), but the network has no such wire")


def _layer(network: Network, name: str):
    if name not in network.layers:
        raise InputError(f'a constraint names the layer "{name}", but the network has {", ".join(network.layers)}')
    return network[name]


def _lines(network: Network, source: str) -> int:
    if source != "input":
        _layer(network, source)
    return network.size_of(source)


def _overlap(one: Block, other: Block) -> bool:
    return one.parameter is other.parameter and _meet(one.lines, other.lines)


def _within(blocks: list[Block], others: list[Block]) -> bool:
    return all(
        any(one.parameter is other.parameter and other.lines in (ALL, one.lines) for other in others) for one in blocks
    )


def _meet(one: slice, other: slice) -> bool:
    if ALL in (one, other):
        return True
    return max(one.start, other.start) < min(one.stop, other.stop)
