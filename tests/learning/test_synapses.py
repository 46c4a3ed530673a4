"""Synapses show a rule only what it declares."""

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.learning.rule import Rule

PRE, POST = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]])


class Declares(Rule):
    title, sees = "made-up", ("pre", "post")

    @staticmethod
    def change(synapses):
        return synapses.post.T @ synapses.pre


class ReadsMore(Declares):
    @staticmethod
    def change(synapses):
        return synapses.modulator * synapses.weight


def test_a_change_follows_from_what_is_declared():
    assert Declares.changed(torch.zeros(1, 2), pre=PRE, post=POST).tolist() == [[3.0, 6.0]]


def test_a_rule_that_sees_the_whole_graph_is_shown_everything():
    class SeesAll(ReadsMore):
        sees = ("whole graph",)

    assert SeesAll.changed(torch.ones(1, 2), modulator=torch.full((1, 1), 3.0)).tolist() == [[3.0, 3.0]]


def test_reading_what_is_not_declared_is_refused_even_if_it_is_there():
    with pytest.raises(CannotRun) as caught:
        ReadsMore.changed(torch.zeros(1, 2), pre=PRE, post=POST, modulator=torch.ones(1, 1))
    assert str(caught.value) == (
        "rule made-up: `change` reads modulator, but the rule declares that a weight change depends only on pre and post; "
        'add "modulator" to `sees`, or do not read it'
    )


def test_reading_what_was_not_shown_says_what_to_pass():
    with pytest.raises(CannotRun, match=r"`change` reads pre, but `changed` was not given any; pass pre=\.\.\."):
        Declares.changed(torch.zeros(1, 2), post=POST)
