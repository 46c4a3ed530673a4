"""What may be an input recording, and what is refused, by text."""

import re

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.workload.graph import graph_work, read_recording
from neurorec.hardware.workload.graph.input_recording import signal_of
from tests.engines.made_up_nir import STEPS, chain, integrate_and_fire


def test_an_array_a_named_one_and_the_only_one_are_read(tmp_path):
    x = np.arange(6).reshape(3, 1, 2)
    np.save(tmp_path / "a.npy", x)
    np.savez(tmp_path / "b.npz", x=x, labels=np.zeros(3))
    np.savez(tmp_path / "c.npz", whatever=x)
    for name in ("a.npy", "b.npz", "c.npz"):
        assert np.array_equal(read_recording(tmp_path / name), x)


def save(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: p, "there is no such recording; save the input as a NumPy file [T, B, ...] (.npy or .npz)"),
        (lambda p: p.write_bytes(b"spikes") and p, "this is not a NumPy file"),
        (
            lambda p: save(p, np.array(["a"])),
            "an array must hold numbers of at most 64 bits, but this is <U1 of shape (1,)",
        ),
        (lambda p: save(p, np.zeros((0, 3))), "this is float64 of shape (0, 3)"),
        (
            lambda p: save(p, np.array([[1.0], [np.nan]])),
            "the recording contains 1 NaN or infinite numbers; correct them",
        ),
    ],
)
def test_anything_else_is_refused(make, text, tmp_path):
    with pytest.raises(InputError, match=re.escape(text)):
        read_recording(make(tmp_path / "x.npy"))


def test_of_several_arrays_one_must_be_called_x(tmp_path):
    np.savez(tmp_path / "x.npz", first=np.zeros(2), second=np.zeros(2))
    with pytest.raises(InputError, match=r'contains first, second; call the recording "x", or save it separately'):
        read_recording(tmp_path / "x.npz")


def test_zeros_and_ones_are_spikes_and_anything_else_values_unless_said():
    assert signal_of(np.array([0, 1, 1]), "auto", "f") == "spikes"
    assert signal_of(np.array([0, 2]), "auto", "f") == "values"
    assert signal_of(np.array([0, 2]), "spikes", "f") == "spikes"
    assert signal_of(np.array([0, 1]), "values", "f") == "values"


def test_spikes_that_are_no_counts_are_refused():
    with pytest.raises(
        InputError, match=re.escape("f: spikes are counts (0, 1, 2, ...), but the recording contains -0.5")
    ):
        signal_of(np.array([0, -0.5]), "spikes", "f")
    with pytest.raises(InputError, match='--signal "spike" is not known; known: auto, spikes, values'):
        signal_of(np.array([0]), "spike", "f")


def test_a_recording_of_another_shape_is_refused():
    graph = chain(integrate_and_fire())
    with pytest.raises(
        InputError, match=re.escape('the input has shape (4, 2, 3), but its node "input" takes [1] per step')
    ):
        graph_work(graph, np.zeros((4, 2, 3)), STEPS)
