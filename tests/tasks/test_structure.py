"""Samples with structure: expressions as trees, sequences read before they are written."""

import pytest
import torch

from neurorec.analysis.answers_shown import AnswersShown
from neurorec.analysis.score_by_size import ScoreBySize, flawless
from neurorec.basics.errors import InputError
from neurorec.basics.reading_ends import Reading
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.logic_trees import AND, FALSE, NOT, OR, TRUE, bag_of_symbols, evaluated
from neurorec.tasks.task import SPLITS, load_task
from neurorec.training import load_pair


@pytest.fixture(scope="module")
def trees():
    return load_task("logic_trees", 0)


@pytest.fixture(scope="module")
def reversal():
    return load_task("reversal", 0)


def test_an_expression_by_hand():
    # not (true and (false or false))
    nodes = evaluated([TRUE, FALSE, FALSE, OR, AND, NOT])
    assert [parent for _, parent, _ in nodes] == [4, 3, 3, 4, 5, -1]
    assert [value for _, _, value in nodes] == [True, False, False, False, False, True]


def test_the_text_of_a_tree_is_python_for_its_value(trees):
    objective, values = trees.objective, {"false": False, "true": True}
    for split in SPLITS:
        batch = trees.split(split).take(torch.arange(20))
        wanted = objective.wanted(batch, 2)
        for sample in range(20):
            text, value, shown = objective.text(batch, wanted, sample)
            assert eval(text, {}, values) is values[value]
            assert value == shown


def test_depth_is_that_of_the_brackets_and_test_trees_are_deeper(trees):
    depths = {split: set(trees.objective.sizes(trees.split(split)).tolist()) for split in SPLITS}
    assert depths == {"train": {1, 2, 3, 4}, "validation": {5}, "test": {6, 7, 8}}


def test_the_bag_of_a_root_holds_every_symbol_of_its_tree_and_that_of_a_leaf_one(trees):
    batch = trees.split("test").take(torch.arange(5))
    bags = bag_of_symbols(batch)
    roots = batch.lengths - 1
    assert torch.equal(bags[roots, torch.arange(5), :5], batch.x.sum(0))
    assert torch.equal(bags[0, :, :5], batch.x[0])


def test_only_roots_are_targets_or_every_node(trees):
    assert torch.equal(trees.mask.sum(0), torch.ones(trees.x.shape[1], dtype=torch.long))
    every = load_task("logic_trees_every_node", 0)
    assert torch.equal(every.mask.sum(0), every.lengths)
    assert torch.equal(every.target, trees.target)


def test_parents_that_precede_their_children_are_refused(trees):
    with pytest.raises(InputError, match="task mine: the parent of node 1 of sample 0 is 0, but parents come after"):
        ArrayTask(
            "mine", "", trees.x, trees.target, trees.mask, trees.splits, 2, (), trees.objective, trees.lengths,
            parents=torch.zeros_like(trees.parents).where(torch.arange(len(trees.x))[:, None] == 1, -1),
        )  # fmt: skip


def test_a_sequence_is_read_and_wanted_in_reverse(reversal):
    batch = reversal.split("test").take(torch.arange(30))
    wanted = reversal.objective.wanted(batch, reversal.outputs)
    for sample in range(30):
        read, right, written = reversal.objective.text(batch, wanted, sample)
        assert right == written == read[::-1] + "."
        assert len(read) == reversal.objective.sizes(batch)[sample]


def test_no_sequence_occurs_twice_and_all_lengths_do(reversal):
    read = [tuple(reversal.x[: reversal.reading[n], n].argmax(1).tolist()) for n in range(reversal.x.shape[1])]
    assert len(set(read)) == len(read)
    lengths = {split: {len(read[n]) for n in reversal.splits[split]} for split in SPLITS}
    assert lengths == {"train": {*range(3, 9)}, "validation": {*range(3, 9)}, "test": {*range(3, 13)}}


def test_scores_by_size_are_shares_of_flawless_samples(reversal):
    half = load_pair("encoder_decoder_attention").rate
    network = half.build(reversal.inputs, reversal.outputs, torch.Generator().manual_seed(0)).eval()
    task = EncodedTask(reversal, half.encoder, 0)
    batch = task.split("test")
    found = ScoreBySize().run(network, task, ScoreBySize.settings({}), 0)
    right = flawless(network, batch, reversal.objective)
    assert found.values["right"] == float(right.mean())
    y = network.run(batch.x, lengths=batch.lengths, structure=Reading(batch.reading))[0]["readout"]
    assert found.values["right"] == pytest.approx(reversal.objective.scores(y, batch)["sequences without an error"])
    assert (found.values["largest trained size"], found.values["largest size"]) == (8, 12)
    shown = AnswersShown().run(network, task, AnswersShown.settings({"samples": 3}), 0)
    picture = shown.figures[1]
    assert [len(picture.values), len(picture.values[0])] == [len(picture.rows), len(picture.columns)] == [13, 12]
    assert all(sum(row) == pytest.approx(1) for row in picture.values)
