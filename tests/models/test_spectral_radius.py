"""The spectral radius of large sparse reservoirs is found by iteration, as exactly as by all eigenvalues."""

import pytest
import torch

from neurorec.models.reservoirs import echo_state
from neurorec.models.reservoirs.echo_state import spectral_radius


@pytest.mark.parametrize("density", [0.02, 0.1])
def test_iteration_finds_the_largest_eigenvalue(density, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(200, 200, generator=generator) * (torch.rand(200, 200, generator=generator) < density)
    exact = torch.linalg.eigvals(weights.double()).abs().max()
    monkeypatch.setattr(echo_state, "MOST_DENSE", 100)
    assert float(spectral_radius(weights)) == pytest.approx(float(exact), rel=1e-6)  # of a float32


def test_of_dense_weights_all_eigenvalues_are_computed(monkeypatch):
    weights = torch.randn(200, 200, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(echo_state, "MOST_DENSE", 100)
    assert spectral_radius(weights) == torch.linalg.eigvals(weights).abs().max()


def test_a_matrix_of_zeros_has_radius_zero(monkeypatch):
    monkeypatch.setattr(echo_state, "MOST_DENSE", 100)
    assert float(spectral_radius(torch.zeros(200, 200))) == 0.0
