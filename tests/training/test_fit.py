"""One training: choices on validation data, the test split read once, controls that are what they say."""

import dataclasses

import numpy as np
import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.task import accuracy, load_task, masked_mean
from neurorec.training import load_pair, train
from neurorec.training.fit import encoded_split, pick_device
from tests.experiments.tiny import write_study
from tests.hardware.nets import counts_of
from tests.nets import CLASSES


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    write_study(folder, epochs=8, rate_learning_rate=0.3)
    return load_pair(folder / "tiny.toml")


@pytest.fixture(scope="module")
def task():
    return load_task("store_recall", seed=0)


@pytest.fixture(scope="module")
def run(pair, task):
    return train(pair.rate, task, "bptt", seed=0, device="cpu")


def test_the_weights_of_the_best_validation_epoch_are_kept(run):
    scores = [row["validation_score"] for row in run.history]
    assert len(set(scores)) > 1  # else this test could not fail
    assert run.scores["validation"] == max(scores)
    assert run.training["best_epoch"] == max(e + 1 for e, score in enumerate(scores) if score == max(scores))


def test_the_scores_are_those_of_the_splits(run, pair, task):
    for split in ("train", "validation", "test"):
        data = encoded_split(pair.rate.encoder, task, split, 0)
        with torch.no_grad():
            assert run.scores[split] == accuracy(masked_mean(run.network(data.x), data.mask), data.target)
    assert run.test_accuracy == run.scores["test"]
    assert run.activity.samples == len(task.splits["test"])


def test_the_test_targets_decide_nothing(run, pair, task):
    """With the test targets turned round, everything but the test score is the same, to the last bit of the weights."""
    target = task.target.clone()
    target[torch.as_tensor(task.splits["test"])] = 1 - target[torch.as_tensor(task.splits["test"])]
    other = train(pair.rate, dataclasses.replace(task, target=target), "bptt", seed=0, device="cpu")
    assert all(torch.equal(value, other.network.state_dict()[key]) for key, value in run.network.state_dict().items())
    assert other.scores["test"] == pytest.approx(1 - run.scores["test"])
    assert other.history == run.history


def test_the_baseline_chooses_its_penalty_on_validation_data(task):
    digits = load_task("row_digits", seed=0)
    honest = digits.baselines()["ridge on input"]
    target = digits.target.clone()
    target[torch.as_tensor(digits.splits["test"])] = 0
    assert (
        dataclasses.replace(digits, target=target).baselines()["ridge on input"]["validation"] == honest["validation"]
    )
    assert 0.9 < honest["test"] < 0.97
    assert task.baselines()["ridge on input"]["test"] == 1.0  # it sees all frames at once, so it needs no memory


def test_same_seed_same_run_other_seed_other_run(pair, task, run):
    again = train(pair.rate, task, "bptt", seed=0, device="cpu")
    other = train(pair.rate, task, "bptt", seed=1, device="cpu")
    assert again.history == run.history
    assert all(torch.equal(value, again.network.state_dict()[key]) for key, value in run.network.state_dict().items())
    assert other.history != run.history


def test_the_callers_threads_do_not_matter_and_are_given_back(pair, task, run):
    torch.set_num_threads(2)
    again = train(pair.rate, task, "bptt", seed=0, device="cpu")
    assert torch.get_num_threads() == 2
    assert again.history == run.history


def test_caps_are_counted(pair, task):
    short = train(pair.spiking, task, "bptt", seed=0, device="cpu", max_epochs=2, max_samples=100)
    assert short.training["epochs"] == 2
    assert short.training["samples_seen"] == 200
    assert short.training["weight_updates"] == 2
    assert (short.engine, short.rule_title) == ("fused", "surrogate BPTT")


