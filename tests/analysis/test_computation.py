"""Analyses of circuits and Turing machines count errors, and draw what they say."""

import math

import numpy as np
import pytest
import torch

from neurorec.analysis import nor_circuit
from neurorec.analysis.analysis import analyse
from neurorec.analysis.nor_circuit import circuit_diagram
from neurorec.analysis.turing_network import space_time
from neurorec.basics.errors import InputError
from neurorec.models.circuits.circuit_networks import GATES, rate_network
from neurorec.models.circuits.example_circuits import example_circuits
from neurorec.models.turing.turing_machine import read_machine


def test_errors_of_a_wrong_network_are_counted(monkeypatch):
    def dead_gate(netlist):
        network = rate_network(netlist)
        with torch.no_grad():
            network[GATES].bias[-1] = -100.0
        return network

    settings = {"circuit": "adder", "half": "rate", "steps": 300}
    assert analyse("nor_circuit", settings).values["wrong bits"] == 0
    monkeypatch.setitem(nor_circuit.HALVES, "rate", dead_gate)
    monkeypatch.setattr(nor_circuit, "AT_ONCE", 90)
    found = analyse("nor_circuit", settings)
    assert 10 < found.values["wrong bits"] <= 300
    assert found.baselines["wrong bits"][1] == pytest.approx(found.values["active"] * 41 * 300)


def test_pieces_of_a_run_continue_each_other(monkeypatch):
    settings = {"circuit": "counter", "half": "spiking", "steps": 400}
    whole = analyse("nor_circuit", settings)
    monkeypatch.setattr(nor_circuit, "AT_ONCE", 70)
    assert analyse("nor_circuit", settings).values == whole.values
    assert whole.values["wrong bits"] == 0


def test_the_diagram_of_a_latch():
    diagram = circuit_diagram("latch", example_circuits["latch"]().netlist())
    assert [(node.label, node.start, node.accepting) for node in diagram.nodes] == [
        ("set", True, False), ("reset", True, False), ("q", False, True), ("complement", False, True),
    ]  # fmt: skip
    assert {(edge.source, edge.target) for edge in diagram.edges} == {("0", "3"), ("2", "3"), ("3", "2"), ("1", "2")}


def test_the_printed_gate_is_an_or_gate():
    printed, opposite = (analyse("nor_gate", {"weight": s * 1000.0, "bias": -s * 100.0}).values for s in (1, -1))
    assert (printed["rows of OR"], printed["rows of NOR"]) == (4, 0)
    assert (opposite["rows of OR"], opposite["rows of NOR"]) == (0, 4)


def test_floats_fail_where_their_bits_end():
    values = analyse("turing_network", {"machine": "successor", "longest": 30}).values
    assert values["right in fractions"] == 1
    assert (values["deepest stack in float64"], values["deepest stack in float32"]) == (26, 12)
    assert values["right in float64"] == 24 / 30  # the head's cell and a blank beside it lie on the stack, too
    small = analyse("turing_network", {"machine": "busy_beaver_2", "longest": 0}).values
    assert (small["ones"], small["machine steps"], small["right in float32"]) == (4, 6, 1)
    assert math.isnan(small["deepest stack in float64"])


def test_the_tape_over_time():
    machine = read_machine("1RB1LB_1LA1RH")
    picture = np.array(space_time("beaver", list(machine.run())).values)
    assert picture.shape == (7, 4)
    head = picture % 1 == 0.5
    assert list(head.sum(1)) == [1] * 7
    assert list(np.diff(head.argmax(1))) == [1, -1, -1, -1, 1, 1]  # RLLLRR
    assert list(picture[-1] - head[-1] * 0.5) == [1, 1, 1, 1]


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match=r'"latsh" is not known \(did you mean "latch"\?\)'):
        analyse("nor_circuit", {"circuit": "latsh", "half": "rate", "steps": 10})
    with pytest.raises(
        InputError, match=r'"sucessor" is not a machine \(did you mean "successor"\?\); known: busy_beaver_2'
    ):
        analyse("turing_network", {"machine": "sucessor", "longest": 3})
