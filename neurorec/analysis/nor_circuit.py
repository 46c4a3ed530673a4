"""Circuits of NOR gates as recurrent networks, compared with the gate simulator bit by bit."""

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import AfterValidator, Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import AnyFigure, Curves, Diagram, Edge, Found, Node, Picture, TextSamples, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Potential
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.engine import choose_engine
from neurorec.models.circuits.circuit_networks import GATES, rate_network, spiking_network
from neurorec.models.circuits.example_circuits import ExampleCircuit, example_circuits
from neurorec.models.circuits.gate_simulator import number, simulate
from neurorec.models.circuits.netlist import Netlist

HALVES = {"rate": rate_network, "spiking": spiking_network}
AT_ONCE = 5_000  #: steps that are run before the next are prepared
SHOWN_CHANGES, SHOWN_STEPS, SHOWN_GATES, DRAWN_GATES = 78, 160, 120, 12


def _known(name: str) -> str:
    example_circuits[name]  # raises InputError with the known names
    return name


class NorCircuitSettings(Card):
    circuit: Annotated[str, AfterValidator(_known)]
    half: Literal["rate", "spiking"]
    steps: Annotated[int, Field(ge=1, le=10_000_000)]


@analyses.register("nor_circuit")
class NorCircuit(Analysis):
    """Every gate's output in every step of the network, against the gate simulator's, for random inputs or a clock."""

    about = "A digital circuit of NOR gates run as a recurrent network, against a gate simulator"
    sources = ("ml_tutorial_rnn",)
    Settings = NorCircuitSettings
    example = {"circuit": "latch", "half": "spiking", "steps": 200}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "wrong bits": Value("gate outputs, over all steps, that differ from the simulator's", higher_is_better=False),
        "compared bits": Value("gates times steps"),
        "gates": Value("NOR gates, each one unit"),
        "connections": Value("weights other than 0"),
        "active": Value("share of the bits that are 1; in the spiking network, spikes per neuron and step"),
    }

    def run(self, settings: NorCircuitSettings, seed: int) -> Found:
        example = example_circuits[settings.circuit]()
        netlist = example.netlist()
        x = example.inputs(numpy_generator(seed, f"circuit {settings.circuit}"), settings.steps)
        network, gates, wrong, active, state = HALVES[settings.half](netlist), len(netlist.gates), 0, 0, None
        expected = np.zeros((1, gates), bool)
        engine = choose_engine("torch" if settings.half == "rate" else "auto", network)
        first: np.ndarray | None = None
        with torch.no_grad():
            for start in range(0, settings.steps, AT_ONCE):
                part = x[start : start + AT_ONCE]
                expected = simulate(netlist, part, expected[-1])
                seen = engine.run(network, torch.from_numpy(part).to(network[GATES].w_in.dtype)[:, None], state=state)
                sent, state = seen.sent[GATES][:, 0].numpy(), seen.state
                wrong, active = wrong + int((sent != expected).sum()), active + int(expected.sum())
                first = sent if first is None else first
        bits = gates * settings.steps
        values = {
            "wrong bits": wrong, "compared bits": bits, "gates": gates, "active": active / bits,
            "connections": int(netlist.connections.sum()),
        }  # fmt: skip
        silent = {"wrong bits": ("all gates 0", float(active))}
        return Found(values, tuple(_figures(example, netlist, x, first, settings.half)), silent)


def _figures(
    example: ExampleCircuit, netlist: Netlist, x: np.ndarray, sent: np.ndarray | None, half: str
) -> list[AnyFigure]:
    if sent is None:
        return []
    shown = min(len(sent), SHOWN_CHANGES * example.rest)
    bits, (name, bus) = sent[:shown] > 0.5, list(netlist.outputs.items())[-1]
    settled = slice(example.rest - 1, shown, example.rest)
    gates = bits[:SHOWN_STEPS, :SHOWN_GATES].T
    found: list[AnyFigure] = [
        Curves(
            f"Output “{name}” of the {example.title}", "Read from the network, settled after each change of an input.",
            "step", name, {half: series(range(shown)[settled], number(netlist, bus, x[:shown], bits)[settled])},
        ),
        Picture(
            f"Gates of the {example.title}", "Bright: the unit's output is 1.", "step",
            "gate" if len(netlist.gates) <= SHOWN_GATES else f"gate (the first {SHOWN_GATES})", gates.astype(int).tolist(),
            "output",
        ),
    ]  # fmt: skip
    return [*found, circuit_diagram(example.title, netlist)] if len(netlist.gates) <= DRAWN_GATES else found


def circuit_diagram(title: str, netlist: Netlist) -> Diagram:
    """Gates and the wires between them; outputs are marked."""
    outputs = {
        wire: f"{name}{bit}" if len(bus) > 1 else name
        for name, bus in netlist.outputs.items()
        for bit, wire in enumerate(bus)
    }
    first, lines = len(netlist.inputs), len(netlist.inputs) + len(netlist.gates)
    nodes = [
        Node(
            str(wire), netlist.inputs[wire] if wire < first else outputs.get(wire, "NOR"), wire < first, wire in outputs
        )
        for wire in range(lines)
    ]
    edges = [Edge(str(wire), str(first + gate)) for gate, heard in enumerate(netlist.gates) for wire in heard]
    return Diagram(
        title,
        "Circles are NOR gates, each a unit of the network; double circles are outputs.",
        tuple(nodes),
        tuple(edges),
    )


class NorGateSettings(Card):
    weight: Potential
    bias: Potential


@analyses.register("nor_gate")
class NorGate(Analysis):
    """sigma(weight x1 + weight x2 + bias) for the four inputs."""

    about = "Truth table of one sigmoid unit with two inputs of equal weight"
    sources = ("ml_tutorial_rnn",)
    Settings = NorGateSettings
    example = {"weight": -1000.0, "bias": 100.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "rows of NOR": Value("rows of the truth table that agree with NOR", higher_is_better=True),
        "rows of OR": Value("rows of the truth table that agree with OR", higher_is_better=True),
    }

    def run(self, settings: NorGateSettings, seed: int) -> Found:
        rows = [(a, b) for a in (0, 1) for b in (0, 1)]
        sums = [settings.weight * (a + b) + settings.bias for a, b in rows]
        outputs = torch.sigmoid(torch.tensor(sums)).tolist()
        bits = [round(output) for output in outputs]
        nor = sum(bit == (a + b == 0) for bit, (a, b) in zip(bits, rows, strict=True))
        lines = [f"{a} {b}  sigma({total:g}) = {y:g}" for (a, b), total, y in zip(rows, sums, outputs, strict=True)]
        either = sum(bit == (a + b > 0) for bit, (a, b) in zip(bits, rows, strict=True))
        table = TextSamples("Truth table", "The inputs, and the output of the unit.", ["\n".join(lines)])
        return Found(
            {"rows of NOR": nor, "rows of OR": either},
            (table,),
            {"rows of NOR": ("always 0", 3.0), "rows of OR": ("always 1", 3.0)},
        )
