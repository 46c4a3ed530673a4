"""Operations of a rule of events, counted from its equations, so that a rule is priced by what it states."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurorec.basics.counts import Counts
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_network import variables_of
from neurorec.engines.plastic.language import Assignment, names_in, parse_equations, parse_statements

CLIP, DECAY = 2, 1  #: two comparisons; a product with the exponential of the elapsed time


def arithmetic(expression: ast.expr) -> Counts:
    """Additions, multiplications and comparisons; powers, exponentials, roots and logarithms are nonlinearities."""
    elementwise = nonlinearities = 0
    for node in ast.walk(expression):
        if isinstance(node, ast.BinOp):
            curved = isinstance(node.op, ast.Pow)
            elementwise, nonlinearities = elementwise + (not curved), nonlinearities + curved
        elif isinstance(node, ast.Compare):
            elementwise += len(node.ops)
        elif isinstance(node, ast.BoolOp):
            elementwise += len(node.values) - 1
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            cheap = {"clip": CLIP, "abs": 1}.get(node.func.id, 0)
            elementwise, nonlinearities = elementwise + cheap, nonlinearities + (not cheap)
    return Counts(elementwise=elementwise, nonlinearities=nonlinearities)


@dataclass(frozen=True)
class EventCosts:
    """What the equations of a rule cost: per spike at an end of a synapse, for that end and for the synapse, and per step.

    A trace that only decays is brought up to date at the spikes that change it: an exponential of the elapsed time and a
    product. A variable that follows another, such as a filtered membrane potential, is updated in every step.
    """

    line_spike: Counts  #: of the line's own traces
    neuron_spike: Counts  #: of the neuron's own traces
    on_pre: Counts  #: of one synapse
    on_post: Counts
    on_reward: Counts
    line_step: Counts
    neuron_step: Counts
    per_line: int  #: numbers kept
    per_neuron: int
    per_synapse: int


def event_costs(rule: EventEquations) -> EventCosts:
    """Raises `CannotRun` for equations outside the language of the compiled engine."""
    lines, neurons = _following(rule, rule.input_state), _following(rule, rule.neuron_state)
    own = variables_of(rule.synapse_state)
    return EventCosts(
        line_spike=_at_spike(rule.at_input_spike, lines),
        neuron_spike=_at_spike(f"{rule.at_neuron_spike}\n{rule.after_neuron_spike}", neurons),
        on_pre=_of_synapse(rule.on_pre, own),
        on_post=_of_synapse(rule.on_post, own),
        on_reward=_of_synapse(rule.on_reward, own),
        line_step=_total(lines.values()),
        neuron_step=_total(neurons.values()),
        per_line=len(variables_of(rule.input_state)),
        per_neuron=len(variables_of(rule.neuron_state)),
        per_synapse=len(own),
    )


def _total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())


def _following(rule: EventEquations, text: str) -> dict[str, Counts]:
    """Cost per step of the variables whose equations read other variables; forward Euler adds a product and a sum."""
    constants = {*rule.times_ms, *rule.numbers}
    return {
        name: arithmetic(slope) + Counts(elementwise=2, trace_reads=1, trace_writes=1)
        for name, slope in parse_equations(text, "the rule").slopes.items()
        if names_in(slope) - constants - {name}
    }


def _at_spike(text: str, following: Mapping[str, Counts]) -> Counts:
    total = Counts()
    for line in _statements(text):
        total += arithmetic(line.value) + Counts(trace_writes=1, trace_updates=1)
        if line.name in names_in(line.value):
            decays = line.name not in following
            total += Counts(trace_reads=1, elementwise=DECAY * decays, nonlinearities=int(decays))
    return total


def _of_synapse(text: str, own: Iterable[str]) -> Counts:
    total = Counts()
    for line in _statements(text):
        read = names_in(line.value)
        mine = read & {*own}
        ends = {name for name in read if name.endswith(("_pre", "_post"))}
        changes_weight = line.name == "w"
        total += arithmetic(line.value) + Counts(
            weight_reads=int("w" in read), weight_writes=int(changes_weight), plasticity_updates=int(changes_weight),
            trace_reads=len(ends) + len(mine), trace_writes=int(not changes_weight), trace_updates=int(not changes_weight),
            elementwise=DECAY * len(mine), nonlinearities=len(mine),
        )  # fmt: skip
    return total


def _statements(text: str) -> list[Assignment]:
    return parse_statements(text, "the rule")
