"""Axes of energy: everything drawn lies between their ends."""

import pytest
from matplotlib.figure import Figure

from neurorec.report.training.energy import log_energy_axis


@pytest.mark.parametrize(
    ("drawn", "ends"),
    [((0.90, 0.92), (0.1, 1)), ((0.98, 0.99), (0.1, 10)), ((3.0, 3.0), (1, 10)), ((0.2, 50.0), (0.1, 100))],
)
def test_the_axis_covers_what_is_drawn_by_whole_decades(drawn, ends):
    axes = Figure().add_subplot()
    axes.plot(drawn, (0, 1))
    log_energy_axis(axes, "energy (µJ)")
    assert axes.get_xlim() == pytest.approx(ends, rel=1e-12)
