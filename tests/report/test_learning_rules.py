"""docs/learning_rules.md is generated from what the rules declare."""

import re

import pytest

from neurorec.learning.rule import rules
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
