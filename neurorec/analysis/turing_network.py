"""Turing machines in networks of saturated-linear units: exact in fractions, and where floating-point numbers fail."""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import AnyFigure, Curves, Found, Picture, series
from neurorec.basics.cards import Card
from neurorec.basics.errors import did_you_mean
from neurorec.basics.seeds import numpy_generator
from neurorec.models.turing.example_machines import EXAMPLE_MACHINES
from neurorec.models.turing.stack_network import stack_network
from neurorec.models.turing.turing_machine import Configuration

ARITHMETICS: dict[str, Callable[[Fraction], Any]] = {"fractions": Fraction, "float64": float, "float32": np.float32}
SHOWN_STEPS = 120


def _known(name: str) -> str:
    if name not in EXAMPLE_MACHINES:
        raise ValueError(
            f'"{name}" is not a machine{did_you_mean(name, EXAMPLE_MACHINES)}; known: {", ".join(EXAMPLE_MACHINES)}'
        )
    return name


class TuringNetworkSettings(Card):
    machine: Annotated[str, AfterValidator(_known)]
    longest: Annotated[int, Field(ge=0, le=200)]  #: tapes of every length up to this one
    tapes: Annotated[int, Field(ge=1, le=100)] = 1  #: of each length, where they are random


@analyses.register("turing_network")
class TuringNetwork(Analysis):
    """The network against the machine, after every step of the machine, in three kinds of arithmetic."""

    about = "A Turing machine in a saturated-linear network, in fractions and in floating-point numbers"
    sources = ("siegelmann1995", "wichert_rnn")
    Settings = TuringNetworkSettings
    example = {"machine": "successor", "longest": 14}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "right in fractions": Value("share of the runs in which every configuration is the machine's", higher_is_better=True),
        "right in float64": Value("the same with 53 bits", higher_is_better=True),
        "right in float32": Value("the same with 24 bits", higher_is_better=True),
        "deepest stack in float64": Value("depth of the deepest stack in a run that is right, if any run is wrong", "symbols"),
        "deepest stack in float32": Value("the same with 24 bits", "symbols"),
        "units": Value("units of the network"),
        "machine steps": Value("of all runs together"),
        "ones": Value("symbols 1 on the tape at the end of the last run"),
    }  # fmt: skip

    def run(self, settings: TuringNetworkSettings, seed: int) -> Found:
        example = EXAMPLE_MACHINES[settings.machine]
        machine, random = example.machine, numpy_generator(seed, f"tapes {settings.machine}")
        network = stack_network(machine)
        lengths, depths, right = [], [], {name: [] for name in ARITHMETICS}
        history: list[Configuration] = []
        steps = 0
        for length in range(min(1, settings.longest), settings.longest + 1):
            for _ in range(settings.tapes):
                tape = example.tape(random, length)
                history = list(machine.run(tape))
                steps += len(history) - 1
                lengths.append(length)
                depths.append(max(max(len(now.left), len(now.right)) for now in history))
                for name, arithmetic in ARITHMETICS.items():
                    seen = network.run(tape, arithmetic, steps=len(history))
                    right[name].append(list(seen) == history)
        values: dict[str, float] = {f"right in {name}": float(np.mean(each)) for name, each in right.items()}
        for name in ("float64", "float32"):
            good = [depth for depth, each in zip(depths, right[name], strict=True) if each]
            values[f"deepest stack in {name}"] = max(good) if good and len(good) < len(depths) else float("nan")
        values |= {"units": len(network.units), "machine steps": steps, "ones": history[-1].tape.count(1)}
        return Found(values, tuple(_figures(settings.machine, lengths, right, history)))


def _figures(
    name: str, lengths: list[int], right: dict[str, list[bool]], history: list[Configuration]
) -> list[AnyFigure]:
    found: list[AnyFigure] = [space_time(name, history[:SHOWN_STEPS])]
    if len(set(lengths)) > 1:
        known = sorted(set(lengths))
        lines = {
            kind: series(
                known,
                [np.mean([ok for ok, each in zip(rights, lengths, strict=True) if each == length]) for length in known],
            )
            for kind, rights in right.items()
        }
        said = "Share of the tapes of each length on which every configuration of the network is the machine's."
        found.insert(0, Curves(f"Machine “{name}” by arithmetic", said, "symbols on the tape", "share right", lines))
    return found


def space_time(name: str, history: list[Configuration]) -> Picture:
    """The tape, from top to bottom one row per step; the symbol under the head counts half a step more."""
    positions, at = [], 0
    for before, now in zip([history[0], *history], history, strict=False):
        at += 0 if now is before else 1 if _moved_right(before, now) else -1
        positions.append(at)
    ends = [(p - len(c.left), p + max(len(c.right), 1)) for p, c in zip(positions, history, strict=True)]
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    rows = np.zeros((len(history), high - low))
    for row, p, c in zip(rows, positions, history, strict=True):
        symbols = [*reversed(c.left), *c.right]
        row[p - len(c.left) - low : p - len(c.left) - low + len(symbols)] = symbols
        row[p - low] += 0.5
    said = "One row per step, from the top: the symbols on the tape, and, half a step brighter, the head."
    return Picture(f"Tape of the machine “{name}”", said, "position", "step", rows.tolist(), "symbol")


def _moved_right(before: Configuration, now: Configuration) -> bool:
    return now.right == before.right[1:] and len(now.left) >= len(before.left)
