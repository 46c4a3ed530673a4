"""Products of the Gauss-Newton matrix with vectors, without the matrix (Schraudolph 2002)."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Curvature:
    """G = J' L'' J, with J the derivative of the answers with respect to the weights, and L'' the second derivative of the loss
    with respect to the answers; S' S likewise for `states`, what hidden units send in all steps: the curvature of half
    their squared changes (structural damping, Martens & Sutskever 2011).

    The graph of the run is built once. v -> J' v is linear, with derivative J', so that J v is one more backward pass.
    """

    def __init__(self, weights: Sequence[Tensor], loss: Tensor, answers: Tensor, states: Sequence[Tensor]) -> None:
        self.weights, self.outputs = list(weights), [answers, *states]
        self.dummies = [torch.zeros_like(one, requires_grad=True) for one in self.outputs]
        self.back = torch.autograd.grad(self.outputs, self.weights, self.dummies, create_graph=True)
        (self.slope,) = torch.autograd.grad(loss, answers, create_graph=True)

    def product(self, vector: Tensor, damping: float = 0.0, structural: float = 0.0) -> Tensor:
        """(G + structural S' S + damping) v, for v [N]."""
        parts = torch.autograd.grad(self.back, self.dummies, unflat(vector, self.weights), retain_graph=True)
        (of_answers,) = torch.autograd.grad(self.slope, self.outputs[0], parts[0], retain_graph=True)
        through = [of_answers, *(structural * part for part in parts[1:])]
        images = torch.autograd.grad(self.outputs, self.weights, through, retain_graph=True)
        return flat(images) + damping * vector


def flat(parts: Sequence[Tensor]) -> Tensor:
    """[N], all numbers of all parts."""
    return torch.cat([part.reshape(-1) for part in parts])


def unflat(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """The numbers of a vector [N] in the shapes of `like`."""
    pieces = vector.split([part.numel() for part in like])
    return [piece.view_as(part) for piece, part in zip(pieces, like, strict=True)]
