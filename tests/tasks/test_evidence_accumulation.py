"""Evidence accumulation: cues by hand, and what the answer depends on."""

import pytest
import torch

from neurorec.tasks.evidence_accumulation import CUES, LEFT, NOISE, RECALL, RIGHT, draw
from neurorec.tasks.task import load_task


def cues(x: torch.Tensor) -> torch.Tensor:
    """Whether each cue is on the right, [7, B]."""
    return x[1 : 3 * CUES : 3, :, RIGHT.start].bool()


def test_a_trial_is_seven_cues_a_delay_and_a_decision():
    batch = draw(6, torch.Generator().manual_seed(0))
    assert batch.x.shape == (45, 6, 40)  # 2250 ms in frames of 50 ms
    for k, right in enumerate(cues(batch.x)):
        pause, *cue = batch.x[3 * k : 3 * k + 3]
        assert (pause[:, :30] == 0).all()
        for frame in cue:
            assert torch.equal(frame[:, RIGHT], right.float()[:, None].expand(-1, 10))
            assert torch.equal(frame[:, LEFT], 1 - frame[:, RIGHT])
    assert (batch.x[21:42, :, :30] == 0).all()
    assert (batch.x[42:, :, RECALL] == 1).all()
    assert (batch.x[:42, :, RECALL] == 0).all()
    assert (batch.x[:, :, NOISE] == 0.25).all()
    assert batch.mask.nonzero().flatten().tolist() == [42, 43, 44]


def test_the_answer_is_the_side_with_more_cues_and_most_cues_are_on_the_likely_side():
    """With 7 cues on the likely side with probability 0.7, an answer has 5.1 of 7 cues on its side on average."""
    batch = draw(4000, torch.Generator().manual_seed(1))
    right = cues(batch.x)
    assert torch.equal(batch.answers, (right.sum(0) >= 4).long())
    assert float(batch.answers.double().mean()) == 0.5
    p, ways = 0.7, {0: 1, 1: 7, 2: 21, 3: 35}
    expected = sum(n * (p**k * (1 - p) ** (7 - k)) * max(k, 7 - k) for k in range(8) for n in [ways[min(k, 7 - k)]])
    agreeing = torch.where(batch.answers.bool(), right.sum(0), CUES - right.sum(0)).double().mean()
    assert float(agreeing) == pytest.approx(expected, abs=0.05)
    assert expected == pytest.approx(5.0916, abs=1e-3)


def test_no_cue_alone_tells_the_answer():
    batch = draw(4000, torch.Generator().manual_seed(2))
    agree = (cues(batch.x).long() == batch.answers).double().mean(1)
    assert (agree < 0.8).all()
    assert (agree > 0.65).all()


def test_whoever_sees_all_cues_at_once_answers_without_errors():
    found = load_task("evidence_accumulation", 0).baselines()
    assert found["chance"]["test"] == 0.5
    assert found["ridge on 3 segments"]["test"] == 1.0
