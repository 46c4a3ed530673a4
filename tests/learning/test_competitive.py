"""Competitive learning, and what is read out of layers that learned without targets."""

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine
from neurorec.learning.assignment import assign_labels, fit_count_readout, label_assignment_scores, vote
from neurorec.learning.competitive_learning import CompetitiveLearning, CompetitiveLearningCard
from neurorec.learning.rule import rules
from neurorec.tasks.task import Batch, accuracy, masked_mean
from tests.nets import CLASSES, network

COUNTS = torch.tensor([[4, 0, 1, 0], [2, 1, 0, 0], [0, 3, 2, 0], [0, 3, 0, 0]])
TARGET = torch.tensor([0, 0, 1, 1])


def rule(**changes):
    values = {"learning_rate": 0.5, "learning_rate_decay": 0.5, "conscience": 0.0, "share_rate": 0.25} | changes
    return CompetitiveLearning(CompetitiveLearningCard(rule="competitive", task="t", epochs=1, batch_size=1, **values))


def batch(*rows):
    x = torch.tensor([list(rows)])
    return Batch(x, torch.zeros(len(rows), dtype=torch.long), torch.tensor([True]))


def layer(prototypes):
    net = network("competitive", I=len(prototypes[0]), H=len(prototypes), readout="linear")
    with torch.no_grad():
        net["hidden"].w_in.copy_(torch.tensor(prototypes))
    return net


def begin(net, rule_):
    return rule_.init(net, choose_engine("auto", net["hidden"]), CLASSES, torch.Generator())


def test_the_winner_alone_moves_its_share_of_the_way():
    net, learning = layer([[0.0, 0.0], [8.0, 8.0]]), rule()
    state, info = learning.step(net, begin(net, learning), batch([2.0, 0.0], [2.0, 2.0]))
    assert net["hidden"].w_in.tolist() == [[1.5, 1.0], [8.0, 8.0]]  # half way to the first, then half way to the second
    assert info.updates == 4
    assert state.learning_rate == 0.25
    assert state.shares.tolist() == [0.5 * 0.75**2 + 0.25 * 0.75 + 0.25, 0.5 * 0.75**2]


def test_conscience_gives_a_unit_that_never_wins_its_turn():
    rows = [[0.1 * k, 0.0] for k in range(20)]
    for conscience, winners in ((0.0, 1), (1000.0, 2)):
        net, learning = layer([[0.0, 0.0], [9.0, 9.0]]), rule(conscience=conscience)
        learning.step(net, begin(net, learning), batch(*rows))
        assert int((net["hidden"].w_in != torch.tensor([[0.0, 0.0], [9.0, 9.0]])).any(1).sum()) == winners


def test_labels_by_hand():
    labels = assign_labels(COUNTS, TARGET, classes=3)
    assert labels.tolist() == [0, 1, 1, -1]  # unit 2 answers .5 to class 0 and 1 to class 1; unit 3 never
    scores = vote(torch.tensor([[1, 0, 0, 9], [1, 3, 0, 0]]), labels, classes=3)
    assert scores.tolist() == [[1.0, 0.0, -1.0], [1.0, 1.5, -1.0]]  # means over the units of a class


def test_labels_come_from_training_data_alone():
    unseen = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0]])
    counts = {"train": COUNTS, "test": unseen}
    right = label_assignment_scores(COUNTS, TARGET, counts, {"train": TARGET, "test": torch.tensor([0, 1, 1])})
    wrong = label_assignment_scores(COUNTS, TARGET, counts, {"train": TARGET, "test": torch.tensor([1, 0, 0])})
    assert right == {"train": 1.0, "test": 1.0}
    assert wrong == {"train": 1.0, "test": 0.0}  # labels fitted to the test targets would have saved it


@pytest.mark.parametrize("name", ["competitive", "competitive_lif"])
def test_the_count_readout_tells_apart_what_the_layer_tells_apart(name):
    net = network(
        name, I=8, H=12, readout="linear", **({"inhibition": 1.0, "weight_sum": 8.0} if "lif" in name else {})
    )
    x = torch.zeros(10, 40, 8)
    x[:, ::2, :4] = x[:, 1::2, 4:] = 1
    data = Batch(x, torch.arange(40) % 2, torch.ones(10, dtype=torch.bool))
    torch.nn.init.zeros_(net["readout"].weight)  # a random readout might be right by luck
    before = net["hidden"].w_in.clone()
    penalty = fit_count_readout(net, choose_engine("auto", net["hidden"]), CLASSES, data, data, [1e-4, 1e-2])
    assert penalty in (1e-4, 1e-2)
    assert accuracy(masked_mean(net(x), data.mask), data.target) == 1.0
    assert torch.equal(net["hidden"].w_in, before)


def test_other_cells_are_refused():
    with pytest.raises(CannotRun) as caught:
        rules["competitive"].check(network("elman"))
    assert str(caught.value) == (
        "rule competitive learning cannot train Elman: it moves the prototype of a winning unit, but this layer has no "
        "prototypes; use the cell competitive, as in models/competitive_lif_vs_competitive_learning.toml"
    )


def test_what_it_relaxes_of_the_six_objections():
    stances = [judgement.stance for judgement in rules["competitive"].judgements(layer([[0.0]]))]
    assert stances == ["relaxed", "relaxed", "relaxed", "partly", "kept", "partly"]
