"""What every registered task and encoder keeps."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency, chisquare

from neurorec.basics.cards import check_card
from neurorec.basics.errors import InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.data_files import data_set_of, known
from neurorec.tasks.encoders import encoders
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import SPLITS, accuracy, batches, load_task, masked_mean
from tests.registered_tasks import loaded, task_names

every_task = pytest.mark.parametrize("name", task_names())
every_array = pytest.mark.parametrize("name", task_names(lambda task: isinstance(task, ArrayTask)))
LABELLED = task_names(lambda task: isinstance(task.objective, objectives["classification"]))


@every_array
def test_splits_share_nothing_and_leave_nothing_out(name):
    task = loaded(name)
    parts = {split: set(index.tolist()) for split, index in task.splits.items()}
    assert len(set.union(*parts.values())) == sum(map(len, parts.values())) == task.x.shape[1]


@pytest.mark.parametrize("name", LABELLED)
def test_every_split_holds_every_class_in_proportion(name):
    """To one sample; or as independent draws do, from equal shares where the task draws its own samples."""
    task = loaded(name)
    counts = np.array([np.bincount(task.target[torch.as_tensor(index)], minlength=task.outputs)
                       for index in task.splits.values()])  # fmt: skip
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    exact = np.abs(counts - expected).max() <= 1
    assert exact or chi2_contingency(counts).pvalue > 0.01
    assert exact or data_set_of(name) is not None or chisquare(counts.sum(0)).pvalue > 0.01
    most_frequent = float((counts[-1] / counts[-1].sum()).max())
    assert task.chance_score == pytest.approx(most_frequent, abs=1e-6)
    assert most_frequent == pytest.approx(1 / task.outputs, abs=0.01 if exact else 0.02)


@every_task
def test_a_seed_draws_its_own_split_and_draws_it_again_but_data_sets_are_tested_on_one_split_or_a_fold(name):
    one, again, other = loaded(name), load_task(name, 0), load_task(name, 1)
    assert torch.equal(one.split("test").x, again.split("test").x)
    declared = data_set_of(name)
    same = one.fixed_test if declared is None else declared.folds == 1
    assert torch.equal(one.split("test").x, other.split("test").x) == same
    if declared is not None:
        assert torch.equal(one.split("test").x, load_task(name, declared.folds).split("test").x)


@every_task
def test_a_task_from_files_is_what_it_says_without_them(name):
    task, declared = loaded(name), data_set_of(name)
    if declared is not None:
        assert (declared.inputs, declared.outputs, declared.sources) == (task.inputs, task.outputs, task.sources)
    assert known(name).outputs == task.outputs


@every_task
def test_values_suit_encoders_or_are_signs_and_some_frame_is_answered(name):
    batch = loaded(name).split("test")
    signs = bool((batch.x.abs() == 1).all())
    assert signs or (batch.x.min() >= 0 and batch.x.max() <= 1)
    assert batch.mask.any()
    assert batch.x.shape[0] == len(batch.mask)


@every_task
def test_every_baseline_is_scored_on_every_split_and_chance_comes_first(name):
    task = loaded(name)
    found = task.baselines()
    assert task.baselines() is found or not isinstance(task, ArrayTask)  # computed once
    assert next(iter(found)) == task.objective.chance
    assert all(set(scores) == set(SPLITS) for scores in found.values())


def constant(task, part, answer):
    """The score of one answer [O], given everywhere on a part of the task."""
    shape = (part.size, task.outputs) if task.objective.pooled else (len(part.x), part.size, task.outputs)
    return task.objective.score(answer.expand(shape), part)


def asks_for_answers(task):
    return isinstance(task, ArrayTask) and not task.objective.of_density


@pytest.mark.parametrize("name", task_names(asks_for_answers, slow_with_data=True))
def test_chance_is_the_best_of_all_constant_answers(name):
    task = loaded(name)
    chance = task.baselines()[task.objective.chance]["train"]
    draws = torch.randn(100, task.outputs, generator=torch.Generator().manual_seed(0)).double()
    sign = 1 if task.objective.higher_is_better else -1
    part = task.split("train")
    best = max(sign * constant(task, part, draw) for draw in draws)
    assert sign * chance >= best - 1e-3


@every_array
def test_a_model_that_makes_no_mistake_beats_every_baseline(name):
    task = loaded(name)
    part, objective = task.split("test"), task.objective
    wanted = objective.wanted(part, task.outputs)
    found = [objective.score(scale * wanted, part) for scale in (1, 30)]  # as values, and as sure as logits can be
    perfect = max(found) if objective.higher_is_better else min(found)
    assert all(objective.is_better(perfect, scores["test"]) for scores in task.baselines().values())


@every_array
def test_fresh_samples_are_new_and_like_those_of_the_training_split(name):
    task = loaded(name)
    one, again, other = (task.fresh(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    if one is None:
        return
    train = task.split("train")
    end = len(one.x)
    assert torch.equal(one.x, again.x)
    assert not torch.equal(one.x, other.x)
    assert one.x.shape == train.x[:end].shape
    assert one.answers.shape == (train.answers[:end] if one.per_frame else train.answers).shape
    assert torch.equal(one.frame_mask, train.frame_mask[:end])
    assert not train.frame_mask[end:].any()
    assert float(one.x.mean()) == pytest.approx(float(train.x[:end].mean()), rel=0.05)


def test_row_and_frame_digits_are_the_same_images():
    rows, frame = loaded("row_digits"), loaded("frame_digits")
    assert torch.equal(rows.x.permute(1, 0, 2).flatten(1), frame.x[0])


def test_store_recall_shows_the_bit_once_and_asks_once():
    task = loaded("store_recall")
    assert torch.equal(task.x[0].argmax(1), task.target)
    assert task.x[1:, :, :2].sum() == 0
    assert task.x[:-1, :, 2].sum() == 0
    assert task.x[-1, :, 2].min() == 1
    noise = task.x[1:-1, :, 3:].mean(dim=(0, 2))
    assert abs(noise[task.target == 0].mean() - noise[task.target == 1].mean()) < 0.02  # it carries no hint


def test_nan_in_the_data_is_found_and_placed():
    task = loaded("store_recall")
    x = task.x.clone()
    x[2, 5, 1] = float("nan")
    with pytest.raises(InputError) as caught:
        dataclasses.replace(task, x=x)
    assert str(caught.value) == (
        "task store_recall: the data contain NaN or infinity, first at frame 2, sample 5, input 1; "
        "remove or fill those values before training"
    )


def test_overlapping_splits_and_wrong_shapes_are_refused():
    task = loaded("store_recall")
    with pytest.raises(InputError, match="the splits share samples"):
        dataclasses.replace(task, splits={**task.splits, "test": task.splits["train"]})
    with pytest.raises(InputError, match="but target has 3 samples"):
        dataclasses.replace(task, target=task.target[:3])


def test_batches_hold_every_sample_once():
    data = loaded("store_recall").split("validation")
    seen = [batch.size for batch in batches(data, 50, torch.Generator().manual_seed(0))]
    assert seen == [50, 50, 28]
    total = sum(batch.x.sum() for batch in batches(data, 50, torch.Generator().manual_seed(0)))
    assert total == pytest.approx(float(data.x.sum()))


def test_accuracy_and_masked_mean_by_hand():
    assert accuracy(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 0])) == 0.5
    outputs = torch.arange(6.0).reshape(3, 1, 2)
    assert masked_mean(outputs, torch.tensor([True, False, True])).tolist() == [[2.0, 3.0]]


def encoder(name, **settings):
    schema = encoders[name].Card
    known = {"name": name, "dt_ms": 1.0, "steps_per_frame": 8, "max_rate_hz": 500.0, "latest_ms": 7.0} | settings
    return encoders[name](schema(**{key: value for key, value in known.items() if key in schema.model_fields}))


@pytest.mark.parametrize("name", list(encoders))
def test_every_encoder_keeps_frames_in_order_and_does_what_it_declares(name):
    data = loaded("row_digits").split("validation").take(torch.arange(20))
    enc = encoder(name)
    steps = enc.encode_batch(data, torch.Generator().manual_seed(0))
    k = enc.steps_per_frame
    assert steps.x.shape == (8 * k, 20, 8)
    answered = 1 if enc.answered_last else k
    assert steps.mask.sum() == answered
    assert steps.mask[-answered:].all()
    if enc.signal == "spikes":
        assert set(steps.x.unique().tolist()) == {0.0, 1.0}
    frames = steps.x.reshape(8, k, 20, 8)
    coded = {"mean": frames.mean(1), "time": -frames.argmax(1).float()}[enc.code]
    assert np.corrcoef(coded.flatten(), data.x.flatten())[0, 1] > 0.8


@pytest.mark.parametrize(("value", "spikes"), [(0.0, 0), (1 / 16, 0), (0.125, 1), (0.5, 4), (0.99, 7), (1.0, 8)])
def test_regular_rate_counts_and_spacing(value, spikes):
    x = torch.full((1, 1, 1), value)
    train = encoder("regular_rate").encode(x, torch.Generator()).flatten()
    assert train.sum() == spikes
    gaps = train.nonzero().flatten().diff()
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


def test_bits_are_encoded_as_other_values_are():
    bits = (torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    beside_others = torch.cat([bits, torch.full((5, 4, 1), 0.3)], 2)
    encode = encoder("regular_rate").encode
    assert torch.equal(encode(bits, torch.Generator()), encode(beside_others, torch.Generator())[..., :3])


def test_poisson_has_the_rate_it_states():
    x = torch.full((1, 400, 10), 0.5)
    spikes = encoder("poisson").encode(x, torch.Generator().manual_seed(0))
    assert float(spikes.mean()) == pytest.approx(0.5 * 0.5, abs=0.01)


@pytest.mark.parametrize(("value", "step"), [(0.0, 12), (0.24, 9), (0.26, 9), (0.5, 6), (1.0, 0)])
def test_a_latency_is_the_longer_the_smaller_the_value(value, step):
    spikes = encoder("latency", dt_ms=0.5, latest_ms=6.0, steps_per_frame=20).encode(
        torch.full((2, 1, 1), value), torch.Generator()
    )
    assert spikes.nonzero()[:, 0].tolist() == [step, 20 + step]


def test_the_latest_spike_must_lie_in_its_frame():
    table = {"name": "latency", "dt_ms": 0.5, "steps_per_frame": 20, "latest_ms": 9.8}
    with pytest.raises(InputError) as error:
        check_card(table, encoders["latency"].Card, "card")
    assert str(error.value).endswith(
        "latest_ms must be less than steps_per_frame x dt_ms = 10 ms, or the latest spikes would miss their frame (got 9.8)"
    )


def test_values_outside_0_1_cannot_become_rates():
    data = loaded("row_digits").split("validation")
    with pytest.raises(
        InputError, match=r"encoder poisson: values must be in 0\.\.1 to be encoded as rates \(got 0 to 16\)"
    ):
        encoder("poisson").encode_batch(dataclasses.replace(data, x=data.x * 16), torch.Generator())
