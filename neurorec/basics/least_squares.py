"""Ridge regression in closed form."""

import torch
from torch import Tensor


def solve_ridge(features: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """Weights [O, K] of features [N, K] onto targets [N, O], in double precision.

    W = Y^T X (X^T X + penalty N I)^-1 (Hoerl & Kennard 1970). A last column of ones gives the bias, which is excluded from
    the penalty.
    """
    X, Y = features.double(), targets.double()
    shrink = torch.full((X.shape[1],), penalty * X.shape[0], dtype=torch.float64)
    shrink[-1] = 1e-9 * X.shape[0]
    return torch.linalg.solve(X.T @ X + torch.diag(shrink), X.T @ Y).T
