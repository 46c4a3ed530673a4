"""Broken cards: a readable error, or a result; never a traceback, more than five seconds, or more than 1 GB."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.card_mutants import FOLDERS, mutants
from tests.fuzz.card_uses import prepare, prepare_studies, use
from tests.fuzz.worker import Worker, assert_readable

MANY = settings(max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=150)
KINDS = [kind for kind in FOLDERS for _ in range(1 if kind == "study" else 4)]  # a plan takes a second
EXAMPLES = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), mutants(kind)))
seen: Counter = Counter()


def working(prepare):
    """A worker, stopped at the end."""
    one = Worker(prepare, use)
    yield one
    one.stop()
    print(dict(seen))


@pytest.fixture(scope="module")
def worker():
    yield from working(prepare)


@pytest.fixture(scope="module")
def worker_for_studies():
    yield from working(prepare_studies)


def try_card(worker, folder, example):
    kind, text = example
    path = folder / f"{kind}.toml"
    path.write_text(text, encoding="utf-8")
    outcome, said = worker(kind, path)
    seen[kind, outcome] += 1
    assert_readable(outcome, said)


@given(example=EXAMPLES)
@FEW
def test_a_broken_card_is_refused_readably_or_used(worker, tmp_path_factory, example):
    try_card(worker, tmp_path_factory.getbasetemp(), example)


@pytest.mark.slow
@given(example=EXAMPLES)
@MANY
def test_ten_thousand_broken_cards(worker_for_studies, tmp_path_factory, example):
    try_card(worker_for_studies, tmp_path_factory.getbasetemp(), example)
