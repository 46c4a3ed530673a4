"""Decides which variables of a network are updated in every step and which are decayed when read; checks names."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, PoissonTrain, SpikeTrain
from neurorec.engines.plastic.language import (
    Assignment,
    Equations,
    check_names,
    linear_in,
    names_in,
    parse_equations,
    parse_expression,
    parse_statements,
    refuse,
)  # fmt: skip


@dataclass(frozen=True)
class PopulationPlan:
    key: str  #: prefix of its arrays in the generated code: p0, p1, ...
    population: EventPopulation
    equations: Equations
    condition: ast.expr | None  #: of the threshold; None if spikes are given or drawn
    reset: list[Assignment]
    after: list[Assignment]
    lazy: Mapping[str, float]  #: variable: its factor per step
    exact: np.ndarray | None  #: [variables, 1 + variables]: offset and coefficients of one exact step

    @property
    def moving(self) -> tuple[str, ...]:
        return tuple(name for name in self.equations.slopes if name not in self.lazy)


@dataclass(frozen=True)
class ProjectionPlan:
    key: str
    projection: EventProjection
    source: PopulationPlan
    target: PopulationPlan
    on_pre: list[Assignment]
    on_post: list[Assignment]
    on_reward: list[Assignment]
    state: Mapping[str, float]  #: the synapse's own variables and their decay factors per step

    @property
    def full(self) -> bool:
        return self.projection.pre is None


@dataclass(frozen=True)
class NetworkPlan:
    network: EventNetwork
    populations: dict[str, PopulationPlan]
    projections: dict[str, ProjectionPlan]


def plan_network(network: EventNetwork) -> NetworkPlan:
    """Parse all equations.

    Raises
    ------
    CannotRun
        For anything outside the language of the compiled engine, or an undefined name.
    """
    equations = {name: parse_equations(p.equations, name) for name, p in network.populations.items()}
    rules = {
        name: [parse_statements(text, name) for text in (p.on_pre, p.on_post, p.on_reward)]
        for name, p in network.projections.items()
    }
    populations = {
        name: _population(network, f"p{k}", name, equations[name], _read_by_matrices(network, name, rules))
        for k, name in enumerate(network.populations)
    }
    projections = {
        name: _projection(network, f"s{k}", name, populations, rules[name])
        for k, name in enumerate(network.projections)
    }
    return NetworkPlan(network, populations, projections)


def decay_factor(network: EventNetwork, name: str, equations: Equations, method: str) -> float | None:
    """The factor per step of a variable that only decays, or None."""
    found = linear_in(equations.slopes[name], [name], network.constants)
    if found is None or found[0] != 0 or name in equations.held:
        return None
    rate = found[1] * network.dt_ms
    return float(np.exp(rate)) if method == "exact" else 1 + rate


def _read_by_matrices(network: EventNetwork, name: str, rules: Mapping[str, list[list[Assignment]]]) -> set[str]:
    """Variables read by full matrices; they are updated in every step, so that rows need no table look-ups."""
    found = set()
    for key, projection in network.projections.items():
        if projection.pre is None:
            names = {n for part in rules[key] for a in part for n in (a.name, *names_in(a.value))}
            for end, suffix in ((projection.source, "_pre"), (projection.target, "_post")):
                found |= {n.removesuffix(suffix) for n in names if end == name and n.endswith(suffix)}
    return found


def _population(network: EventNetwork, key: str, name: str, equations: Equations, busy: set[str]) -> PopulationPlan:
    population, known = network.populations[name], {*equations.variables, *network.constants}
    fires = population.fires
    condition = parse_expression(fires, name) if isinstance(fires, str) else None
    reset, after = parse_statements(population.reset, name), parse_statements(population.after, name)
    for expression in (
        *equations.slopes.values(),
        *([condition] if condition else []),
        *(a.value for a in reset + after),
    ):
        check_names(expression, known, name)
    for assignment in reset + after:
        if assignment.name not in equations.variables:
            raise refuse(name, f'it sets "{assignment.name}", which is not a variable of these neurons')
    for variable in sorted({*equations.variables} & {*network.constants}):
        raise InputError(
            f'population {name}: "{variable}" is both a variable and one of the network\'s numbers; rename one'
        )
    for variable in (*population.start, *population.at_sample):
        if variable not in equations.variables:
            raise InputError(
                f'population {name}: start or at_sample names "{variable}", which is not one of its variables'
            )
    if population.method not in ("euler", "exact"):
        raise InputError(f'population {name}: method "{population.method}" is neither "euler" nor "exact"')
    _check_source(network, name, population)
    busy = busy.union(*(names_in(slope) - {variable} for variable, slope in equations.slopes.items()))
    busy |= names_in(condition) if condition else set()
    busy |= {drive.onto for drive in population.drives}
    lazy = {v: decay_factor(network, v, equations, population.method) for v in equations.slopes if v not in busy}
    lazy = {v: factor for v, factor in lazy.items() if factor is not None}
    moving = [v for v in equations.slopes if v not in lazy]
    exact = exact_step(network, name, equations, moving) if population.method == "exact" and moving else None
    return PopulationPlan(key, population, equations, condition, reset, after, lazy, exact)


def _check_source(network: EventNetwork, name: str, population: EventPopulation) -> None:
    fires = population.fires
    if isinstance(fires, SpikeTrain):
        check_train(name, fires, population.size)
    if isinstance(fires, PoissonTrain) and not np.all(np.asarray(fires.rates_Hz) >= 0):
        raise InputError(f"population {name}: rates_Hz must not be negative or NaN")
    if not isinstance(fires, str) and population.refractory_ms:
        raise CannotRun(f"engine plastic cannot run {name}: its spikes are given, so refractory_ms must be 0")


def check_train(name: str, train: SpikeTrain, size: int) -> None:
    """Raises `InputError` for spikes out of order, or of neurons that the population does not have."""
    if not len(train.steps):
        return
    if (np.diff(train.steps) < 0).any():
        raise InputError(f"population {name}: the steps of its spike train must be in ascending order; sort them")
    if np.min(train.neurons) < 0 or np.max(train.neurons) >= size:
        raise InputError(f"population {name}: its spike train contains a neuron outside 0 to {size - 1}")


def exact_step(network: EventNetwork, name: str, equations: Equations, moving: list[str]) -> np.ndarray:
    """One exact step of a linear system: [variables, 1 + variables]."""
    from scipy.linalg import expm

    rows = [linear_in(equations.slopes[v], moving, network.constants) for v in moving]
    if any(row is None for row in rows):
        raise refuse(name, 'method "exact" needs equations linear in their variables, with constant coefficients')
    size = 1 + len(moving)
    system = np.zeros((size, size))
    system[1:] = rows
    for j, v in enumerate(moving, start=1):
        if v in equations.held and any(system[k, j] for k in range(1, size) if k != j):
            raise refuse(
                name, f'method "exact" cannot hold "{v}" while refractory, because other variables depend on it'
            )
    return expm(system * network.dt_ms)[1:]


def _projection(
    network: EventNetwork, key: str, name: str, populations: dict[str, PopulationPlan], rules: list[list[Assignment]]
) -> ProjectionPlan:
    projection = network.projections[name]
    source, target = populations[projection.source], populations[projection.target]
    own = parse_equations(projection.state, name)
    state = {v: decay_factor(network, v, own, "euler") for v in own.slopes}
    for variable, factor in state.items():
        if factor is None:
            raise refuse(name, f'"{variable}" of its synapses does not simply decay, as in "dc/dt = -c / tau_c : 1"')
    if own.parameters:
        raise refuse(name, f'"{own.parameters[0]}" of its synapses has no equation')
    mine = {"w", *state}
    pre, post = {f"{v}_pre" for v in source.equations.variables}, {f"{v}_post" for v in target.equations.variables}
    allowed = (mine | pre | post, mine | pre | post, mine | {"reward"})
    changeable = (mine | post, mine, mine)
    for part, names, targets in zip(rules, allowed, changeable, strict=True):
        for assignment in part:
            check_names(assignment.value, names | set(network.constants), name)
            if assignment.name not in targets:
                raise refuse(name, f'it sets "{assignment.name}", but may only set {", ".join(sorted(targets))}')
    _check_delay(network, name, projection)
    on_pre, on_post, on_reward = rules
    decays = {v: factor for v, factor in state.items() if factor is not None}
    return ProjectionPlan(key, projection, source, target, on_pre, on_post, on_reward, decays)


def _check_delay(network: EventNetwork, name: str, projection: EventProjection) -> None:
    delays = np.asarray(projection.delay_ms) / network.dt_ms
    if delays.size and (delays.min() < 0 or np.abs(delays - np.rint(delays)).max() > 1e-6):
        raise InputError(f"projection {name}: delay_ms must be a non-negative multiple of dt_ms {network.dt_ms:g}")
    if projection.pre is None and np.ndim(projection.delay_ms):
        raise refuse(name, "a full matrix takes a single delay; give pre and post if delays differ")
