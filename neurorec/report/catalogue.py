"""`neurorec list` and `neurorec show`: what there is, and everything known about one thing."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import neurorec.engines
import neurorec.training  # noqa: F401  (these two register every member)
from neurorec.basics.cards import PACKAGE, card_names, find_card, read_toml
from neurorec.basics.citations import cite, is_cited
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines import on_nir
from neurorec.engines.engine import engines
from neurorec.engines.event_engine import event_engines
from neurorec.experiments.findings import read_findings
from neurorec.experiments.kinds import load_any_study
from neurorec.hardware.chips.chip import load_chip, needs_of_network
from neurorec.hardware.chips.link import LINKS, link_names, load_link
from neurorec.hardware.export import exporters
from neurorec.learning.rule import OBJECTIONS, Judgement, rules
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.report.findings import findings_table, provenance, rounding_lines
from neurorec.report.ledger import RESULTS
from neurorec.report.terminal import print_table
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.encoders import encoders
from neurorec.tasks.task import load_task, tasks
from neurorec.training import load_pair

#: kind -> name -> one line about it
KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "pairs": lambda: {name: _card("models", name) for name in card_names("models")},
    "chips": lambda: {name: _card("hardware", name) for name in card_names("hardware")},
    "links": lambda: {name: _card(LINKS, name) for name in link_names()},
    "studies": lambda: {name: _card("experiments", name) for name in card_names("experiments")},
    "tasks": lambda: {name: _first_line(tasks[name]) for name in tasks},
    "rules": lambda: {name: f"{rules[name].title} ({', '.join(rules[name].sources)})" for name in rules},
    "engines": lambda: {name: _first_line(module) for name, module in _engine_modules().items()},
    "cells": lambda: {name: f"{cells[name].title} ({', '.join(cells[name].sources)})" for name in cells},
    "encoders": lambda: {name: encoders[name].about for name in encoders},
    "exporters": lambda: {name: _first_line(exporters[name]) for name in exporters},
}


def _engine_modules() -> dict[str, Any]:
    """Engines that step cells, those that run event networks, and the one that runs NIR graphs."""
    members = {name: engines[name] for name in engines} | {name: event_engines[name] for name in event_engines}
    return {name: inspect.getmodule(member) for name, member in members.items()} | {"nir": on_nir}


def _card(folder: str, name: str) -> str:
    return str(read_toml(find_card(folder, name)).get("about", ""))


def _first_line(member: Any) -> str:
    return (inspect.getdoc(member) or "").split("\n")[0]


def print_catalogue(kind: str) -> None:
    """Every kind, or the members of one."""
    if kind and kind not in KINDS:
        raise InputError(f'there is no kind "{kind}"{did_you_mean(kind, KINDS)}; kinds: {", ".join(KINDS)}')
    console = Console()
    for each in [kind] if kind else KINDS:
        table = Table(title=each, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, about in KINDS[each]().items():
            table.add_row(name, about)
        console.print(table)
        console.print()


def print_member(name: str) -> None:
    """Equations, parameters with units, sources and code path of one named thing."""
    console = Console(highlight=False)
    if name.endswith(".toml"):
        _show_path(console, Path(name))
        return
    shows: dict[str, Callable[[Console, str], None]] = {
        "pairs": _show_pair, "chips": _show_card("hardware"), "studies": _show_study, "cells": _show_cell,
        "links": _show_card(LINKS),
        "rules": _show_rule, "tasks": _show_task, "engines": _show_code(_engine_modules()),
        "encoders": _show_code(encoders), "exporters": _show_code(exporters),
    }  # fmt: skip
    members = {kind: lister() for kind, lister in KINDS.items()}
    found = [kind for kind in KINDS if name in members[kind]]
    if not found:
        known = [member for kind in members.values() for member in kind]
        raise InputError(f'nothing is called "{name}"{did_you_mean(name, known)}; `neurorec list` prints every name')
    for kind in found:
        shows[kind](console, name)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _show_path(console: Console, path: Path) -> None:
    """A card of the user's own: a pair or a study as those of the catalogue are, any other as it stands in its file."""
    keys = set(read_toml(path))
    if {"rate", "spiking"} & keys:
        _show_pair(console, str(path))
    elif "question" in keys:
        _show_study(console, str(path))
    else:
        _say(console, f"{path}\n\n{path.read_text()}")


def _show_pair(console: Console, name: str) -> None:
    pair = load_pair(name)
    _say(console, f"{name}: {pair.card.about}\n  card: {pair.path}")
    for half in pair.halves:
        _say(console, f"\n{half.half} half: {half.architecture.title}")
        model = half.build(1, 1, torch.Generator().manual_seed(0))
        for kind in dict.fromkeys(map(type, _parts_of(model))):
            _say(console, f"  code: {_code_path(kind)}")
            _say(console, "  " + kind.equations.replace("\n", "\n  "))
        for part, card in {**half.architecture.cards, "encoder": half.encoder.card}.items():
            settings = ", ".join(f"{key} = {value}" for key, value in card.model_dump().items())
            _say(console, f"  {part}: {settings}")
        for training in half.trainings:
            _say(console, f"  trained by {training.rule} on {training.task}, {training.epochs} epochs")
        chips = {chip: load_chip(chip) for chip in card_names("hardware")} if isinstance(model, Network) else {}
        able = [chip for chip, card in chips.items() if card.refusal(needs_of_network(model)) is None]
        _say(console, "  chips that run it: " + (", ".join(able) or "none"))
    _say(console, "\nmatched:")
    for key, value in pair.card.matched.model_dump().items():
        _say(console, f"  {key.replace('_', ' ')}: {value}")
    _cite(console, pair.card.sources)


