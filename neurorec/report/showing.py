"""`neurorec show`: everything known about one item."""

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

import neurorec.analysis
import neurorec.engines
import neurorec.training  # noqa: F401  (these three register every member)
from neurorec.analysis.analysis import RunAnalysis, analyses
from neurorec.basics.capabilities import UNDECLARED
from neurorec.basics.cards import PACKAGE, card_names, find_card, read_toml
from neurorec.basics.citations import bibtex, cite, is_cited
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.registry import Registry
from neurorec.experiments.findings import read_findings
from neurorec.experiments.kinds import load_any_study
from neurorec.hardware.chips.chip import load_chip, needs_of_cell, needs_of_model
from neurorec.hardware.chips.link import LINKS, load_link
from neurorec.hardware.export import exporters
from neurorec.learning.rule import OBJECTIONS, STANCES, TAUGHT, Judgement, rules
from neurorec.models.cell import cells
from neurorec.models.energy.model import energy_models
from neurorec.models.network import Network
from neurorec.report.catalogue import KINDS, engine_modules
from neurorec.report.findings_table import findings_table, provenance, rounding_lines
from neurorec.report.layers_shown import heard_by, in_runs
from neurorec.report.ledger import RESULTS
from neurorec.report.terminal import print_table
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.data_files import data_set_of
from neurorec.tasks.encoders import encoders
from neurorec.tasks.objective import Objective, objectives
from neurorec.tasks.task import load_task, tasks
from neurorec.training import load_pair

NOT_DECLARED = "not declared"


def print_member(name: str) -> None:
    """Print equations, parameters with units, sources and code path of one named item."""
    console = Console(highlight=False)
    if name.endswith(".toml"):
        _show_path(console, Path(name))
        return
    shows: dict[str, Callable[[Console, str], None]] = {
        "pairs": _show_pair, "chips": _show_card("hardware"), "links": _show_card(LINKS), "studies": _show_study,
        "tasks": _show_task, "environments": _show_task, "objectives": _show_objective, "rules": _show_rule,
        "engines": _show_code(engine_modules(), "an engine"), "cells": _show_model(cells, "a cell"),
        "energy_models": _show_model(energy_models, "an energy model"), "encoders": _show_code(encoders, "an encoder"),
        "exporters": _show_code(exporters, "an exporter"), "analyses": _show_analysis,
    }  # fmt: skip
    members = {kind: lister() for kind, lister in KINDS.items()}
    found = [kind for kind in KINDS if name in members[kind]]
    if not found and is_cited(name):
        _say(console, f"{name}: {cite(name)}\n\n{bibtex([name])}")
        return
    if not found:
        known = [member for kind in members.values() for member in kind]
        raise InputError(f'nothing is called "{name}"{did_you_mean(name, known)}; `neurorec list` prints every name')
    for kind in found:
        shows[kind](console, name)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _show_path(console: Console, path: Path) -> None:
    """A user's card: a pair or a study is shown like those of the catalogue, any other card as its file."""
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
        if isinstance(model, Network):
            _say(console, "  " + "; ".join(heard_by(model)))
        for part, card in in_runs({**half.architecture.cards, "encoder": half.encoder.card}):
            settings = ", ".join(f"{key} = {value}" for key, value in card.model_dump(exclude_none=True).items())
            _say(console, f"  {part}: {settings}")
        for training in half.trainings:
            _say(console, f"  trained by {training.rule} on {training.task}, {_many(training.epochs, 'epoch')}")
        chips = {chip: load_chip(chip) for chip in card_names("hardware")}
        able = [chip for chip, card in chips.items() if card.refusal(needs_of_model(model)) is None]
        _say(console, "  chips that can run it: " + (", ".join(able) or "none"))
    for half, reason in (("rate", pair.card.no_rate_half), ("spiking", pair.card.no_spiking_half)):
        if reason is not None:
            _say(console, f"\nno {half} half: {reason}")
    _say(console, "\nmatched:")
    for key, value in pair.card.matched.model_dump().items():
        _say(console, f"  {key.replace('_', ' ')}: {value}")
    _cite(console, pair.card.sources)


def _parts_of(model: Any) -> list[Any]:
    """The hidden layers of a network, or an energy model."""
    return list(model.hidden.values()) if isinstance(model, Network) else [model]


def _show_model(registry: Registry[Any], what: str) -> Callable[[Console, str], None]:
    def show(console: Console, name: str) -> None:
        member = registry[name]
        equations = member.equations.replace("\n", "\n  ")
        _say(console, f"{name}: {member.title}, {what}\n  code: {_code_path(member)}\n  {equations}")
        _say(console, f"  requires of a chip: {', '.join(sorted(needs_of_cell(member)))}")
        _say(console, "  card keys: " + ", ".join(member.Card.model_fields))
        _cite(console, member.sources)

    return show