def test_progress_is_told_after_every_epoch(pair, task):
    told = []
    train(pair.rate, task, "bptt", seed=0, device="cpu", max_epochs=3, progress=lambda *words: told.append(words))
    assert [words[:2] for words in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(0 <= words[2] <= 1 for words in told)


def test_chance_is_the_best_constant_answer_on_the_test_split(task):
    target = task.target.clone()
    test = torch.as_tensor(task.splits["test"])
    target[test] = 0
    target[test[: len(test) // 4]] = 1
    assert dataclasses.replace(task, target=target).chance_score == 0.75


def test_a_users_own_task_is_accepted(pair):
    x = torch.rand(6, 90, 4, generator=torch.Generator().manual_seed(0))
    target = (x[0, :, 0] > 0.5).long()
    splits = {"train": np.arange(60), "validation": np.arange(60, 75), "test": np.arange(75, 90)}
    mine = ArrayTask(
        "store_recall", "mine", x, target, torch.arange(6) == 5, splits, outputs=2, sources=(), objective=CLASSES
    )
    assert 0 <= train(pair.rate, mine, "bptt", seed=0, device="cpu").test_accuracy <= 1


@pytest.fixture(scope="module")
def uneven():
    """Store and recall with delays that differ: samples of 4 to 15 frames, each answered in its last."""
    plain = load_task("store_recall", seed=0)
    T, N, _ = plain.x.shape
    lengths = torch.arange(N) % 12 + 4
    x, t = plain.x.clone(), torch.arange(T)[:, None]
    cue = x[-1].clone()
    x[t >= lengths - 1] = 0
    x[lengths - 1, torch.arange(N)] = cue
    return dataclasses.replace(plain, x=x, mask=t == lengths - 1, lengths=lengths)


@pytest.mark.parametrize("half", ["rate", "spiking"])
def test_samples_of_unequal_length_are_trained_and_counted_to_their_own_ends(pair, uneven, half):
    chosen = getattr(pair, half)
    run = train(chosen, uneven, "bptt", seed=0, device="cpu", max_epochs=2)
    k, test = chosen.encoder.steps_per_frame, torch.as_tensor(uneven.splits["test"])
    batch = encoded_split(chosen.encoder, uneven, "test", 0)
    assert batch.lengths.tolist() == (uneven.lengths[test] * k).tolist()
    correct = 0
    for b in range(batch.size):  # every test sample on its own, without padding
        end = int(batch.lengths[b])
        y = run.network(batch.x[:end, b : b + 1])[end - k :].mean(0)
        correct += int(y.argmax()) == int(batch.target[b])
    assert run.test_accuracy == pytest.approx(correct / batch.size)
    assert run.activity.sample_steps == int(batch.lengths.sum()) < batch.x.shape[0] * batch.size
    if half == "spiking":
        hidden = [run.network["hidden"](batch.x[: int(batch.lengths[b]), b : b + 1])[0] for b in range(batch.size)]
        assert run.activity.layers["hidden"].spikes.sum() == sum(int(one.sum()) for one in hidden)
        assert run.activity.layers["hidden"].passed_on.sum() == sum(int(one[:-1].sum()) for one in hidden)
    counted = counts_of(run.network, run.activity).layers
    assert counted["hidden"].neuron_updates == int(batch.lengths.sum()) * 12


def test_what_counts_behind_an_end_is_refused(uneven):
    for changes, said in (
        ({"lengths": uneven.lengths[:5]}, "lengths must be 896 integers in 1..15, the frames of each sample"),
        ({"lengths": uneven.lengths * 0}, "lengths must be 896 integers in 1..15, the frames of each sample"),
        (
            {"mask": torch.arange(15) == 14},
            "the mask counts an answer at frame 14 of sample 0, which ends after 4 frames",
        ),
        ({"x": uneven.x + 0.5}, "x is not 0 at frame 4 of sample 0, which ends after 4 frames"),
    ):
        with pytest.raises(InputError) as caught:
            dataclasses.replace(uneven, **changes)
        assert str(caught.value).startswith(f"task store_recall: {said}")


def test_rules_that_present_whole_splits_refuse_unequal_lengths():
    pair = load_pair("competitive_lif_vs_competitive_learning")
    plain = load_task("frame_digits", seed=0)
    task = dataclasses.replace(plain, lengths=torch.ones(len(plain.target), dtype=torch.int64))
    with pytest.raises(CannotRun) as caught:
        train(pair.spiking, task, "stdp", seed=0)
    assert str(caught.value) == (
        "rule STDP cannot learn task frame_digits: it needs samples of equal length, but those of task frame_digits differ; "
        "use bptt or ridge"
    )


def test_what_cannot_be_trained_is_refused(pair, task):
    with pytest.raises(InputError) as caught:
        train(pair.rate, task, "ridge", seed=0)
    assert str(caught.value) == (
        "pair tiny, rate half: the card has no training by ridge on store_recall; it has: bptt on store_recall. "
        "Add a [[training]] table to a copy of the card"
    )
    with pytest.raises(InputError, match='rule "bpt" is not known \\(did you mean "bptt"\\?\\)'):
        train(pair.rate, task, "bpt", seed=0)
    with pytest.raises(CannotRun, match="engine norse cannot run Elman"):
        train(pair.rate, task, "bptt", seed=0, engine="norse")
    with pytest.raises(CannotRun, match="engine brian2 runs rules whose weights change at spikes, not BPTT"):
        train(pair.rate, task, "bptt", seed=0, engine="brian2")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(InputError, match="device cuda: torch finds no CUDA device; use --device cpu or auto"):
        pick_device("cuda")
    assert pick_device("auto") == "cpu"
