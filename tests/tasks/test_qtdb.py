"""Heartbeats: splits, both readings of steps without a label, and the traces of their baseline."""

import math

import pytest
import torch

from neurorec.tasks.batch import Batch
from neurorec.tasks.data_files import missing_data
from neurorec.tasks.objectives.step_classification import exponential_traces
from neurorec.tasks.task import load_task

needs_data = pytest.mark.skipif(missing_data("qtdb") is not None, reason=str(missing_data("qtdb")))


def test_a_trace_decays_from_frame_to_frame_and_adds_what_arrives():
    x = torch.tensor([1.0, 0.0, 1.0])[:, None, None]
    found = exponential_traces(Batch(x, None, torch.ones(3) > 0), (2.0,))
    e = math.exp(-1 / 2)
    expected = torch.tensor([[1, 1, 1], [0, e, 1], [1, e * e + 1, 1]])  # frame, trace, constant
    torch.testing.assert_close(found[:, 0], expected)


@needs_data
def test_splits_are_those_of_the_files_and_the_end_mark_is_gone():
    task = load_task("qtdb", 0)
    assert {split: task.split(split).size for split in ("train", "validation", "test")} == {
        "train": 500, "validation": 118, "test": 141,
    }  # fmt: skip
    assert task.x.shape == (1301, 759, 4)
    assert set(task.x.unique().tolist()) == {0.0, 1.0}
    assert task.x[1300, :, 0].sum() == 0


@needs_data
def test_steps_without_a_label_are_class_0_or_do_not_count():
    """The shares of the classes as published with the data, when steps without a label are read as class 0."""
    whole, labelled = load_task("qtdb", 0), load_task("qtdb_labelled", 0)
    shares = torch.bincount(whole.target[:, :618].flatten()) / (618 * 1301)
    assert [round(share, 3) for share in shares.tolist()] == [0.207, 0.062, 0.058, 0.044, 0.302, 0.327]
    assert bool(whole.mask.all())
    assert torch.equal(whole.target, labelled.target)
    assert [int((~labelled.mask[:, part]).sum()) for part in (slice(618), slice(618, None))] == [65_785, 19_056]
    assert set(whole.target[~labelled.mask].tolist()) == {0}
