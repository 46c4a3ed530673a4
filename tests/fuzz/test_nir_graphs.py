"""Broken NIR files: a readable error, or a result; never a traceback, a hang or much memory."""

import resource
from collections import Counter
from unittest.mock import patch

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from neurorec.basics.errors import InputError
from neurorec.cli import app
from neurorec.engines.nir_graph import hdf5_file
from neurorec.engines.on_nir import NirOptions, read_nir, run_nir
from neurorec.experiments.verbs import check_file
from neurorec.experiments.workloads import Heard, read_work
from neurorec.hardware.pricing.price import price
from tests.fuzz.nir_mutants import damaged, mutants

STEPS = 3
OPTIONS = ("dt_s=1e-3", "time_unit=steps")
MANY = settings(max_examples=5_000, deadline=5_000, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=120, derandomize=True)
seen = Counter()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield tmp_path_factory.mktemp("nir")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: one GiB


def refused(call, path):
    """The result of `call`, or None if it is refused with a readable message."""
    try:
        return call()
    except InputError as error:
        text = str(error)
    assert text.startswith(str(path)), text
    assert len(text) < 10_000
    assert all(line.isprintable() for line in text.splitlines()), text
    assert not any(name in text for name in ("KeyError", "AssertionError", "TypeError", "IndexError")), text
    return None


def assert_sound(path):
    """What an accepted file must hold, looked up in the file itself: finite numbers, positive time constants."""
    with h5py.File(path) as file:

        def look(name, data):
            if isinstance(data, h5py.Dataset) and "metadata" not in name and data.dtype.kind in "fc":
                assert data.dtype.kind == "f", name
                assert np.isfinite(data[()]).all(), name
                assert not name.rsplit("/", 1)[-1].startswith("tau") or (np.array(data[()]) > 0).all(), name

        file["node/nodes"].visititems(look)


@patch.object(hdf5_file, "returns", lambda call, seconds: True)
def attack(path, content):
    """Forking takes longer than reading; only damaged HDF5 needs it, not wrong graphs in sound HDF5."""
    path.write_bytes(content)
    seen["mutants"] += 1
    if refused(lambda: check_file(path), path) is None:
        seen["refused"] += 1
        return False
    assert_sound(path)
    graph = read_nir(path)
    x = np.ones((STEPS, 1, *graph.nodes[graph.input].input_type["input"]))
    run = refused(lambda: run_nir(graph, x, NirOptions(dt_s=1e-3, time_unit="steps")), path)
    if run is not None:
        assert all(bool(torch.isfinite(output).all()) for output in run.outputs.values())
        seen["run"] += 1
    np.save(path.with_suffix(".npy"), x)
    heard = Heard(recording=path.with_suffix(".npy"), options=OPTIONS)
    work = refused(lambda: read_work(path, heard), path)
    if work is not None:
        price(work.work, "loihi1")
        seen["priced"] += 1
    return True


@FEW
@given(content=mutants())
def test_a_broken_graph_gives_a_readable_error_or_a_result(folder, content):
    attack(folder / "mutant.nir", content)


@settings(FEW, max_examples=25)
@given(content=mutants())
def test_the_command_line_gives_a_readable_error_or_a_result(folder, content):
    path = folder / "printed.nir"
    if attack(path, content):
        options = [word for option in OPTIONS for word in ("--nir", option)]
        result = CliRunner().invoke(app, ["cost", str(path), "--input", str(path.with_suffix(".npy")), *options])
        assert result.exit_code == 0 or isinstance(result.exception, InputError), result.exception


@settings(FEW, max_examples=25)
@given(content=damaged())
def test_a_damaged_file_gives_a_readable_error_or_a_result(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "damaged.nir"
    path.write_bytes(content)
    refused(lambda: check_file(path), path)


@pytest.mark.slow
@MANY
@given(content=mutants())
def test_many_broken_graphs(folder, content):
    attack(folder / "mutant.nir", content)


@pytest.mark.slow
@settings(MANY, max_examples=300)
@given(content=damaged())
def test_many_damaged_files(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "damaged.nir"
    path.write_bytes(content)
    refused(lambda: check_file(path), path)
