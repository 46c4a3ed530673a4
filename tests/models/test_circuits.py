"""Circuits compute what their names say, and their rate and spiking networks equal the gate simulator bit for bit."""

from itertools import product

import numpy as np
import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import choose_engine
from neurorec.hardware.export import export_network
from neurorec.hardware.export.verify import verify_nir
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.models.circuits import gates
from neurorec.models.circuits.circuit_networks import BIAS, GATES, WEIGHT, rate_network, spiking_network
from neurorec.models.circuits.computer import FIBONACCI, execute, processor
from neurorec.models.circuits.example_circuits import Computer, clocked, example_circuits
from neurorec.models.circuits.gate_simulator import number, simulate
from neurorec.models.circuits.latches import flip_flop
from neurorec.models.circuits.netlist import Circuit

HALVES = {"rate": rate_network, "spiking": spiking_network}


def settled(netlist, x, rest, bus):
    """The number on an output at the end of each rest."""
    return number(netlist, netlist.outputs[bus], x, simulate(netlist, x))[rest - 1 :: rest]


@pytest.mark.parametrize(
    ("gate", "meaning"),
    [(gates.both, lambda a, b: a & b), (gates.either, lambda a, b: a | b), (gates.differ, lambda a, b: a ^ b)],
)
def test_truth_tables(gate, meaning):
    c = Circuit("a", "b")
    c.output("y", gate(c, 0, 1))
    pairs = list(product((0, 1), repeat=2))
    assert list(settled(c.netlist(), np.repeat(pairs, 8, 0), 8, "y")) == [meaning(a, b) for a, b in pairs]


def test_a_wide_or_is_a_tree_of_narrow_gates():
    c = Circuit(*(f"x{k}" for k in range(11)))
    c.output("y", gates.any_of(c, range(11)))
    x = np.concatenate([np.zeros((1, 11)), np.eye(11)])
    assert c.netlist().fan_in == gates.WIDEST
    assert list(settled(c.netlist(), np.repeat(x, 8, 0), 8, "y")) == [0] + [1] * 11


def test_the_adder_adds_all_numbers_of_4_bits():
    adder = example_circuits["adder"]()
    pairs = np.array(list(product(range(16), repeat=2)))
    bits = np.concatenate([pairs[:, :1] >> np.arange(4) & 1, pairs[:, 1:] >> np.arange(4) & 1], 1)
    assert np.array_equal(settled(adder.netlist(), np.repeat(bits, adder.rest, 0), adder.rest, "sum"), pairs.sum(1))


def test_the_latch_remembers_the_last_pulse():
    latch = example_circuits["latch"]()
    x = latch.inputs(np.random.default_rng(0), 400)
    q, complement = (settled(latch.netlist(), x, latch.rest, name) for name in ("q", "complement"))
    held, expected = 0, []
    for setting, resetting in x[latch.rest - 1 :: latch.rest]:
        held = 1 if setting else 0 if resetting else held
        expected.append(held)
    assert list(q) == expected
    assert list(complement) == [1 - bit for bit in expected]