def _show_rule(console: Console, name: str) -> None:
    rule = rules[name]
    equations = rule.equations.replace("\n", "\n  ")
    _say(console, f"{name}: {rule.title}, a learning rule\n  code: {_code_path(rule)}\n  {equations}")
    _say(
        console,
        f"  learns from {TAUGHT[rule.signal]}; a weight's change depends on: {', '.join(rule.sees) or NOT_DECLARED}"
        f"{f' ({rule.reaches})' if rule.reaches else ''}",
    )
    needs = ", ".join(sorted(rule.needs - {UNDECLARED})) or NOT_DECLARED
    messages = rule.messages.why if rule.messages else NOT_DECLARED
    _say(console, f"  requires of a chip: {needs}\n  messages between parts of one network: {messages}")
    _say(console, "  card keys: " + ", ".join(rule.Card.model_fields))
    for cell, judgements in _judged(name).items():
        _say(console, f"  the six objections to backpropagation, on {cell}:")
        for objection, judgement in zip(OBJECTIONS, judgements, strict=True):
            _say(console, f"    {STANCES[judgement.stance]}: {objection} ({judgement.why})")
    _cite(console, rule.sources)


def _judged(rule: str) -> dict[str, tuple[Judgement, ...]]:
    """The rule's judgements on each cell that a pair card trains by it."""
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
    """The question, its card, and published findings."""
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
    for analysis in settings.pop("analysis", []):
        asked = ", ".join(f"{key} = {value}" for key, value in analysis.items() if key != "name" and value)
        _say(console, f'  analysis "{analysis["name"]}": {asked}')
    for key, value in settings.items():
        if value or value == 0:
            _say(console, f"  {key} = {value}")
    _cite(console, study.sources())


def _show_code(registry: Any, what: str) -> Callable[[Console, str], None]:
    def show(console: Console, name: str) -> None:
        _say(console, f"{name}: {what}\n  code: {_code_path(registry[name])}\n{_documented(registry[name])}")

    return show


def _show_analysis(console: Console, name: str) -> None:
    member = analyses[name]
    subject = "an analysis of trained networks" if issubclass(member, RunAnalysis) else "an analysis"
    _say(console, f"{name}: {subject}\n  {member.about}\n  code: {_code_path(member)}\n{_documented(member)}")
    for key, value in member.gives.items():
        best = {None: "", True: "; higher is better", False: "; lower is better"}[value.higher_is_better]
        _say(console, f"  gives {key}{f' ({value.unit})' if value.unit else ''}: {value.about}{best}")
    _say(console, "  settings: " + ", ".join(member.Settings.model_fields))
    example = ", ".join(f"{key} = {value}" for key, value in member.example.items())
    _say(console, f"  for example: {example}")
    _cite(console, member.sources)


def _show_task(console: Console, name: str) -> None:
    what = "an environment" if name in KINDS["environments"]() else "a task"
    _show_code(tasks, what)(console, name)
    if (declared := data_set_of(name)) is not None:
        for file in declared.files:
            _say(console, f"  data: {file.path} ({file.size:,} bytes), from {file.origin}; licence: {file.licence}")
        if (reason := declared.missing()) is not None:
            _say(console, f"  {declared.inputs} inputs, {declared.outputs} outputs\n  {reason}")
            _cite(console, declared.sources)
            return
    task = load_task(name, seed=0)
    if isinstance(task, ArrayTask):
        parts = ", ".join(f"{len(samples)} {split}" for split, samples in task.splits.items())
        frames = f"{_many(task.x.shape[0], 'frame')} of {_many(task.inputs, 'value')}"
        _say(console, f"  x [T, B, I]: {frames}; samples: {parts} (seed 0)")
    _say(console, f"  {_many(task.inputs, 'input')}, {_many(task.outputs, 'output')}; {_metric(task.objective)}")
    for baseline, scores in task.baselines().items():
        _say(console, f"  {baseline}: {scores['test']:.3f} on test")
    _cite(console, task.sources)


def _show_objective(console: Console, name: str) -> None:
    _show_code(objectives, "an objective")(console, name)
    objective = objectives[name]
    _say(console, f"  {_metric(objective)}; learned from: {', '.join(TAUGHT[signal] for signal in objective.offers)}")


def _metric(objective: Objective | type[Objective]) -> str:
    unit = f" ({objective.unit})" if objective.unit else ""
    return f"metric: {objective.metric}{unit}, {'higher' if objective.higher_is_better else 'lower'} is better"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _documented(member: Any) -> str:
    """The docstring, all lines indented alike."""
    return textwrap.indent(inspect.getdoc(member) or "", "  ")


def _code_path(member: Any) -> str:
    path = Path(inspect.getsourcefile(member) or "")
    shown = path.relative_to(PACKAGE.parent) if path.is_relative_to(PACKAGE) else path
    return f"{shown}:{inspect.getsourcelines(member)[1]}"


def _cite(console: Console, keys: Any) -> None:
    _say(console, "sources:" if keys else "sources: none; defined here")
    for key in keys:
        _say(console, f"  {key}: {cite(key)}" if is_cited(key) else f"  {key}")
