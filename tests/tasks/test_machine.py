"""Moore machines: minimisation and comparison against brute force over strings."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from neurorec.tasks.machine import Machine
from neurorec.tasks.task import load_task
from tests.registered_tasks import task_names

WITH_MACHINE = task_names(lambda task: getattr(task, "machine", None) is not None)


def labels_after(machine, longest):
    strings = [s for n in range(1, longest + 1) for s in itertools.product(range(len(machine.symbols)), repeat=n)]
    states = (machine.after(string) for string in strings)
    return [None if state is None else machine.labels[state] for state in states]


def drawn(seed, states=9, symbols=2):
    random = np.random.default_rng(seed)
    leads = tuple(tuple(int(to) for to in row) for row in random.integers(states, size=(states, symbols)))
    return Machine.acceptor("01"[:symbols], leads, random.permutation(states)[: states // 3].tolist())


@pytest.mark.parametrize("seed", range(30))
def test_a_minimal_machine_labels_all_strings_alike_and_has_no_two_equivalent_states(seed):
    machine = drawn(seed)
    small = machine.minimal()
    assert labels_after(small, 9) == labels_after(machine, 9)
    futures = {(small.labels[state], *labels_after(started_in(small, state), 8)) for state in range(small.size)}
    assert len(futures) == small.size <= machine.reachable().size
    assert small.minimal() == small


def started_in(machine, state):
    """With state 0 and `state` exchanged."""
    name = {0: state, state: 0}
    order = [name.get(k, k) for k in range(machine.size)]
    leads = tuple(tuple(name.get(to, to) for to in machine.leads[k]) for k in order)
    return replace(machine, leads=leads, labels=tuple(machine.labels[k] for k in order))


@pytest.mark.parametrize("seed", range(10))
def test_renumbered_states_make_the_same_machine_and_another_label_does_not(seed):
    machine = drawn(seed).minimal()
    other = list(range(1, machine.size))
    np.random.default_rng(seed).shuffle(other)
    place = {old: new for new, old in enumerate([0, *other])}
    leads = tuple(tuple(place[to] for to in machine.leads[old]) for old in [0, *other])
    moved = replace(machine, leads=leads, labels=tuple(machine.labels[old] for old in [0, *other]))
    assert moved.same_as(machine)
    flipped = replace(machine, labels=(*machine.labels[:-1], 1 - machine.labels[-1]))
    assert flipped.same_as(machine) == (labels_after(flipped, 9) == labels_after(machine, 9) and flipped == machine)
    if machine.size > 1:
        assert not flipped.same_as(machine)


def test_a_start_without_label_merges_with_the_state_that_continues_as_it_does():
    parity = Machine.acceptor("01", ((0, 1), (1, 0)), (1,))
    unseen = Machine.acceptor("01", ((1, 2), (1, 2), (2, 1)), (2,))
    assert replace(unseen, labels=(None, 0, 1)).minimal() == parity
    assert replace(unseen, labels=(None, 0, 1)).same_as(parity)
    never_again = replace(parity, leads=((1, 1), (1, 2), (2, 1)), labels=(None, 1, 0))
    assert never_again.minimal().labels == (None, 1, 0)


def test_symbols_that_cannot_occur_lead_nowhere():
    machine = Machine.acceptor("01", ((1, None), (None, 0)), (1,))
    assert machine.after([0, 1, 0]) == 1
    assert machine.after([0, 0, 1]) is None
    assert machine.minimal() == machine
    assert not machine.same_as(replace(machine, labels=(1, 1)))
    assert not machine.same_as(replace(machine, labels=(2, 1)))
    assert not machine.same_as(replace(machine, leads=((1, 0), (None, 0))))


def test_labels_are_named_by_outputs():
    machine = load_task("reber", 0).machine
    assert [machine.label_text(label) for label in machine.labels] == ["start", "T P", "S X", "T V", "S X", "P V", "E"]


@pytest.mark.parametrize("name", WITH_MACHINE)
def test_the_machine_of_a_task_gives_all_its_targets(name):
    task = load_task(name, 0)
    machine, batch = task.machine, task.split("test")
    coding = np.array(machine.coding)
    for sample in range(0, batch.size, 41):
        state = 0
        for t in range(int(batch.lengths[sample])):
            symbol = int(np.flatnonzero((coding == batch.x[t, sample].numpy()).all(1))[0])
            state = machine.leads[state][symbol]
            if batch.frame_mask[t, sample]:
                target, label = int(batch.answers[t, sample]), machine.labels[state]
                assert label >> target & 1 if machine.sets else label == target


@pytest.mark.parametrize("name", WITH_MACHINE)
def test_the_machine_of_a_task_is_minimal(name):
    machine = load_task(name, 0).machine
    assert machine.minimal().size == machine.reachable().size