def test_a_flip_flop_takes_over_its_input_when_the_clock_rises_and_at_no_other_time():
    c, rest = Circuit("clock", "clear", "d"), 8
    c.output("q", flip_flop(c, 2, 0, c.nor(0), 1))
    d = np.repeat(np.random.default_rng(1).integers(0, 2, 200), rest)  # changes in both phases of the clock
    x = np.column_stack([clocked(len(d), 2 * rest), d])
    x[:, 0] = np.roll(x[:, 0], rest // 2)  # between two changes of d
    q = settled(c.netlist(), x, rest // 2, "q")
    held, before, expected = 0, 0, []
    for clock, clear, bit in x[rest // 2 - 1 :: rest // 2]:
        held = 0 if clear else bit if clock > before else held
        before = clock
        expected.append(held)
    assert list(q) == expected
    assert 0 < sum(expected) < len(expected)


def test_the_counter_counts_clock_cycles_modulo_256():
    counter = example_circuits["counter"]()
    x = counter.inputs(np.random.default_rng(0), 2 * 300 * counter.rest)
    assert np.array_equal(settled(counter.netlist(), x, counter.rest, "count")[1::2], np.arange(300) % 256)


EVERYTHING = (
    ("load", 7), ("store", 0), ("add", 200), ("addb", 0), ("swap", 0), ("out", 0), ("add", 60), ("jump_unless_carry", 2),
    ("out", 0), ("load", 255), ("add", 1), ("jump_unless_carry", 0), ("jump", 14), ("load", 0), ("out", 0),
)  # fmt: skip


@pytest.mark.parametrize("program", [FIBONACCI, EVERYTHING], ids=["Fibonacci", "every instruction"])
def test_the_computer_executes_its_program(program):
    netlist, cycles, rest = processor(program), 90 if program is FIBONACCI else 40, Computer.rest
    x = clocked(2 * rest * (cycles + 1), rest)
    found = {name: settled(netlist, x, rest, name)[1::2][1:] for name in netlist.outputs}
    expected = execute(program, cycles)
    for name, values in found.items():
        assert list(values) == [getattr(registers, name) for registers in expected], name


def test_fibonacci_numbers_appear_on_the_output():
    seen = list(dict.fromkeys(registers.out for registers in execute(FIBONACCI, 60)))
    assert seen == [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]


def assert_bit_exact(name, half, steps, at_once=10_000):
    example = example_circuits[name]()
    netlist = example.netlist()
    x = example.inputs(np.random.default_rng(0), steps)
    network, expected, state = HALVES[half](netlist), simulate(netlist, x), None
    engine = choose_engine("torch" if steps < at_once else "auto", network)
    with torch.no_grad():
        for start in range(0, steps, at_once):
            part = torch.from_numpy(x[start : start + at_once]).float()[:, None]
            seen = engine.run(network, part, state=state)
            state = seen.state
            assert np.array_equal(seen.sent[GATES][:, 0].numpy(), expected[start : start + at_once])
    assert 0.05 < expected.mean() < 0.95
    outputs = [wire - len(netlist.inputs) for bus in netlist.outputs.values() for wire in bus]
    assert np.array_equal(seen.outputs[:, 0].numpy(), expected[-len(part) :, outputs])


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", list(example_circuits))
def test_networks_equal_the_gates_bit_for_bit(name, half):
    assert_bit_exact(name, half, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", list(example_circuits))
def test_and_still_do_after_many_steps(name, half):
    assert_bit_exact(name, half, 20_000 if name == "computer" else 100_000)  # the study runs all of them for 100,000


@pytest.mark.parametrize(("weight", "bias", "expected"), [(1000.0, -100.0, "or"), (WEIGHT, BIAS, "nor")])
def test_the_printed_weights_of_the_lecture_are_an_or_gate(weight, bias, expected):
    pairs = torch.tensor(list(product((0.0, 1.0), repeat=2)))
    found = torch.sigmoid(weight * pairs.sum(1) + bias)
    either = (pairs.sum(1) > 0).float()
    assert torch.equal(found.round(), either if expected == "or" else 1 - either)
    if expected == "nor":  # exact, so that errors cannot build up
        assert torch.equal(found, 1 - either)


@pytest.mark.parametrize("fan_in", [1, 2, 3, 4])
def test_a_neuron_is_a_nor_gate_whatever_arrived_before(fan_in):
    c = Circuit(*(f"x{k}" for k in range(fan_in)))
    c.output("y", c.nor(*range(fan_in)))
    arriving = torch.tensor(list(product(range(fan_in + 1), repeat=5))).T  # [T, B]: every history of 5 steps
    x = (torch.arange(fan_in) < arriving[:, :, None]).float()
    spikes = spiking_network(c.netlist())(x)[:, :, 0]
    assert torch.equal(spikes, (arriving == 0).float())


def test_a_spiking_circuit_is_priced_and_exported(tmp_path):
    counter = example_circuits["counter"]()
    network = spiking_network(counter.netlist())
    x = torch.from_numpy(counter.inputs(np.random.default_rng(0), 200)).float()[:, None]
    seen = choose_engine("torch", network).run(network, x)
    assert estimate_cost(network, seen.activity, "loihi1").can_run
    export_network(network, tmp_path / "counter.nir", "nir")
    assert verify_nir(network, tmp_path / "counter.nir", x).exact


def test_what_is_refused():
    c = Circuit("a")
    with pytest.raises(InputError, match=r'the circuit has no input "b"; known: a'):
        c.input("b")
    with pytest.raises(InputError, match=r"gate 0 hears \[7\], but there are wires 0 to 1 only"):
        c.nor(7)
    with pytest.raises(InputError, match="wire 0 is not a gate without inputs; take one from wire"):
        c.connect(0)
    with pytest.raises(InputError, match="gate 0 has no inputs; connect the wire that wire"):
        c.netlist()
    with pytest.raises(InputError, match="two inputs of the circuit have the same name: a, a; rename one"):
        Circuit("a", "a")
    through = Circuit("a")
    through.nor()
    with pytest.raises(InputError, match="the circuit has no outputs; name one with output"):
        through.netlist()
    through.output("y", 0)
    with pytest.raises(CannotRun, match=r'output wire 0 is the input "a"; let a gate send it: nor\(nor\(wire\)\)'):
        rate_network(through.netlist())
    for program, said in [
        ((), "the program has 0 instructions, expected 1 to 16"),
        ((("lod", 1),), 'instruction 0 is "lod" (did you mean "load"?); known: load, add,'),
        ((("load", 256),), "instruction 0: operand 256 is not in 0 to 255"),
    ]:
        with pytest.raises(InputError) as refused:
            processor(program)
        assert said in str(refused.value)
