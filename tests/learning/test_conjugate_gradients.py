"""Conjugate gradients: they solve, every solution is better than the one before, and they stop when little is gained."""

import itertools

import pytest
import torch

from neurorec.learning.conjugate_gradients import conjugate_gradients


def system(N: int = 20, condition: float = 10.0):
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(N, N, generator=generator, dtype=torch.float64))
    matrix = basis @ torch.diag(torch.logspace(0, float(torch.tensor(condition).log10()), N).double()) @ basis.T
    return matrix, torch.randn(N, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("warm", [False, True])
def test_solutions_get_better_and_the_last_solves(warm):
    matrix, b = system()
    start = torch.ones(20, dtype=torch.float64) if warm else torch.zeros(20, dtype=torch.float64)
    found = conjugate_gradients(lambda v: matrix @ v, b, start, 20)
    values = [float(x @ matrix @ x / 2 - b @ x) for x, _ in found]
    assert [one.quadratic for one in found] == pytest.approx(values, rel=1e-12)
    assert all(later < before for before, later in itertools.pairwise(values))
    torch.testing.assert_close(found[-1].x, torch.linalg.solve(matrix, b), rtol=1e-4, atol=1e-6)


def test_kept_solutions_lie_further_and_further_apart():
    matrix, b = system(200, 1e6)
    products = []
    found = conjugate_gradients(lambda v: products.append(v) or matrix @ v, b, torch.zeros_like(b), 30)
    assert len(products) == 30
    singles = [conjugate_gradients(lambda v: matrix @ v, b, torch.zeros_like(b), n)[-1] for n in range(1, 31)]
    kept = [n for n, one in enumerate(singles, 1) if any(torch.equal(one.x, other.x) for other in found)]
    assert kept == [1, 2, 3, 4, 6, 7, 10, 12, 16, 20, 26, 30]


def test_it_stops_when_the_last_ten_iterations_gained_less_than_half_a_per_cent():
    matrix, b = system(200, 1e4)
    products = []
    conjugate_gradients(lambda v: products.append(v) or matrix @ v, b, torch.zeros_like(b), 200)
    n = len(products)
    values = [
        conjugate_gradients(lambda v: matrix @ v, b, torch.zeros_like(b), k)[-1].quadratic for k in range(1, n + 1)
    ]
    window = [max(10, k // 10) for k in range(1, n + 1)]
    slow = [k > w and (values[k - 1] - values[k - 1 - w]) / values[k - 1] < 5e-4 * w
            for k, w in zip(range(1, n + 1), window, strict=True)]  # fmt: skip
    assert 10 < n < 200
    assert slow == [False] * (n - 1) + [True]


def test_nothing_to_solve_is_solved_by_nothing():
    (only,) = conjugate_gradients(lambda v: v, torch.zeros(3), torch.zeros(3), 5)
    assert (only.x.tolist(), only.quadratic) == ([0.0] * 3, 0.0)
