"""Networks on trees (recursive networks): a wire along a tree brings what the children of a node sent.

A sequence is the tree in which every step is the only child of the next, and a wire along it is then a delayed wire. The
nodes of a sample are its frames, children first. Every node is a copy of the same units: it starts from the initial state, and
of its children it receives only what their wires carry, added up; in each of its steps, what they sent in the same step of
theirs.

Nodes of equal height (their longest path down to a leaf) do not depend on each other, and are run together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.tree import NONE, Tree, check_parents
from neurorec.models.running import NetworkState, Unroll, run_over_time
from neurorec.models.wires import INPUT, Structure

if TYPE_CHECKING:
    from neurorec.models.network import Network


def run_on_trees(
    network: Network, x: Tensor, state: NetworkState | None, lengths: Tensor | None, unroll: Unroll | None,
    forced: Mapping[str, Tensor], tree: Structure | None,
) -> tuple[dict[str, Tensor], NetworkState]:  # fmt: skip
    """As `Network.run`, for nodes x [F k, B, I] of k steps each. Nothing is carried on, so the final state is empty.

    Raises
    ------
    InputError
        For something other than trees, wrong parents, or an initial state or forced outputs, which no node takes.
    """
    if state is not None or forced:
        raise InputError(
            f"{network.title} runs on trees: every node starts from the initial state, so give neither `state` nor `forced`"
        )
    T, B, _ = x.shape
    tree = Tree.chain(T, B) if tree is None else tree
    if not isinstance(tree, Tree):
        raise InputError(f"{network.title} runs on trees, so give a Tree (got {type(tree).__name__})")
    k = tree.steps
    check_parents(tree.parents, T // k, B)
    height = tree.heights(lengths).flatten()
    child, parent = tree.links(lengths)
    nodes = _as_nodes(x, k)
    row = torch.full_like(height, NONE)  #: of each node among those already run
    done: dict[str, Tensor] = {name: x.new_zeros(k, 0, network.size_of(name)) for name, _ in network.named_layers()}
    for level in range(int(height.max()) + 1 if len(height) else 0):
        here = (height == level).nonzero()[:, 0]
        to = height[parent] == level
        place = torch.searchsorted(here, parent[to])
        brought = {
            wire: _joined(
                wire.carried(done[wire.source][:, row[child[to]]]) * (wire not in network.cut), place, len(here)
            )
            for wire in network.wires
            if wire.along == "tree"
        }
        sent, _ = run_over_time(network, nodes[:, here], None, None, unroll, {}, brought)
        row[here] = torch.arange(len(here), device=row.device) + done[network.output].shape[1]
        done = {name: torch.cat([done[name], sent[name]], 1) for name in done}
    found = {name: _as_frames(values, row, B) for name, values in done.items()}
    return {INPUT: x, **found}, NetworkState({}, {})


def _joined(values: Tensor, place: Tensor, parents: int) -> Tensor:
    """The sum over the children of each parent: [k, P, H] from what the children sent [k, L, H]."""
    return values.new_zeros(len(values), parents, values.shape[2]).index_add(1, place, values)


def _as_nodes(x: Tensor, k: int) -> Tensor:
    """[F k, B, I] to [k, F B, I]."""
    return x.unflatten(0, (-1, k)).transpose(0, 1).flatten(1, 2)


def _as_frames(values: Tensor, row: Tensor, B: int) -> Tensor:
    """[k, nodes run, H] to [F k, B, H]; `row` NONE: 0."""
    missing = row == NONE
    nodes = values[:, row.clamp_min(0)] if values.shape[1] else values.new_zeros(len(values), len(row), values.shape[2])
    nodes = torch.where(missing[:, None], 0, nodes)
    return nodes.unflatten(1, (-1, B)).transpose(0, 1).flatten(0, 1)
