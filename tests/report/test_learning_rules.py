"""docs/learning_rules.md is generated from what the rules declare."""

import re

import pytest

from neurorec.learning.rule import TAUGHT, rules
from neurorec.report.learning_rules import COSTS, TARGET, all_uses, cost_rows, written

USES = all_uses()


def committed_costs():
    lines = TARGET.read_text(encoding="utf-8").splitlines()
    at = lines.index(f"| {' | '.join(COSTS)} |") + 2
    rows = [line.strip("| ").split(" | ") for line in lines[at:]]
    return rows[: rows.index([""])]


def test_the_page_is_up_to_date():
    told = "run python -m neurorec.report.learning_rules, and look at what changed"
    assert TARGET.read_text(encoding="utf-8") == written(USES, committed_costs()), told


def test_every_column_has_a_heading_and_every_signal_is_explained():
    text = TARGET.read_text(encoding="utf-8")
    (head,) = [line for line in text.splitlines() if line.startswith("| rule | ") and "learns from" in line]
    assert all(cell.strip() for cell in head.strip("| ").split(" | "))
    for signal in TAUGHT.values():
        assert f"\n* {signal}: " in text


def test_a_signal_that_no_modulator_carries_is_said_to_reach_synapses_otherwise():
    """A rule that learns from errors or rewards, and sees neither modulators nor the whole graph, says how."""
    silent = [name for name in USES if rules[name].signal in ("errors", "reward") and not rules[name].reaches
              and not {"modulator", "whole graph"} & set(rules[name].sees)]  # fmt: skip
    assert silent == []
    pepita = "pre, post (in the second pass, whose input is modulated by the errors through fixed random weights)"
    assert pepita in TARGET.read_text(encoding="utf-8")


def test_every_rule_of_the_catalogue_has_costs_unless_it_needs_data_files():
    assert {row[0] for row in committed_costs()} <= set(rules)
    assert len(committed_costs()) >= len([name for name in USES if USES[name]]) - 3


@pytest.mark.parametrize("name", ["bptt", "hebbian", "ridge", "stdp"])
def test_costs_are_those_of_one_update(name):
    """Spikes, and so costs, may differ on other types of CPU; the figures have two digits."""
    told = [row for row in committed_costs() if row[0] == name]
    for row, again in zip(told, cost_rows(USES[name]), strict=True):
        assert row[:2] == again[:2]
        assert [number(cell) for cell in again[2:]] == pytest.approx([number(cell) for cell in row[2:]], rel=0.1)


def number(cell: str) -> float:
    return float(re.sub(",", "", cell))
