"""Memory capacity against theory: exact for linear cycles, and never more than the number of units."""

from typing import Any

import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.memory_capacity import squared_correlation
from neurorec.basics.errors import InputError
from neurorec.models.cell import cells

LINEAR = {"activation": "linear", "leak": 1.0, "input_scale": 0.5, "bias_scale": 0.0}
CYCLE = {"name": "cycle_reservoir", "weight": 0.9, **LINEAR}
RANDOM = {"name": "echo_state", "spectral_radius": 0.9, "density": 1.0, **LINEAR}
ORTHOGONAL = {"name": "orthogonal_reservoir", "spectral_radius": 0.9, **LINEAR}


def capacity(cell, size, steps=3000, lags_per_unit=2.0, seed=0):
    settings = {"washout": 300, "steps": steps, "lags_per_unit": lags_per_unit, "penalty": 1e-12}
    return analyse("memory_capacity", {**settings, "size": size, "cell": cell}, seed).values["memory capacity"]


@pytest.mark.parametrize("r", [0.5, 0.9])
def test_the_law_of_the_linear_cycle_holds_exactly_for_endless_data(r):
    """With G = sum_k W^k v v' W'^k, lag k is recovered to the degree v' W'^k G^-1 W^k v; over k >= 1 this adds up to
    N - v' G^-1 v, and v' G^-1 v = 1 - r^2N for every v that reaches all modes."""
    kind = cells["cycle_reservoir"]
    cell: Any = kind(kind.Card(size=6, **{**CYCLE, "weight": r}), 1)
    cell.reset_parameters(torch.Generator().manual_seed(0))
    W, v = cell.double().w_rec, cell.w_in
    powers = [v]
    for _ in range(600):
        powers.append(W @ powers[-1])
    columns = torch.cat(powers, 1)
    degrees = (columns * torch.linalg.solve(columns @ columns.T, columns)).sum(0)
    assert float(degrees[1:].sum()) == pytest.approx(6 - (1 - float(W.max()) ** 12), abs=1e-9)


@pytest.mark.parametrize("size", [5, 20])
def test_a_linear_cycle_has_the_capacity_of_theory(size):
    lags = 6.0 if size == 5 else 2.0  # short cycles hear an input again and again
    assert capacity(CYCLE, size, lags_per_unit=lags) == pytest.approx(size - (1 - 0.9 ** (2 * size)), abs=0.3)


def test_no_reservoir_remembers_more_than_it_has_units_and_random_weights_remember_less():
    found = {cell["name"]: capacity(cell, 20) for cell in (CYCLE, ORTHOGONAL, RANDOM)}
    assert max(found.values()) < 20.5
    assert found["echo_state"] < found["orthogonal_reservoir"] - 1


def test_a_delay_line_forgets_after_as_many_steps_as_it_has_units():
    """The present input is one of N inputs in its state, so N - 1 lags remain; all later ones are chance."""
    line = {**CYCLE, "name": "delay_line_reservoir", "weight": 1.0}
    assert capacity(line, 8, lags_per_unit=0.875) == pytest.approx(7, abs=0.01)
    assert capacity(line, 8, lags_per_unit=4.0) == pytest.approx(7, abs=0.05)


def test_lag_one_is_the_input_of_one_step_ago():
    """A single linear unit without recurrence knows the present input, and nothing of any lag."""
    line = {**CYCLE, "name": "delay_line_reservoir", "weight": 1.0}
    assert capacity(line, 2, lags_per_unit=0.5) == pytest.approx(1, abs=1e-6)
    assert capacity({**line, "weight": 0.0}, 2) < 0.05


def test_a_constant_column_is_not_correlated():
    a = torch.stack([torch.ones(9), torch.arange(9.0)], 1).double()
    torch.testing.assert_close(squared_correlation(a, a.flip(1) + 1), torch.zeros(2).double())
    torch.testing.assert_close(squared_correlation(a, 3 - a)[1], torch.ones(()).double())


def test_a_wrong_cell_is_refused_before_anything_runs():
    with pytest.raises(InputError, match=r'^settings: cell: key "weigth" is not known'):
        capacity({**CYCLE, "weigth": 1.0}, 5)
    with pytest.raises(InputError, match=r'cell "cycle" is not known'):
        capacity({**CYCLE, "name": "cycle"}, 5)
