"""Every figure that a test of this folder draws is checked: its texts lie within its canvas."""

import pytest

from tests.report.canvas import Canvas


@pytest.fixture(autouse=True)
def canvas(monkeypatch):
    seen = Canvas(monkeypatch)
    yield seen
    assert seen.outside == []
