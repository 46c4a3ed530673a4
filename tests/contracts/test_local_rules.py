"""A rule that does not see the whole graph changes weights only through its `change`, or at spikes, by equations that name what
a synapse can know."""

import copy
import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from neurorec.basics.cards import card_names, find_card, read_toml
from neurorec.engines.engine import engines
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, SpikeTrain, variables_of
from neurorec.learning.rule import Rule, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair
from tests.nets import CLASSES, inputs

LOCAL = [name for name in rules if "whole graph" not in rules[name].sees]
T, B, I, O = 12, 3, 64, 3  # noqa: E741
FUNCTIONS = {"clip", "exp", "log", "sqrt", "abs", "sign", "int", "minimum", "maximum", "dt"}


@cache
def trainings() -> dict[str, tuple[str, str]]:
    """The first pair, and its half, that has a training by each rule."""
    found: dict[str, tuple[str, str]] = {}
    for pair in card_names("models"):
        card = read_toml(find_card("models", pair))
        for half in ("rate", "spiking"):
            for training in card.get(half, {}).get("training", ()):
                found.setdefault(training["rule"], (pair, half))
    return found


def trainable(rule: str) -> tuple[Rule, Any]:
    """The rule with the settings of a pair card, and a model of that card."""
    pair, name = trainings()[rule]
    half = load_pair(pair).half(name)
    card = next(training for training in half.trainings if training.rule == rule)
    return rules[rule](card), half.build(I, O, torch.Generator().manual_seed(3))


def batch_for(rule: Rule, model: Any) -> Batch:
    generator, mask = torch.Generator().manual_seed(4), torch.ones(T, dtype=torch.bool)
    if not isinstance(model, Network):
        x = torch.tensor(model.levels())[torch.randint(2, (1, B, I), generator=generator)]
        return Batch(x, None, mask[:1])
    x = inputs(model, T, B, seed=5, share=0.6)
    if rule.signal == "reward":
        if rule.why_not_task(load_task("delayed_match_to_sample", 0)) is not None:
            return CLASSES.without_targets(Batch(x, torch.randint(O, (B,), generator=generator), mask))
        actions = torch.randint(O, (T, B), generator=generator)
        return Batch(x, actions, mask, per_frame=True, reward=torch.rand(T, B, generator=generator))
    if rule.signal == "errors":
        mask = torch.arange(T) == T - 1  # the last step, when networks that settle have settled
    return Batch(x, torch.randint(O, (B,), generator=generator), mask)


def weights_of(model) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def moved(rule: str) -> list[str]:
    """The parameters that two steps move by more than the rounding of sums (some weights are normalised before a sample)."""
    method, model = trainable(rule)
    before, engine = weights_of(model), engines["torch"]()
    objective = CLASSES if batch_for(method, model).reward is None else objectives["reward"]()
    state = method.init(model, engine, objective, torch.Generator().manual_seed(6))
    for _ in range(2):
        batch = batch_for(method, model)
        state, _ = method.step(model, state, batch)
    method.finish(model, state, batch)
    after = weights_of(model)
    return [name for name in before if not torch.allclose(after[name], before[name], rtol=1e-5, atol=0)]


def lines(equations: str) -> list[str]:
    return [line.strip() for line in equations.splitlines() if line.strip()]


def changes_weight(line: str) -> bool:
    return re.match(r"w\s*(=|\+=|-=|\*=|/=)", line) is not None


def without_changes(equations: str) -> str:
    return "\n".join(line for line in lines(equations) if not changes_weight(line))


@pytest.fixture
def weights_held(monkeypatch) -> list[EventNetwork]:
    """Every `change` is zero, and event networks lose all equations that change a weight. Returns the networks as they were."""
    asked, check = [], EventNetwork.__post_init__

    def held(made: EventNetwork) -> None:
        check(made)
        asked.append(copy.copy(made))
        kept = {
            name: replace(
                one, **{key: without_changes(getattr(one, key)) for key in ("on_pre", "on_post", "on_reward")}
            )
            for name, one in made.projections.items()
        }
        object.__setattr__(made, "projections", kept)

    monkeypatch.setattr(EventNetwork, "__post_init__", held)
    for rule in LOCAL:
        monkeypatch.setattr(rules[rule], "change", staticmethod(lambda synapses: torch.zeros_like(synapses.weight)))
    return asked


@pytest.mark.parametrize("rule", LOCAL)
def test_a_local_rule_moves_weights(rule):
    assert moved(rule)


@pytest.mark.parametrize("rule", LOCAL)
def test_no_weight_of_a_local_rule_moves_without_its_change_which_names_only_what_a_synapse_knows(rule, weights_held):
    still = moved(rule)
    if weights_held:  # what a neuron adds to its own bias when it spikes is no matter of synapses
        still = [name for name in still if "bias" not in name]
    assert still == []
    for made in weights_held:
        for projection in made.projections.values():
            for line in changing_lines(projection):
                assert strangers(line, made, projection) == set(), line


def test_an_equation_with_a_name_from_elsewhere_is_found():
    known = "dx/dt = -x / tau : 1"
    lines_of = EventPopulation(2, SpikeTrain(np.zeros(0, int), np.zeros(0, int)), known)
    projection = EventProjection("one", "one", np.zeros((2, 2)), on_pre="w = w + x_pre * y_post * far", state="c : 1")
    made = EventNetwork(1.0, {"one": lines_of}, {"both": projection}, {"tau": 1.0})
    assert strangers(projection.on_pre, made, projection) == {"y_post", "far"}
    assert strangers("w += tau * c * x_post", made, projection) == set()


def changing_lines(projection: EventProjection) -> list[str]:
    every = (line for key in ("on_pre", "on_post", "on_reward") for line in lines(getattr(projection, key)))
    return [line for line in every if changes_weight(line)]


def strangers(line: str, made: EventNetwork, projection: EventProjection) -> set[str]:
    """Names in an equation of a synapse that it cannot know. Variables of a neuron are its own, constants the same for all."""
    known = {"w", "reward", *variables_of(projection.state), *made.constants, *FUNCTIONS}
    for end, name in (("pre", projection.source), ("post", projection.target)):
        known |= {f"{variable}_{end}" for variable in variables_of(made.populations[name].equations)}
    return set(re.findall(r"[A-Za-z_]\w*", line)) - known
