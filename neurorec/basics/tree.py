"""Trees whose nodes are the frames of a sample, children first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurorec.basics.errors import InputError

NONE = -1  #: the parent of a root


@dataclass(frozen=True)
class Tree:
    """The trees of a batch.

    Attributes
    ----------
    parents : [F, B] the frame of each node's parent, after the node itself; NONE for roots
    steps : steps per node
    """

    parents: Tensor
    steps: int = 1

    @classmethod
    def chain(cls, steps: int, samples: int) -> Tree:
        """Each step is the only child of the next."""
        parents = torch.arange(1, steps + 1)
        parents[steps - 1 :] = NONE
        return cls(parents[:, None].expand(-1, samples))

    def present(self, lengths: Tensor | None) -> Tensor:
        """[F, B] the nodes of samples of these lengths in steps."""
        frames = torch.arange(len(self.parents), device=self.parents.device)[:, None]
        return torch.ones_like(self.parents, dtype=torch.bool) if lengths is None else frames * self.steps < lengths

    def links(self, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Every child and its parent [2, L], as numbers of nodes: frame x B + sample."""
        B = self.parents.shape[1]
        child = ((self.parents != NONE) & self.present(lengths)).flatten().nonzero()[:, 0]
        return child, self.parents.flatten()[child] * B + child % B

    def heights(self, lengths: Tensor | None) -> Tensor:
        """[F, B]: 0 for leaves, NONE after the end of a sample."""
        height = torch.zeros_like(self.parents)
        sample = torch.arange(self.parents.shape[1], device=height.device)
        present = self.present(lengths)
        for frame, parent in enumerate(self.parents):
            above = (parent != NONE) & present[frame]
            to, own = parent[above], sample[above]
            height[to, own] = torch.maximum(height[to, own], height[frame, own] + 1)
        return torch.where(present, height, NONE)


def check_parents(parents: Tensor, frames: int, samples: int, where: str = "") -> None:
    """Raises `InputError` unless parents are [F, B] integers, each after its child, or -1."""
    if parents.shape != (frames, samples) or parents.is_floating_point() or parents.dtype == torch.bool:
        raise InputError(
            f"{where}parents must be integers [F, B] = [{frames}, {samples}], one per node (got {parents.dtype} "
            f"{list(parents.shape)})"
        )
    wrong = (parents != NONE) & (
        (parents <= torch.arange(frames, device=parents.device)[:, None]) | (parents >= frames)
    )
    if wrong.any():
        frame, sample = (int(k) for k in wrong.nonzero()[0])
        raise InputError(
            f"{where}the parent of node {frame} of sample {sample} is {int(parents[frame, sample])}, but parents come after "
            f"their children: give a node from {frame + 1} to {frames - 1}, or -1 for a root"
        )
