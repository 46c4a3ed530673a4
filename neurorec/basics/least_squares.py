"""Ridge regression in closed form."""

import torch
from torch import Tensor

from neurorec.basics.errors import RunFailed


def solve_ridge(features: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """Weights [O, K] of features [N, K] onto targets [N, O], in double precision.

    W = Y^T X (X^T X + penalty N I)^-1 (Hoerl & Kennard 1970). A last column of ones gives the bias, which is excluded from
    the penalty. Raises `RunFailed` if there is no unique solution.
    """
    X, Y = features.double(), targets.double()
    shrink = torch.full((X.shape[1],), penalty * X.shape[0], dtype=torch.float64)
    shrink[-1] = 1e-9 * X.shape[0]
    try:
        return torch.linalg.solve(X.T @ X + torch.diag(shrink), X.T @ Y).T
    except RuntimeError:  # LinAlgError, which torch does not export
        raise RunFailed(
            f"ridge regression with penalty {penalty:g} has no unique solution, because features are equal or constant; use a "
            "larger penalty"
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
