"""Fixtures every test may use."""

from pathlib import Path

import pytest
import torch

import neurorec.engines
import neurorec.learning
import neurorec.models
import neurorec.tasks  # noqa: F401  (these register every cell, rule, task and engine)
from neurorec.tasks.data_files import data_folder
from tests.other_sums import OtherSums

ROOT = Path(__file__).resolve().parents[1]
ARITHMETIC = ("analysis", "contracts", "engines", "laws", "learning", "models", "tasks", "hardware/export")
"""Folders of tests whose results hang on how a processor adds; .ci/run repeats them with other arithmetic."""


def pytest_addoption(parser):
    parser.addoption("--other-sums", type=int, metavar="SEED", help="matrix products add in an order drawn by chance")


def pytest_configure(config):
    seed = config.getoption("--other-sums")
    config.other_sums = None if seed is None else OtherSums(seed)


def pytest_collection_modifyitems(items):
    folders = [ROOT / "tests" / name for name in ARITHMETIC]
    for item in items:
        if any(folder in item.path.parents for folder in folders):
            item.add_marker("arithmetic")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def data_dir() -> Path:
    """The folder of real data: NEUROREC_DATA, or ../shared/data beside the project; skips where neither is.

    Where one of them is there, a test that asks for a file must find it: use `data_dir / "..."` and let it fail.
    """
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("no data: set NEUROREC_DATA, or put the data in ../shared/data")
    return folder
