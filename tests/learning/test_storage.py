"""Pseudo-inverse storage and pattern storage: their weights, what they recall where Hebb's rule cannot, and what they cost."""

import re

import pytest
import torch

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.relaxation import UNITS
from neurorec.learning.pattern_storage import PatternStorage
from neurorec.learning.pseudo_inverse import PseudoInverse
from neurorec.learning.rule import rules
from neurorec.models.energy.dense_hopfield import DenseHopfield, DenseHopfieldCard
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train

SETTINGS = {"epochs": 1, "batch_size": 7}
ORTHOGONAL = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1]])
SIMILAR = torch.ones(4, 20)  #: that differ from the first in two units each
for row, unit in ((1, 0), (2, 2), (3, 4)):
    SIMILAR[row, unit : unit + 2] = -1


def hopfield(size: int) -> Hopfield:
    return Hopfield(EnergyModelCard(name="hopfield", max_sweeps=20), size)


def dense(size: int, patterns: int, power=3) -> DenseHopfield:
    return DenseHopfield(DenseHopfieldCard(name="dense_hopfield", max_sweeps=20, patterns=patterns, power=power), size)


def stored(name: str, model, patterns: torch.Tensor):
    rule = rules[name](rules[name].Card(rule=name, task="", epochs=1, batch_size=len(patterns)))
    state = rule.init(model, None, None, torch.Generator())
    rule.step(model, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
    return model


def keeps(model, patterns: torch.Tensor) -> bool:
    return all(torch.equal(model.update(patterns, unit, torch.Generator()), patterns) for unit in range(model.size))


def test_orthogonal_patterns_have_the_same_weights_by_both_rules():
    by_hebb, by_inverse = (stored(name, hopfield(4), ORTHOGONAL) for name in ("hebbian", "pseudo_inverse"))
    torch.testing.assert_close(by_inverse.weight, by_hebb.weight)
    assert torch.equal(by_inverse.weight, by_inverse.weight.T)
    assert not by_inverse.weight.diagonal().any()


def test_similar_patterns_are_kept_only_by_the_pseudo_inverse():
    assert keeps(stored("pseudo_inverse", hopfield(20), SIMILAR), SIMILAR)
    assert not keeps(stored("hebbian", hopfield(20), SIMILAR), SIMILAR)


def test_patterns_that_repeat_do_no_harm():
    twice = torch.cat([ORTHOGONAL, ORTHOGONAL, -ORTHOGONAL])
    once = stored("pseudo_inverse", hopfield(4), ORTHOGONAL)
    torch.testing.assert_close(stored("pseudo_inverse", hopfield(4), twice).weight, once.weight)


@pytest.mark.parametrize("power", [4, 5, "exponential"])
def test_a_dense_memory_keeps_more_patterns_than_units(power):
    patterns = 2.0 * torch.randint(2, (40, 30), generator=torch.Generator().manual_seed(0)) - 1
    assert keeps(stored("pattern_storage", dense(30, 50, power), patterns), patterns)
    assert not keeps(stored("hebbian", hopfield(30), patterns), patterns)


def test_memories_are_taken_one_after_another():
    model = dense(4, 3)
    stored("pattern_storage", model, ORTHOGONAL)
    stored("pattern_storage", model, -ORTHOGONAL[:1])
    assert torch.equal(model.memory, torch.cat([ORTHOGONAL, -ORTHOGONAL[:1]]))
    with pytest.raises(RunFailed) as caught:
        stored("pattern_storage", model, ORTHOGONAL)
    assert str(caught.value) == (
        "dense associative memory: 5 patterns do not fit into 3 memories; raise `patterns` in the card, or store fewer"
    )


@pytest.mark.parametrize(("pair", "rule"), [("hopfield_pseudo_inverse", "pseudo_inverse"),
                                            ("dense_hopfield", "pattern_storage")])  # fmt: skip
def test_pairs_recall_what_hebb_cannot(pair, rule):
    task = load_task("pattern_recall_hard", 0)
    seen = train(load_pair(pair).rate, task, rule, 0, device="cpu")
    by_hebb = train(load_pair("hopfield").rate, task, "hebbian", 0, device="cpu")
    assert seen.scores["test"] > 0.99 > by_hebb.scores["test"]


def test_writing_patterns_is_counted_as_a_walk_over_their_units():
    by_walking = Counts()
    for _pattern in range(3):
        for _unit in range(4):
            by_walking += Counts(
                values_sent=1, activation_reads=1, activation_writes=1, weight_writes=1, plasticity_updates=1
            )
    forward = ForwardPass(LayerCounts({UNITS: Counts(macs=99)}), 5, 2, 10, 5, 0)
    assert PatternStorage.count_training(dense(4, 3), forward, 3, 3 * 4).update == by_walking


def test_a_projection_is_counted_as_products_a_factorisation_and_two_solutions():
    K, N = 3, 4
    macs = sum(1 for _ in range(K) for _ in range(K) for _ in range(N))  # X X^T
    macs += K**3 // 3  # its factorisation
    macs += sum(2 * (row + 1) for row in range(K) for _ in range(N)) - K * N  # forward and back, without the divisions
    macs += sum(1 for _ in range(N) for _ in range(N) for _ in range(K))  # X^+ X
    forward = ForwardPass(LayerCounts({UNITS: Counts(macs=99)}), 5, 2, 10, 5, 0)
    counted = PseudoInverse.count_training(hopfield(N), forward, K, N * (N - 1)).update
    assert counted.macs == macs
    assert counted.weight_writes == N * (N - 1)


def test_what_they_refuse():
    lif, task = load_pair("lif_vs_elman"), load_task("pattern_recall", 0)
    for name, said in (
        ("pseudo_inverse", "rule pseudo-inverse storage cannot train Elman: it computes the symmetric weights of a Hopfield "
         "network, which this is not; use bptt for layers"),
        ("pattern_storage", "rule pattern storage cannot train Elman: it writes patterns into the memories of a dense "
         "associative memory, which this is not; use bptt for layers"),
    ):  # fmt: skip
        with pytest.raises(CannotRun, match=re.escape(said)):
            train(lif.rate, task, name, settings=SETTINGS)
