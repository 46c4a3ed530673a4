"""Which convention reproduces a recording of another simulator: a small search in a fixed order, without chance.

First every simulator's convention by name, then the options asked for, then all combinations of the options that matter to this
graph, fewest changes from the defaults first. The first combination without a difference ends the search.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.conventions import CONVENTIONS, OF_THE_FILE
from neurorec.engines.nir_graph.nir_options import CHOICES, NirOptions
from neurorec.engines.nir_graph.reading import SPIKING, NirGraph
from neurorec.engines.on_nir import run_nir

SHARES = (16, 4, 1)  #: a candidate runs on 1/16 of the steps first; only the best so far need all of them
CLOSE = 1e-5  #: of the largest recorded number: how far values (not spikes) may be apart, as single precision rounds


@dataclass(frozen=True)
class Tried:
    name: str  #: "norse", or the settings as on the command line
    options: NirOptions
    differing: int


@dataclass(frozen=True)
class SearchResult:
    """What the search found. `named`: the options asked for and every convention by name, each run to the end."""

    entries: int
    named: tuple[Tried, ...]
    best: Tried  #: fewest differences, the earliest of several
    tried: int  #: number of combinations


def search(graph: NirGraph, x: Any, recording: Any, start: NirOptions, fixed: Mapping[str, object]) -> SearchResult:
    """Compare `graph`'s output on x [T, ...] with `recording` [T, ...] under conventions; `fixed`: options not to vary.

    Raises
    ------
    InputError
        If the recording does not have the shape of the output.
    """
    x = torch.as_tensor(x)
    recorded = _fitted(graph, recording, run_nir(graph, x[:1], start).output, len(x))
    named: list[Tried] = []
    for name, options in _by_name(start, fixed):
        named.append(Tried(name, options, _differing(graph, x, recorded, options, recorded.numel() + 1)))
    best, tried = min(named, key=lambda one: one.differing), len(named)
    for options in _combinations(graph, start, fixed) if best.differing else ():
        tried += 1
        differing = _differing(graph, x, recorded, options, best.differing)
        if differing < best.differing:
            best = Tried(" ".join(f"{key}={value}" for key, value in _changes(options).items()), options, differing)
        if not best.differing:
            break
    return SearchResult(recorded.numel(), tuple(named), best, tried)


def _fitted(graph: NirGraph, recording: Any, one_step: Tensor, steps: int) -> Tensor:
    recorded = torch.as_tensor(recording)
    shape = (steps, *one_step.shape[1:])
    if not len(recorded.shape) or len(recorded) != steps or recorded.numel() != torch.Size(shape).numel():
        raise InputError(
            f"{graph.where}: the recording to compare has shape {list(recorded.shape)}, but the graph's output on this input "
            f"has {list(shape)} (steps, samples, neurons); record the output of the whole graph for the same input"
        )
    return recorded.reshape(shape)


def _by_name(start: NirOptions, fixed: Mapping[str, object]) -> Iterator[tuple[str, NirOptions]]:
    for name, convention in CONVENTIONS.items():
        open_ = {key: value for key, value in convention.options.items() if key not in OF_THE_FILE}
        with_fixed = _possible({**asdict(start), **open_, **fixed})
        if with_fixed is not None:
            yield name, with_fixed
    yield "as asked", start


def _possible(options: dict[str, Any]) -> NirOptions | None:
    try:
        return NirOptions(**options)
    except InputError:  # two options that exclude each other
        return None


def _combinations(graph: NirGraph, start: NirOptions, fixed: Mapping[str, object]) -> list[NirOptions]:
    """All combinations of the options that matter to `graph`, fewest changes from the defaults first."""
    plain = replace(NirOptions(dt_s=start.dt_s), time_unit=start.time_unit, precision=start.precision)
    axes = {name: values for name, values in _axes(graph).items() if name not in fixed}
    found = []
    for values in product(*axes.values()):
        options = _possible({**asdict(plain), **fixed, **dict(zip(axes, values, strict=True))})
        if options is not None:
            found.append(options)
    return sorted(found, key=lambda options: len(_changes(options)))  # stable: then in the order of the options


def _axes(graph: NirGraph) -> dict[str, tuple[Any, ...]]:
    """Options that can change this graph's output, and their values."""
    leaky, bounded = graph.of_kind("LI", "LIF", "CubaLI", "CubaLIF"), graph.of_kind("IF", "LIF", "CubaLIF")
    fires, integrates, both = bool(bounded), graph.of_kind("I", "IF"), (False, True)
    feeds_back = any(back for arrivals in graph.arrivals.values() for _, back in arrivals)
    bounds = {"if"} if graph.of_kind("IF") else set()
    bounds |= {"all"} if graph.of_kind("LIF", "CubaLIF") else set()
    matter: dict[str, tuple[bool, tuple[Any, ...]]] = {
        "integrator": (bool(leaky), CHOICES["integrator"]),
        "synapse_order": (bool(graph.of_kind("CubaLI", "CubaLIF")), CHOICES["synapse_order"]),
        "reset": (fires, CHOICES["reset"]),
        "several_spikes": (fires, both),
        "lower_bound": (fires, ("none", *sorted(bounds))),
        "if_gain": (bool(integrates), CHOICES["if_gain"]),
        "recurrent_bias_at_start": (feeds_back and bool(graph.of_kind("Affine", "Conv1d", "Conv2d")), (True, False)),
        "layers_delayed": (bool(graph.of_kind(*SPIKING)) and bool(graph.edges_to_next_layers()), both),
        "output_delayed": (True, both),
        "arithmetic": (bool(leaky), CHOICES["arithmetic"]),
    }
    return {name: values for name, (matters, values) in matter.items() if matters}


def _changes(options: NirOptions) -> dict[str, object]:
    plain = asdict(NirOptions(dt_s=options.dt_s))
    return {name: value for name, value in asdict(options).items() if value != plain[name] and name not in OF_THE_FILE}


def _differing(graph: NirGraph, x: Tensor, recorded: Tensor, options: NirOptions, enough: int) -> int:
    """Entries that differ; at least `enough` as soon as so many do, since more steps cannot make them fewer."""
    limit = 0.0 if torch.equal(recorded, recorded.round()) else CLOSE * float(recorded.abs().max())
    differing = 0
    for share in SHARES:
        steps = max(1, len(x) // share)
        try:
            output = run_nir(graph, x[:steps], options).output
        except InputError:  # options that this graph's numbers exclude
            return recorded.numel() + 1
        distance = (output.double() - recorded[:steps].double()).abs()
        differing = int((~(distance <= limit)).sum())  # NaN differs
        if differing >= enough:
            break
    return differing
