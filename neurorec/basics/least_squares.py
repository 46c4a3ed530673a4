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
