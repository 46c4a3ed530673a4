"""Which rule can learn which task: every combination is either trained or refused before anything starts, with a reason."""

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.learning.rule import rules
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Task
from tests.nets import network
from tests.registered_tasks import loaded, task_names


def regression_task() -> Task:
    x = torch.rand(4, 30, 3, generator=torch.Generator().manual_seed(0))
    splits = {"train": range(20), "validation": range(20, 25), "test": range(25, 30)}
    return Task.from_arrays(x, x.sum(0), "regression", splits)


@pytest.mark.parametrize("name", task_names())
def test_every_rule_learns_from_what_the_task_offers_or_says_what_is_missing(name):
    task = loaded(name)
    for rule in (rules[each] for each in rules):
        reason = rule.why_not_task(task)
        if rule.signal not in task.objective.offers:
            assert reason is not None, rule.title
        if reason is not None:
            assert len(reason) > 30, rule.title


def test_a_regression_target_is_not_trained_by_a_rule_that_needs_labels():
    with pytest.raises(CannotRun) as caught:
        rules["stdp"].check(network("competitive_lif"), regression_task())
    assert str(caught.value) == (
        "rule STDP cannot learn task own task: it learns without targets, and its units are then labelled by class, "
        "which needs one label per sample; the objective of task own task has none"
    )


def test_a_task_without_targets_is_refused_to_rules_that_need_them():
    class Recall:
        name, objective = "recall", objectives["pattern_completion"]()

    with pytest.raises(CannotRun) as caught:
        rules["bptt"].check(network("elman"), Recall())
    assert str(caught.value) == (
        "rule BPTT cannot learn task recall: it learns from errors of the outputs, but the task offers only inputs"
    )
