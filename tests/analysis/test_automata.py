"""Automata and attractive sets of networks built by hand, for which both are known."""

import itertools

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.attractive_sets import access, derivative, holds
from neurorec.analysis.extraction import _majorities, agreement, by_clusters, by_tests
from neurorec.analysis.free_running import FreeRunning, ended, whole, write
from neurorec.analysis.reader import Reader, walks
from neurorec.basics.errors import CannotRun
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.engine import choose_engine
from neurorec.models.cells.elman import Elman, ElmanCard
from neurorec.models.network import chain
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import EncoderCard, NoEncoder, encoders
from neurorec.tasks.grammar import strings
from neurorec.tasks.machine import Machine
from neurorec.tasks.task import load_task
from tests.nets import network as made_up

ODD = Machine.acceptor("123", ((0, 1, 0), (1, 0, 1)), (1,))


def encoded(name, encoder=None):
    return EncodedTask(load_task(name, 0), encoder or NoEncoder(EncoderCard(name="none")), 0)


def spiking(name):
    """An untrained spiking network, encoded as in a card."""
    regular = encoders["regular_rate"]
    encoder = regular(regular.Card(name="regular_rate", dt_ms=1.0, steps_per_frame=4))
    task = encoded(name, encoder)
    return task, made_up("lif", I=task.inputs, H=12, O=task.outputs).eval()


def elman(size, inputs, w_in, w_rec, bias, out, out_bias):
    card = ElmanCard(name="elman", size=size, input_gain=1.0, recurrent_gain=1.0)
    network = chain(Elman(card, inputs), LinearReadout(ReadoutCard(name="linear"), size, len(out_bias)), "values")
    numbers = {"w_in": w_in, "w_rec": w_rec, "bias": bias}
    with torch.no_grad():
        for name, values in numbers.items():
            getattr(network["hidden"], name).copy_(torch.tensor(values))
        network["readout"].weight.copy_(torch.tensor(out))
        network["readout"].bias.copy_(torch.tensor(out_bias))
    return network.eval()


def adder(gain=20.0, carry=1.0):
    """Unit i is on if the column and its carry sum to i or more; the carry is unit 2, the bit is h1 - h2 + h3. Thresholds are
    placed so that the start, where all units are halfway, counts as no carry."""
    w_rec = [[0.0, carry * gain / 2, 0.0]] * 3
    bias = [gain * (carry / 2 - i + 0.25) for i in (1, 2, 3)]
    return elman(3, 2, [[gain, gain]] * 3, w_rec, bias, [[-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]], [0.5, -0.5])


def settings(**changed):
    return {"method": "tests", "depth": 2, "most_states": 12, "strings": 10, "length": 500} | changed


@pytest.mark.parametrize("method", ["tests", "clusters"])
def test_three_units_add_with_four_states(method):
    found = analyse_network("automaton", adder(), encoded("binary_addition"), settings(method=method))
    assert found.values == {
        "states": 4,
        "equals the task's": 1,
        "agreement": 1,
        "strings without an error": 1,
    }
    assert [diagram.title for diagram in found.figures] == [
        "Learned automaton (binary_addition)",
        "Automaton of the task (binary_addition)",
    ]
    for diagram in found.figures:
        assert [node.label for node in diagram.nodes] == ["0", "1", "0", "1"]
        assert sum(len(edge.label.split(", ")) for edge in diagram.edges) == 16


def test_without_its_carry_the_adder_is_another_automaton():
    found = analyse_network("automaton", adder(carry=0.0), encoded("binary_addition"), settings())
    assert found.values["states"] == 2
    assert found.values["equals the task's"] == 0
    assert found.values["agreement"] == 1
    assert found.values["strings without an error"] == 0


def test_more_states_than_allowed_are_no_automaton():
    found = analyse_network("automaton", adder(), encoded("binary_addition"), settings(most_states=3))
    assert found.values["states"] != found.values["states"]
    assert found.values["equals the task's"] == 0
    assert [diagram.title for diagram in found.figures] == ["Automaton of the task (binary_addition)"]


def test_a_task_without_automaton_is_refused():
    with pytest.raises(CannotRun, match="the task declares no automaton that solves it"):
        analyse_network("automaton", adder(), encoded("adding_problem"), settings())
    with pytest.raises(
        CannotRun, match="task adding_problem: it declares no automaton, so there are no symbols to read; give it"
    ):
        Reader(adder(), encoded("adding_problem"))


