"""Distances of spike trains against a sum over time, pairs at given distances, and what equal states and inputs give."""

import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.separation import Separation, distance_of, filtered, pair_of_trains
from neurorec.basics.errors import InputError, RunFailed
from tests.nets import cell_card

EXAMPLE = Separation.example


def settings(**changes):
    return Separation.settings({**EXAMPLE, **changes})


def test_the_distance_of_spike_trains_is_that_of_the_convolved_trains():
    u, v = torch.tensor([100.0, 103.0, 200.0]).double(), torch.tensor([101.0, 150.0]).double()
    t = torch.arange(0, 400, 0.01).double()[:, None]
    difference = torch.exp(-(((t - u) / 5) ** 2)).sum(1) - torch.exp(-(((t - v) / 5) ** 2)).sum(1)
    summed = (difference.square().sum() * 0.01 / 1000).sqrt() / 0.4
    assert float(distance_of(u, v, 400.0)) == pytest.approx(float(summed), rel=1e-6)
    assert float(distance_of(u, u, 400.0)) == 0


@pytest.mark.parametrize("distance", [0.2, 0.8])
def test_pairs_are_at_the_distance_wanted(distance):
    given, generator = settings(), torch.Generator().manual_seed(0)
    for _ in range(5):
        u, v = pair_of_trains(given, distance, generator)
        assert float(distance_of(u, v, 200.0)) == pytest.approx(distance, abs=0.01)
        assert len(u) == len(v)
        assert 0 <= float(v.min()) <= float(v.max()) <= 199
        assert torch.equal(v, v.round())


def test_equal_inputs_and_potentials_lead_to_equal_states():
    found = analyse("separation", {**EXAMPLE, "start": [0.5, 0.5]})
    assert found.figures[0].lines["d(u, v) = 0"][1] == [0.0] * 200
    assert max(found.figures[0].lines["d(u, v) = 0.8"][1]) > 0
    from_other_potentials = analyse("separation", EXAMPLE)
    assert max(from_other_potentials.figures[0].lines["d(u, v) = 0"][1]) > 0


def test_states_differ_more_for_inputs_that_differ_more():
    found = analyse("separation", {**EXAMPLE, "distances": [0.0, 0.3, 1.2], "pairs": 40, "start": [0.5, 0.5]}).values
    assert found["least increase"] > 0
    assert found["largest over smallest"] > 1.2
    assert found["rate"] > 1


def test_the_filter_is_its_recursion():
    values = torch.rand(9, 2, 3, generator=torch.Generator().manual_seed(0)).double()
    kernel = (1 - 1 / 30) ** torch.arange(8, -1, -1).double()
    torch.testing.assert_close(filtered(values, settings())[-1], (kernel[:, None, None] * values).sum(0))


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match=r"^settings: distances must ascend from 0 \(got \[0.4, 0.2\]\)$"):
        settings(distances=[0.4, 0.2])
    with pytest.raises(InputError, match=r"^settings: settle_ms must be below length_ms 200 \(got 200\)$"):
        settings(settle_ms=200.0)
    values = cell_card("leaky_integrator", 20).model_dump()
    with pytest.raises(InputError, match=r"^settings: .* has no membrane potentials; use a cell of spiking neurons$"):
        settings(cell={key: value for key, value in values.items() if key not in ("size", "dt_ms")})
    with pytest.raises(
        RunFailed, match=r"^no pair of spike trains at a distance of 90 was found; use smaller distances$"
    ):
        pair_of_trains(settings(), 90.0, torch.Generator().manual_seed(0))
