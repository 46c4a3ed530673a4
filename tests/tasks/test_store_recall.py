"""Store and recall: the delay of each variant, and that only the first frame says what to recall."""

import pytest
import torch

from neurorec.tasks.task import load_task


@pytest.mark.parametrize(("name", "delay"), [("store_recall", 13), ("store_recall_25", 25), ("store_recall_50", 50)])
def test_the_bit_is_shown_first_and_asked_for_after_the_delay(name, delay):
    task = load_task(name, 3)
    assert task.x.shape == (delay + 2, 896, 5)
    assert torch.equal(task.x[0, :, :2].argmax(1), task.target)
    assert task.x[1:, :, :2].sum() == 0
    assert task.mask.nonzero().tolist() == [[delay + 1]]
    assert task.x[:, :, 2].nonzero()[:, 0].unique().tolist() == [delay + 1]
