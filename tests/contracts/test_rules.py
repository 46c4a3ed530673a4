"""What every registered rule keeps."""

import inspect
from functools import cache
from typing import get_args

import pytest

from neurorec.basics.capabilities import LEARNING
from neurorec.basics.citations import cite
from neurorec.basics.errors import CannotRun
from neurorec.learning.rule import OBJECTIONS, Seen, rules
from neurorec.models.cell import cells
from neurorec.models.energy.model import energy_models
from neurorec.tasks.objective import Teaching
from tests.nets import energy_model, network

MODELS = [*cells, *energy_models]


@cache
def model(name):
    return network(name) if name in cells else energy_model(name)


@pytest.mark.parametrize("name", MODELS)
def test_every_rule_judges_itself_by_all_six_objections_or_says_why_it_cannot_train(name):
    net = model(name)
    for rule in (rules[each] for each in rules):
        reason = rule.why_not(net)
        if reason is not None:
            with pytest.raises(CannotRun, match="cannot train") as caught:
                rule.check(net)
            assert reason in str(caught.value)
            assert len(reason) > 20, rule.title
            continue
        judgements = rule.judgements(net)
        assert len(judgements) == len(OBJECTIONS) == 6, rule.title
        assert all(judgement.stance in ("relaxed", "partly", "kept") for judgement in judgements), rule.title
        assert all(judgement.why for judgement in judgements), rule.title


@pytest.mark.parametrize("rule", list(rules))
def test_every_rule_trains_something_and_cites_its_source(rule):
    assert any(rules[rule].why_not(model(name)) is None for name in MODELS)
    assert all(cite(key) for key in rules[rule].sources)
    assert rules[rule].equations


@pytest.mark.parametrize("rule", list(rules))
def test_every_rule_declares_what_it_learns_from_sees_needs_and_sends(rule):
    declared = rules[rule]
    assert declared.signal in get_args(Teaching)
    assert declared.sees
    assert set(declared.sees) <= set(get_args(Seen))
    assert set(declared.needs) <= set(LEARNING)
    assert "undeclared" not in declared.needs
    assert declared.messages.why
    assert all(cite(key) for key in declared.messages.sources)
    # what goes back, goes back over the graph; or the units of a part settle by it, and weights see only their own units
    assert declared.messages.errors <= ("whole graph" in declared.sees or "backward pass" in declared.needs)


@pytest.mark.parametrize("rule", list(rules))
def test_costs_are_counted_from_what_a_rule_reports(rule):
    assert set(rules[rule].reports) <= set(inspect.signature(rules[rule].count_training).parameters)


def test_backpropagation_keeps_what_the_lecture_objects_to():
    stances = [judgement.stance for judgement in rules["bptt"].judgements(network("elman"))]
    assert stances == ["kept"] * 6
    spiking = [judgement.stance for judgement in rules["bptt"].judgements(network("lif"))]
    assert spiking == ["kept", "partly", "kept", "kept", "partly", "kept"]


def test_a_rule_that_cannot_train_a_net_says_what_can():
    with pytest.raises(CannotRun) as caught:
        rules["bptt"].check(network("echo_state"))
    assert str(caught.value) == (
        "rule BPTT cannot train echo state: its recurrent layer is fixed; train its readout with the rule ridge"
    )
