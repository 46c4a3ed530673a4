"""Attractive sets: where a network's state stays while it must remember, and whether small perturbations decay there."""

from typing import ClassVar

import torch
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, Points, series
from neurorec.analysis.reader import Reader, machine_of
from neurorec.analysis.whole_state import flat_step, jacobians
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.machine import Machine
from neurorec.tasks.task import Task

NONE = float("nan")
Hold = tuple[int, int]  #: a state of the task's automaton, and a symbol that does not change it


@analyses.register("attractive_sets")
class AttractiveSets(RunAnalysis):
    """The network is brought into each state of the task's automaton and then reads one symbol that does not change this state,
    again and again. At the end of each run, the derivative of its state with respect to the state one frame before is taken."""

    class Settings(Card):
        repeats: Count  #: of the symbol

    about = "The sets of states in which a network remembers what it has read, and the derivative of its step there"
    sources = ("tino_rnn",)
    example: ClassVar = {"repeats": 50}
    gives: ClassVar = {
        "largest eigenvalue": Value(
            "modulus of the largest eigenvalue of the derivative in any attractive set; not defined for spikes", "", False
        ),
        "largest derivative": Value("modulus of the largest entry of that derivative; not defined for spikes", "", False),
        "runs remembered": Value("share of runs after which the network still shows the right label", "", True),
        "apart": Value("smallest distance between the ends of runs with different labels, in units of the largest distance "
                       "between the last two states of a run", "", True),
    }  # fmt: skip

    def why_not(self, network: Network, task: Task) -> str | None:
        machine, reason = machine_of(task), super().why_not(network, task)
        if reason is not None:
            return reason
        if machine is None:
            return "the task declares no automaton that solves it"
        if machine.sets or not holds(machine):
            return "no symbol leaves a labelled state of the task's automaton unchanged"
        return None

    def run(self, network: Network, task: EncodedTask, settings: Settings, seed: int) -> Found:  # type: ignore[override]
        reader = Reader(network, task)
        machine = reader.machine
        kept = holds(machine)
        runs = {hold: torch.tensor([*access(machine, hold[0]), *[hold[1]] * settings.repeats]) for hold in kept}
        states, remembered = {}, []
        for hold, string in runs.items():
            labels, found = reader.states(string[None])
            states[hold] = found[0, -settings.repeats :]
            remembered.append(int(labels[0, -1]) == machine.labels[hold[0]])
        values = {
            "largest eigenvalue": NONE,
            "largest derivative": NONE,
            "runs remembered": sum(remembered) / len(remembered),
            "apart": _apart(machine, states),
        }
        if not network.spikes:
            slopes = [derivative(reader, string, hold[1]) for hold, string in runs.items()]
            values["largest eigenvalue"] = max(float(torch.linalg.eigvals(slope).abs().max()) for slope in slopes)
            values["largest derivative"] = max(float(slope.abs().max()) for slope in slopes)
        return Found(values, (portrait(machine, states, task),))


def holds(machine: Machine) -> list[Hold]:
    """All states with a label and symbols that leave them unchanged."""
    return [
        (state, symbol)
        for state, row in enumerate(machine.leads)
        for symbol, to in enumerate(row)
        if to == state and machine.labels[state] is not None
    ]


def access(machine: Machine, state: int) -> list[int]:
    """The shortest string that leads to `state`."""
    strings: dict[int, list[int]] = {0: []}
    order = [0]
    for reached in order:  # grows while it is read
        for symbol, to in enumerate(machine.leads[reached]):
            if to is not None and to not in strings:
                strings[to] = [*strings[reached], symbol]
                order.append(to)
    return strings[state]


def derivative(reader: Reader, string: Tensor, symbol: int) -> Tensor:
    """The derivative [N, N] of the state after a frame of `symbol` with respect to the state before it, after `string`."""
    step, start = flat_step(reader.network)

    def frame(flat: Tensor, number: int) -> Tensor:
        for x in reader.frame(number):
            flat = step(flat, x)
        return flat

    state = start(1)
    with torch.no_grad():
        for known in string.tolist():
            state = frame(state, known)
    return jacobians(lambda flat, _: frame(flat, symbol), state, state)[0]


def _apart(machine: Machine, states: dict[Hold, Tensor]) -> float:
    moves = max(float((found[-1] - found[-2]).norm()) for found in states.values())
    gaps = [
        float((states[a][-1] - states[b][-1]).norm())
        for a in states for b in states
        if machine.labels[a[0]] != machine.labels[b[0]]
    ]  # fmt: skip
    return min(gaps) / max(moves, 1e-6) if gaps else NONE


def portrait(machine: Machine, states: dict[Hold, Tensor], task: Task) -> Points:
    """The states of all runs in the plane of their two principal components."""
    everything = torch.cat(list(states.values())).double()
    centre = everything.mean(0)
    _, _, directions = torch.linalg.svd(everything - centre, full_matrices=False)
    plane = {hold: (found.double() - centre) @ directions[:2].T for hold, found in states.items()}
    named = {f"{_name(machine, hold[0])}, reads {machine.symbols[hold[1]]}": found for hold, found in plane.items()}
    return Points(
        title=f"Attractive sets ({task.name})",
        about="The network's state after each frame while it repeatedly reads one symbol that does not change what it must "
        "remember, in the plane of its two principal components. Each line is a run; the point is its end.",
        x_label="first principal component",
        y_label="second principal component",
        groups={name: series(found[-1:, 0], found[-1:, 1]) for name, found in named.items()},
        paths={name: series(found[:, 0], found[:, 1]) for name, found in named.items()},
    )


def _name(machine: Machine, state: int) -> str:
    label = machine.label_text(machine.labels[state])
    return {"yes": "in the language", "no": "not in it"}[label] if machine.accepts else f"state {state}, shows {label}"
