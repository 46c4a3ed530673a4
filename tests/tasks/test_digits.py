"""Digits: which samples are for testing, and which a shortened split keeps."""

import numpy as np
import torch

from neurorec.tasks.encoded_task import encoded_split
from neurorec.tasks.encoders import encoders
from neurorec.tasks.task import Task, load_task


def test_all_seeds_have_the_same_test_samples_which_no_seed_trains_or_validates_on():
    splits = [load_task("row_digits_fixed_test", seed).splits for seed in (0, 1, 100)]
    for one in splits:
        np.testing.assert_array_equal(one["test"], splits[0]["test"])
        everything = np.concatenate(list(one.values()))
        np.testing.assert_array_equal(np.sort(everything), np.arange(1797))  # the splits are disjoint and complete
        assert {name: len(part) for name, part in one.items()} == {"train": 1297, "validation": 231, "test": 269}
    assert not np.array_equal(splits[0]["validation"], splits[1]["validation"])


def test_classes_are_in_equal_shares_in_every_split():
    task = load_task("row_digits_fixed_test", 5)
    for part in task.splits.values():
        shares = np.bincount(task.target[part], minlength=10) / len(part)
        assert abs(shares - 0.1).max() < 0.015


def test_a_shortened_split_is_spread_over_all_of_it():
    """Samples are often sorted by class, as here."""
    y = torch.arange(10).repeat_interleave(100)
    splits = {"train": torch.arange(1000) % 100 < 60, "validation": torch.arange(1000) % 100 >= 80}
    splits["test"] = ~(splits["train"] | splits["validation"])
    sorted_by_class = Task.from_arrays(torch.rand(1, 1000, 4), y, "classification", splits)
    encoder = encoders["none"](encoders["none"].Card(name="none"))
    kept = encoded_split(encoder, sorted_by_class, "train", 0, max_samples=50)
    assert torch.bincount(kept.target, minlength=10).tolist() == [5] * 10
    assert encoded_split(encoder, sorted_by_class, "train", 0, max_samples=5000).size == 600