def test_long_strings_are_read_in_parts_without_a_seam():
    task = encoded("binary_addition")
    network = adder(gain=1.0)  # soft, so that rounding of a seam would show
    symbols = torch.randint(4, (3, 120), generator=torch.Generator().manual_seed(0))
    reader = Reader(network, task)
    whole = network(reader.coding[symbols.T]).argmax(2).T
    assert torch.equal(reader.labels(symbols), whole)
    assert torch.equal(reader.states(symbols)[0], whole)


def test_a_spiking_network_is_read_as_it_was_trained():
    task, network = spiking("odd_twos")
    batch = task.split("test").take(torch.arange(20))
    answers = choose_engine("auto", network).answers(network, batch, task.objective)
    symbols = task.frames.split("test").x[:, :20].argmax(2).T
    assert torch.equal(Reader(network, task).labels(symbols), answers.argmax(2).T)


def test_walks_follow_the_machine_to_its_end():
    machine = load_task("reber", 0).machine
    strings, labels = walks(machine, 200, 30, torch.Generator().manual_seed(0))
    for string, shown in zip(strings.tolist(), labels.tolist(), strict=True):
        end = shown.index(-1) if -1 in shown else 30
        assert shown[:end] == [machine.labels[machine.after(string[: t + 1])] for t in range(end)]
        assert end == 30 or machine.label_text(shown[end - 1]) == "E"
    assert (labels == -1).any()
    assert agreement(machine, strings, labels) == 1.0


def test_agreement_counts_labels():
    strings = torch.tensor([[1, 1, 0], [0, 1, 2]])
    assert agreement(ODD, strings, torch.tensor([[1, 0, 0], [0, 1, -1]])) == 1.0
    assert agreement(ODD, strings, torch.tensor([[1, 0, 0], [1, 1, -1]])) == pytest.approx(0.8)


class Known:
    """A reader whose network is a machine."""

    def __init__(self, machine):
        self.machine = machine

    def labels(self, strings):
        states = [[self.machine.after(string[: t + 1]) for t in range(len(string))] for string in strings.tolist()]
        return torch.tensor([[0 if state is None else self.machine.labels[state] for state in row] for row in states])

    def states(self, strings):
        rows = [[self.machine.after(string[: t + 1]) for t in range(len(string))] for string in strings.tolist()]
        return self.labels(strings), torch.nn.functional.one_hot(torch.tensor(rows), self.machine.size).double()


@pytest.mark.parametrize("number", range(1, 8))
def test_tests_and_clusters_recover_every_tomita_automaton(number):
    machine = load_task(f"tomita_{number}", 0).machine
    assert by_tests(Known(machine), 3, 12).same_as(machine)
    strings = torch.tensor(list(itertools.product((0, 1), repeat=8)))
    assert by_clusters(Known(machine), strings, torch.full((256,), 8), 12, 0).same_as(machine)


def test_reber_is_recovered_from_what_may_follow():
    machine = load_task("reber", 0).machine
    found = by_tests(Known(machine), 2, 12)
    assert found.same_as(machine)
    assert found.size == machine.size == 7
    assert by_tests(Known(machine), 0, 12).size == 6  # two states are followed by S or X


# -- attractive sets