def _parts_of(model: Any) -> list[Any]:
    """The layers that compute: those of a network before its readout, or an energy model itself."""
    return list(model.hidden.values()) if isinstance(model, Network) else [model]


def _show_cell(console: Console, name: str) -> None:
    cell = cells[name]
    _say(
        console,
        f"{name}: {cell.title}, a cell\n  code: {_code_path(cell)}\n  {cell.equations.replace(chr(10), chr(10) + '  ')}",
    )
    _say(console, "  card keys: " + ", ".join(cell.Card.model_fields))
    _cite(console, cell.sources)


def _show_rule(console: Console, name: str) -> None:
    rule = rules[name]
    _say(console, f"{name}: {rule.title}, a learning rule\n  code: {_code_path(rule)}\n  {rule.equations}")
    _say(console, "  card keys: " + ", ".join(rule.Card.model_fields))
    for cell, judgements in _judged(name).items():
        _say(console, f"  the six objections to backpropagation, on {cell}:")
        for objection, judgement in zip(OBJECTIONS, judgements, strict=True):
            _say(console, f"    {judgement.stance}: {objection} ({judgement.why})")
    _cite(console, rule.sources)


def _judged(rule: str) -> dict[str, tuple[Judgement, ...]]:
    """What the rule says of itself on each cell that some pair card trains by it."""
    halves = [half for pair in card_names("models") for half in load_pair(pair).halves]
    networks = [
        half.build(1, 1, torch.Generator().manual_seed(0))
        for half in halves
        if any(training.rule == rule for training in half.trainings)
    ]
    return {network.title: rules[rule].judgements(network) for network in networks}


def _show_card(folder: str) -> Callable[[Console, str], None]:
    def show(console: Console, name: str) -> None:
        path = find_card(folder, name)
        {"hardware": load_chip, LINKS: load_link}[folder](path)
        _say(console, f"{path}\n\n{path.read_text()}")

    return show


def _show_study(console: Console, name: str) -> None:
    """The question, its card, and what is published of its answer."""
    study = load_any_study(name)
    _say(console, f"{study.name}: {study.card.question}\n  {study.card.about}\n  card: {study.path}\n")
    published = RESULTS / f"{study.name}.json"
    if published.is_file():
        found = read_findings(published)
        print_table(findings_table(found), console)
        for line in (*rounding_lines(found), *found.remarks):
            _say(console, f"  {line}")
        for fact, text in provenance(found):
            _say(console, f"  {fact}: {text}")
        _say(console, "")
    else:
        for claim in study.card.finding:
            _say(console, f"  claim: {claim.claim}")
    settings = study.card.model_dump(exclude={"finding", "remarks", "about", "question"}, exclude_none=True)
    for key, value in settings.items():
        _say(console, f"  {key} = {value}")
    _cite(console, study.sources())


def _show_code(registry: Any) -> Callable[[Console, str], None]:
    def show(console: Console, name: str) -> None:
        _say(console, f"{name}\n  code: {_code_path(registry[name])}\n  {inspect.getdoc(registry[name])}")

    return show


def _show_task(console: Console, name: str) -> None:
    _show_code(tasks)(console, name)
    task = load_task(name, seed=0)
    objective = task.objective
    metric = f"{objective.metric}{f' ({objective.unit})' if objective.unit else ''}"
    direction = "higher" if objective.higher_is_better else "lower"
    if isinstance(task, ArrayTask):
        parts = ", ".join(f"{len(samples)} {split}" for split, samples in task.splits.items())
        _say(console, f"  x [T, B, I]: {task.x.shape[0]} frames of {task.inputs} values; samples: {parts} (seed 0)")
    _say(console, f"  {task.inputs} inputs, {task.outputs} outputs; metric: {metric}, {direction} is better")
    for baseline, scores in task.baselines().items():
        _say(console, f"  {baseline}: {scores['test']:.3f} on test")
    _cite(console, task.sources)


def _code_path(member: Any) -> str:
    path = Path(inspect.getsourcefile(member) or "")
    return f"{path.relative_to(PACKAGE.parent)}:{inspect.getsourcelines(member)[1]}"


def _cite(console: Console, keys: Any) -> None:
    _say(console, "sources:" if keys else "sources: none; it is made here")
    for key in keys:
        _say(console, f"  {key}: {cite(key)}" if is_cited(key) else f"  {key}")
