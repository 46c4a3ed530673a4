"""The automaton that a network has learned, minimised, drawn and compared with that of its task."""

from typing import ClassVar, Literal

import torch

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.extraction import agreement, by_clusters, by_tests
from neurorec.analysis.found import Diagram, Edge, Found, Node
from neurorec.analysis.reader import Reader, machine_of, walks
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.machine import Machine
from neurorec.tasks.task import Task

AT_ONCE = 2_000  #: strings read together
CLUSTERED = 400, 40  #: strings, and symbols of each, whose states are clustered


@analyses.register("automaton")
class Automaton(RunAnalysis):
    """Extracted by test strings (`tests`: strings lead to the same state if the network gives equal labels to all their
    continuations by up to `depth` symbols) or from clusters of the network's states (`clusters`)."""

    class Settings(Card):
        method: Literal["tests", "clusters"]
        depth: Count  #: of test strings
        most_states: Count
        strings: Count  #: random strings on which network and automaton are compared with the task's automaton
        length: Count

    about = "The finite automaton that a network has learned, compared with that of its task"
    sources = ("hinton_rnn", "tino_rnn")
    example: ClassVar = {"method": "tests", "depth": 2, "most_states": 12, "strings": 20, "length": 30}
    gives: ClassVar = {
        "states": Value("states of the minimised automaton"),
        "equals the task's": Value("1 if it is the minimal automaton of the task, up to the names of states", "", True),
        "agreement": Value("share of the network's labels on random strings with which the automaton agrees", "", True),
        "strings without an error": Value(
            "share of random strings that the network labels right in every frame", "", True
        ),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        if reason is not None:
            return reason
        return None if machine_of(task) is not None else "the task declares no automaton that solves it"

    def run(self, network: Network, task: EncodedTask, settings: Settings, seed: int) -> Found:  # type: ignore[override]
        reader = Reader(network, task)
        known = reader.machine.minimal()
        strings, right = walks(known, settings.strings, settings.length, torch_generator(seed, "automaton strings"))
        shown = torch.cat([reader.labels(part) for part in strings.split(AT_ONCE)])
        shown = torch.where(right >= 0, shown, -1)
        if settings.method == "tests":
            machine = by_tests(reader, settings.depth, settings.most_states)
        else:
            short, labels = walks(known, *CLUSTERED, torch_generator(seed, "automaton clusters"))
            machine = by_clusters(reader, short, (labels >= 0).sum(1), settings.most_states, seed)
        correct = {"strings without an error": float((shown == right).all(1).double().mean())}
        if machine is None:
            nothing = {"states": float("nan"), "equals the task's": 0.0, "agreement": float("nan")}
            return Found(nothing | correct, (_true(known, task),))
        same = machine.same_as(known)
        values = {
            "states": float(machine.size),
            "equals the task's": float(same),
            "agreement": agreement(machine, strings, shown),
        }
        verdict = "the minimal automaton of the task" if same else "not the automaton of the task"
        learned = drawn(machine, f"Learned automaton ({task.name})", f"after minimisation, {verdict}")
        return Found(values | correct, (learned, _true(known, task)))


def _true(known: Machine, task: Task) -> Diagram:
    return drawn(known, f"Automaton of the task ({task.name})", "the fewest that solve the task")


def drawn(machine: Machine, title: str, verdict: str) -> Diagram:
    """The automaton as a diagram; symbols with the same transition share an edge."""
    name = [f"q{state}" for state in range(machine.size)]
    nodes = tuple(
        Node(
            name=name[state],
            label=name[state] if machine.accepts else machine.label_text(label),
            start=state == 0,
            accepting=machine.accepts and label == 1,
        )
        for state, label in enumerate(machine.labels)
    )
    ways: dict[tuple[int, int], list[str]] = {}
    for state, row in enumerate(machine.leads):
        for symbol, to in zip(machine.symbols, row, strict=True):
            if to is not None:
                ways.setdefault((state, to), []).append(symbol)
    edges = tuple(Edge(name[a], name[b], ", ".join(symbols)) for (a, b), symbols in ways.items())
    states = "double rings mark accepting states" if machine.accepts else "states show their labels"
    return Diagram(
        title=title,
        about=f"{machine.size} states, {verdict}; {states}, edges carry the symbols read.",
        nodes=nodes,
        edges=edges,
    )