def latch(gain):
    """Two units that hold a sign each; symbol 2 flips nothing here, so both labels are remembered only from the start."""
    return elman(
        2, 3, [[0.0, 0.0, 0.0]] * 2, [[gain, 0.0], [0.0, gain]], [0.3, -0.2], [[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0]
    )


def test_symbols_that_keep_a_state():
    assert holds(ODD) == [(0, 0), (0, 2), (1, 0), (1, 2)]
    assert access(ODD, 0) == []
    assert access(ODD, 1) == [1]


def test_the_derivative_is_that_of_tanh():
    network = latch(0.7)
    reader = Reader(network, encoded("odd_twos"))
    string = torch.tensor([1, 0, 0])
    _, states = reader.states(string[None])
    h = states[0, -1]
    after = torch.tanh(0.7 * h + torch.tensor([0.3, -0.2]))
    expected = torch.diag(0.7 * (1 - after**2))
    torch.testing.assert_close(derivative(reader, string, 0), expected)


def test_a_latch_attracts_and_a_weaker_one_forgets():
    """h = tanh(g h + b) with one fixed point: both labels end there, so they are not apart."""
    found = analyse_network("attractive_sets", latch(0.7), encoded("odd_twos"), {"repeats": 200})
    assert found.values["largest eigenvalue"] < 1
    assert found.values["runs remembered"] == 0.5
    assert found.values["apart"] == pytest.approx(0, abs=1e-3)
    assert set(found.figures[0].groups) == {
        "not in it, reads 1", "not in it, reads 3", "in the language, reads 1", "in the language, reads 3",
    }  # fmt: skip


def test_spikes_have_no_derivative_and_are_still_seen():
    task, network = spiking("odd_twos")
    found = analyse_network("attractive_sets", network, task, {"repeats": 5})
    assert found.values["largest derivative"] != found.values["largest derivative"]
    assert 0 <= found.values["runs remembered"] <= 1


def test_a_latch_with_a_strong_loop_remembers():
    """Both units fall to -1 at the start, symbol 2 lifts them to 1, and either sign holds itself."""
    kick = [[0.0, 6.0, 0.0]] * 2
    network = elman(2, 3, kick, [[2.0, 0.0], [0.0, 2.0]], [-0.3, -0.3], [[-1.0, 0.0], [1.0, 0.0]], [0.0, 0.0])
    found = analyse_network("attractive_sets", network, encoded("odd_twos"), {"repeats": 100})
    assert found.values["runs remembered"] == 1.0
    assert found.values["largest eigenvalue"] < 0.5
    assert found.values["apart"] > 1e3


def test_the_shortest_string_that_leads_to_a_state():
    four = load_task("tomita_4", 0).machine
    assert [access(four, state) for state in range(4)] == [[], [0], [0, 0], [0, 0, 0]]


def test_labels_that_are_swapped_make_another_automaton_of_the_same_size():
    network = adder()
    with torch.no_grad():
        network["readout"].weight.neg_()
        network["readout"].bias.neg_()
    found = analyse_network("automaton", network, encoded("binary_addition"), settings())
    assert found.values["states"] == 4
    assert found.values["equals the task's"] == 0


def test_what_is_shown_after_the_end_of_a_string_does_not_count(monkeypatch):
    reader = Known(load_task("reber", 0).machine)
    monkeypatch.setattr("neurorec.analysis.automaton.Reader", lambda network, task: reader)
    found = analyse_network("automaton", adder(), encoded("reber"), settings())
    assert found.values == {"states": 7, "equals the task's": 1, "agreement": 1, "strings without an error": 1}


def test_the_label_of_a_cluster_is_the_most_frequent_one():
    strings = torch.tensor([[0], [0], [0], [1], [1], [1]])
    shown = torch.tensor([[1], [1], [0], [0], [0], [1]])
    parity = Machine.acceptor("01", ((0, 1), (1, 0)), (1,))
    machine = _majorities(parity, strings, strings, shown, 2)
    assert machine.labels == (None, 1, 0)
    assert machine.leads == ((1, 2), (None, None), (None, None))


# -- free running


@pytest.mark.parametrize("name", ["reber", "embedded_reber"])
def test_whole_strings_are_told_from_broken_ones(name):
    task = load_task(name, 0)
    drawn = strings(task.objective.grammar, 300, numpy_generator(3, "strings"))
    assert all(ended(string + "BTS", task.machine) == string for string in drawn)
    assert all(whole(string, task.machine) for string in drawn)
    assert not any(whole(string[:-1], task.machine) for string in drawn)
    broken = [ended(f"{string[:-2]}B{string[-1]}", task.machine) for string in drawn]
    assert not any(whole(string, task.machine) for string in broken)


def test_what_is_drawn_is_the_next_input():
    """A readout that copies the input with a shift: each symbol is followed by the next of seven, whatever the temperature."""
    task = encoded("reber")
    shift = torch.eye(7).roll(1, 0)
    zero = [[0.0] * 7] * 7
    network = elman(7, 7, (5 * torch.eye(7)).tolist(), zero, [0.0] * 7, (1e4 * shift).tolist(), [0.0] * 7)
    chosen = FreeRunning.Settings(temperature=1.0, samples=3, prompt=1, length=8)
    drawn = write(network, task, chosen, torch.Generator().manual_seed(0))
    assert drawn.T.tolist() == [[0, 1, 2, 3, 4, 5, 6, 0, 1]] * 3


def test_temperature_flattens_what_is_drawn():
    task = encoded("reber")
    bias = [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    network = elman(1, 7, [[0.0] * 7], [[0.0]], [0.0], [[0.0]] * 7, bias)
    for temperature in (0.5, 2.0):
        chosen = FreeRunning.Settings(temperature=temperature, samples=4000, prompt=1, length=1)
        drawn = write(network, task, chosen, torch.Generator().manual_seed(0))[1]
        expected = torch.tensor(bias).div(temperature).softmax(0)[1]
        assert float((drawn == 1).float().mean()) == pytest.approx(float(expected), abs=0.03)
