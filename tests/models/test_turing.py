"""Turing machines, and the networks that compute the same: exactly in fractions, and in floats until a stack is too deep."""

import numpy as np
import pytest

from neurorec.basics.errors import InputError, RunFailed
from neurorec.models.turing.example_machines import EXAMPLE_MACHINES
from neurorec.models.turing.stack_network import stack_network
from neurorec.models.turing.turing_machine import read_machine

BITS = {float: 53, np.float32: 24}


def example(name, length=0, seed=0):
    kind = EXAMPLE_MACHINES[name]
    return kind.machine, kind.tape(np.random.default_rng(seed), length)


@pytest.mark.parametrize(("states", "steps", "ones"), [(2, 6, 4), (3, 14, 6), (4, 107, 13)])
def test_busy_beavers(states, steps, ones):
    *before, last = example(f"busy_beaver_{states}")[0].run()
    assert (len(before), sum(last.tape)) == (steps, ones)


@pytest.mark.parametrize("value", [0, 1, 2, 11, 127, 200])
def test_increment(value):
    machine, _ = example("increment")
    *_, last = machine.run([1 + int(bit) for bit in f"{value:b}"])
    assert last.tape == tuple(1 + int(bit) for bit in f"{value + 1:b}")


def test_palindromes():
    machine, found = example("palindrome")[0], set()
    for length in range(8):
        for seed in range(6):
            tape = example("palindrome", length, seed)[1]
            *_, last = machine.run(tape)
            assert last.state == ("Y" if tape == tape[::-1] else "N"), tape
            found.add(last.state)
    assert found == {"Y", "N"}


@pytest.mark.parametrize("length", [0, 1, 9])
@pytest.mark.parametrize("name", EXAMPLE_MACHINES)
def test_in_fractions_the_network_is_the_machine_step_for_step(name, length):
    machine, tape = example(name, length)
    assert list(stack_network(machine).run(tape)) == list(machine.run(tape))


@pytest.mark.parametrize("number", BITS)
@pytest.mark.parametrize("name", ["successor", "increment"])
def test_in_floats_it_is_so_until_a_stack_needs_more_bits_than_a_number_has(name, number):
    machine = example(name)[0]
    network, exact = stack_network(machine), []
    for length in range(1, 31):
        tape = example(name, length)[1]
        expected = list(machine.run(tape))
        deepest = max(max(len(now.left), len(now.right)) for now in expected)
        exact.append(list(network.run(tape, number)) == expected)
        assert exact[-1] == (deepest * (network.base.bit_length() - 1) <= BITS[number]), length
    assert {True, False} == set(exact)


def test_a_float64_holds_26_symbols_of_base_4():
    network = stack_network(example("successor")[0])
    for depth, same in [(26, True), (27, False)]:
        stack = network.stack((1,) * depth)
        assert (stack == float(stack)) is same


def test_activity_that_stands_for_no_configuration_is_recognised():
    machine, tape = example("increment", 5)
    network = stack_network(machine)
    start = network.start(tape)
    assert network.read(start) == machine.start(tape)
    assert network.read(start | {"right after R": start["right after R"] * 2}) is None
    assert network.read(start | {"B": start["A"]}) is None
    assert network.read(start | {"A": start["A"] / 2}) is None


def test_what_is_refused():
    for table, said in [
        ("1RB1LB_1LA", 'row B of the machine is "1LA", expected 2 moves such as 1RB'),
        ("1XB1LB", 'row A of the machine is "1XB1LB", expected 2 moves such as 1RB'),
        ("2RB1LB", "row A of the machine writes 2, but its symbols are 0 to 1"),
    ]:
        with pytest.raises(InputError) as refused:
            read_machine(table)
        assert said in str(refused.value)
    with pytest.raises(InputError, match="the tape contains 2, but the machine's symbols are 0 to 1"):
        list(read_machine("1RB1LB_1LA1RH").run([2]))
    with pytest.raises(RunFailed, match="has not halted after 50 steps; allow more, or check its table"):
        list(read_machine("0RA1RA").run([], 50))
