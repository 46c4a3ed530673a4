"""MNIST: the format of its files, and the official split."""

import gzip

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.tasks.data_files import missing_data
from neurorec.tasks.mnist import FILES, unpacked
from neurorec.tasks.task import load_task

needs_data = pytest.mark.skipif(missing_data("mnist") is not None, reason=str(missing_data("mnist")))


def packed(kind, shape, values):
    return gzip.compress(np.array([kind, *shape], ">u4").tobytes() + bytes(values))


def test_images_and_labels_are_read_row_by_row():
    assert unpacked(packed(0x803, (2, 2, 3), range(12)), 3).tolist() == [
        [[0, 1, 2], [3, 4, 5]],
        [[6, 7, 8], [9, 10, 11]],
    ]
    assert unpacked(packed(0x801, (3,), [7, 0, 255]), 1).tolist() == [7, 0, 255]


def test_other_files_are_refused():
    told = r"^MNIST: expected an IDX file of bytes with 3 axes, 0x803 \(got 0x80d, 4 values for \[1, 2, 2\]\); get the"
    with pytest.raises(InputError, match=told):
        unpacked(packed(0x80D, (1, 2, 2), range(4)), 3)
    with pytest.raises(InputError, match=r"got 0x801, 3 values for \[4\]"):
        unpacked(packed(0x801, (4,), range(3)), 1)


@needs_data
def test_the_split_is_the_official_one_and_the_last_training_images_are_for_validation():
    task = load_task("mnist", 0)
    parts = {split: task.split(split) for split in ("train", "validation", "test")}
    assert {split: part.size for split, part in parts.items()} == {
        "train": 50_000,
        "validation": 10_000,
        "test": 10_000,
    }
    labels = unpacked(FILES[1].read(), 1)
    assert parts["train"].answers[:5].tolist() == labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert parts["validation"].answers.tolist() == labels[-10_000:].tolist()
    assert np.bincount(parts["test"].answers).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    pixels = parts["test"].x[0]
    assert 0 == pixels.min() < pixels.max() == 1
    assert (pixels * 255 == (pixels * 255).round()).all()
    assert float(pixels.mean()) == pytest.approx(0.13251, abs=1e-5)
