"""Ridge regression in closed form."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import RunFailed

MOST_COPIED = 20_000_000  #: features that are copied at once, to double precision
BLOCK = 2_000


def solve_ridge(features: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """Weights [O, K] of features [N, K] onto targets [N, O], in double precision.

    W = Y^T X (X^T X + penalty N I)^-1 (Hoerl & Kennard 1970). A last column of ones gives the bias, which is excluded from
    the penalty. Raises `RunFailed` if there is no unique solution.
    """
    return Moments.of(features, targets).ridge(penalty)


class Moments(NamedTuple):
    """What ridge regression needs to know of N samples, in double precision, for any penalty."""

    samples: int
    features: Tensor  #: X^T X [K, K]
    targets: Tensor  #: X^T Y [K, O]

    @classmethod
    def of(cls, features: Tensor, targets: Tensor) -> "Moments":
        """Many features are added up in blocks of samples, without a copy of all."""
        N, K = features.shape
        if N * K <= MOST_COPIED:
            X, Y = features.double(), targets.double()
            return cls(N, X.T @ X, X.T @ Y)
        XX, XY = np.zeros((K, K)), np.zeros((K, targets.shape[1]))
        for X, Y in zip(features.split(BLOCK), targets.split(BLOCK), strict=True):
            x = X.double().cpu().numpy()
            XX += x.T @ x  # NumPy computes half of a symmetric product
            XY += x.T @ Y.double().cpu().numpy()
        return cls(N, torch.from_numpy(XX), torch.from_numpy(XY))

    def ridge(self, penalty: float) -> Tensor:
        """See `solve_ridge`."""
        shrink = torch.full((len(self.features),), penalty * self.samples, dtype=torch.float64)
        shrink[-1] = 1e-9 * self.samples
        try:
            return torch.linalg.solve(self.features + torch.diag(shrink), self.targets).T
        except RuntimeError:  # LinAlgError, which torch does not export
            raise RunFailed(
                f"ridge regression with penalty {penalty:g} has no unique solution, because features are equal or constant; "
                "use a larger penalty"
            ) from None


def solve_ridge_by_qr(features: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """As `solve_ridge`, without forming X^T X, which squares the condition number: for penalties far below 1e-12.

    Solves the least-squares problem of X with the rows sqrt(penalty N) I below it, the last column (the bias) apart.
    """
    X, Y = features.double(), targets.double()
    below = torch.diag(torch.full((X.shape[1],), (penalty * X.shape[0]) ** 0.5, dtype=torch.float64))[:-1]
    padded = torch.cat([X, below]), torch.cat([Y, Y.new_zeros(len(below), Y.shape[1])])
    q, r = torch.linalg.qr(padded[0])
    return torch.linalg.solve_triangular(r, q.T @ padded[1], upper=True).T
