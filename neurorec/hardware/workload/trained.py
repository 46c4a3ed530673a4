"""An observed trained model as a workload: what its layers declare per event, and the spikes of each line.

A wire is a projection to its target layer; a layer's own recurrence is a projection to itself. A sweep of an energy
model counts as a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.engines.relaxation import UNITS
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular, Wires, Wiring
from neurorec.hardware.workload.workload import PopulationWork, ProjectionWork, Training, TrainingRun, Workload
from neurorec.learning.rule import rules
from neurorec.models.energy.model import EnergyModel
from neurorec.models.layer import StepOperations
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.models.wires import AS_SENT, INPUT, Along, Wire


def trained_work(
    model: Network | EnergyModel,
    activity: Activity,
    training: TrainingRun | None = None,
    setting: Setting | None = None,
) -> Workload:
    """The workload of running `model` forward over all observed samples."""
    layers = _layers(model)
    projections = [line for name in layers for line in _lines(model, activity, name)]
    heard = {source for line in projections for source in line.projection.sources if source != line.projection.target}
    seen = activity.input
    return Workload(
        samples=activity.samples,
        steps=activity.steps,
        input_size=len(seen.spikes),
        input_spikes=seen.spikes if seen.signal == "spikes" else None,
        populations=tuple(_population(model, name, activity, name in heard) for name in layers),
        projections=tuple(line.projection for line in projections),
        wiring=_wiring(layers, projections, len(seen.spikes)),
        dt_ms=getattr(model, "dt_ms", None),
        skipped_steps=activity.skipped_steps,
        running=activity.running,
        training=_training(model, training) if training is not None else None,
        setting=setting or Setting(),
    )


def _layers(model: Network | EnergyModel) -> dict[str, Any]:
    return dict(model.named_layers()) if isinstance(model, Network) else {UNITS: model}


def _training(model: Network | EnergyModel, run: TrainingRun) -> Training:
    rule = rules[run.rule] if isinstance(run.rule, str) else run.rule
    return Training(
        run=run,
        needs=rule.needs,
        count=lambda forward, run: rule.count_training(
            model, forward, run.samples_seen, run.weight_updates, **run.more
        ),
        numbers=model.parameter_count + sum(buffer.numel() for buffer in model.buffers()),
        spikes_cause_updates=rule.spikes_cause_updates,
    )


def _population(model: Network | EnergyModel, name: str, activity: Activity, heard: bool) -> PopulationWork:
    layer = _layers(model)[name]
    declared, seen = layer.operations(), activity.layers[name]
    counted = declared.counted_by == "declared"
    start = getattr(layer, "learned_start", None) or {}
    copied = model.constraints.copied_biases(name) if isinstance(model, Network) else 0
    return PopulationWork(
        name=name,
        size=layer.size,
        spikes=seen.spikes if seen.signal == "spikes" else None,
        updates=declared.neuron_updates,
        elementwise=declared.elementwise,
        nonlinearities=declared.nonlinearities,
        state=declared.state_values,
        biases=sum(p.numel() for p in layer.parameters() if p.dim() == 1 or not counted) - copied,
        start=sum(values.numel() for values in start.values()),
        macs=declared.macs,
        counted_by=declared.counted_by,
        is_readout=isinstance(layer, Readout),
        values_travel=heard or not isinstance(layer, Readout),
        needs=layer.needs if isinstance(layer, Readout) else layer.needs | {layer.output_signal},
        steps=None if seen.steps is None else seen.steps.sum(1),
        ran=seen.ran,
    )


When = Along | Literal["now", "before"]  #: along which a wire delivers; "before": only what is sent before writing


@dataclass(frozen=True)
class WeightedLine:
    """A projection with the weights of its synapses [units, lines], if the layer has them in one matrix."""

    projection: ProjectionWork
    fan_out: np.ndarray
    weight: np.ndarray | None


def _lines(model: Any, activity: Activity, name: str) -> Iterator[WeightedLine]:
    """Projections to the layer from its wires, followed by its own recurrence."""
    layer = _layers(model)[name]
    declared: StepOperations = layer.operations()
    for wire in model.wires_into(name) if isinstance(model, Network) else ():
        if wire not in model.cut:
            lines, as_sent, weight = model.lines_of(wire), wire.carries == AS_SENT, _weight(layer, "w_in")
            fan_out, spiking = declared.input_fan_out[lines], as_sent and model.signal_of(wire.source) == "spikes"
            changed = 0 if as_sent else model.size_of(wire.source)
            copied = model.constraints.copies(model, wire)
            later = _when(model, wire)
            projection = _projection(wire.source, name, fan_out, spiking, activity, later, changed, copied)
            yield WeightedLine(projection, fan_out, None if weight is None else weight[:, lines])
    if declared.recurrent_fan_out.any():
        fan_out, spiking = declared.recurrent_fan_out, declared.recurrent_signal == "spikes"
        copied = isinstance(model, Network) and model.constraints.copies(model, Wire(name, name, 1))
        projection = _projection(name, name, fan_out, spiking, activity, "time", copied=copied)
        yield WeightedLine(projection, fan_out, _weight(layer, "w_rec"))


def _when(model: Network, wire: Wire) -> When:
    """Which of its source's spikes a wire delivers."""
    if model.along == "reading" and wire.source == INPUT:
        return "reading" if wire.target in model.writers else "before"
    return wire.along if wire.delay or wire.along != "time" else "now"


def _weight(layer: Any, name: str) -> np.ndarray | None:
    weight = getattr(layer, name, None)
    return None if weight is None else weight.detach().cpu().numpy()


def _projection(
    source: str,
    target: str,
    fan_out: np.ndarray,
    spiking: bool,
    activity: Activity,
    when: When,
    nonlinearities: int = 0,
    copied: bool = False,
) -> ProjectionWork:
    seen = activity.layers[source]
    arriving, steps = (seen.passed_on, seen.passed_on_steps) if when == "time" else (seen.spikes, seen.steps)
    if when in ("tree", "reading") and seen.brought is not None:
        arriving, steps = seen.brought, seen.brought_steps
    if when == "before" and seen.brought is not None:
        arriving, steps = seen.spikes - seen.brought, None
    if steps is not None and when == "time":  # received one step later
        steps = np.concatenate([np.zeros_like(steps[:1]), steps[:-1]])[: activity.steps]
    synapses = int(fan_out.sum())
    return ProjectionWork(
        sources=(source,),
        target=target,
        lines=len(fan_out),
        synapses=synapses,
        spikes=arriving if spiking else None,
        fan_out=fan_out,
        unheard=seen.spikes - arriving if spiking and when in ("time", "tree") else None,
        stored=0 if copied else synapses,  # tied weights are stored once, with their owner
        nonlinearities=nonlinearities,
        joins=when == "tree",
        steps=steps @ fan_out if spiking and steps is not None else None,
    )


def _wiring(layers: dict[str, Any], lines: list[WeightedLine], inputs: int) -> Wiring:
    """Individual wires, if zero weights are missing synapses; otherwise all-to-all."""
    at = {INPUT: INPUT_LINES, **{name: n for n, name in enumerate(layers)}}
    regular, wired, synapses = [], {}, []
    input_reaches = np.zeros(inputs, bool)
    for name, layer in layers.items():
        own = [line for line in lines if line.projection.target == name and line.projection.synapses]
        exists = [(line, at[line.projection.sources[0]], _exists(line, layer.size)) for line in own]
        dense = [(source, line.projection.lines) for line, source, found in exists if found is None]
        sparse = [(source, found) for _, source, found in exists if found is not None]
        held = np.full(layer.size, -(-sum(line.projection.synapses for line in own) // layer.size))
        if sparse:
            held = sum(found.sum(1) for _, found in sparse) + sum(fan_in for _, fan_in in dense)
        regular += [Regular(source, at[name], fan_in) for source, fan_in in dense]
        for source, found in sparse:
            wired[source, at[name]] = found | wired.get((source, at[name]), False)
        synapses.append(held)
        for line, source, _ in exists:
            if source == INPUT_LINES:
                input_reaches |= line.fan_out > 0
    sizes = [layer.size for layer in layers.values()]
    return Wiring(
        regular=tuple(regular),
        synapses=np.concatenate(synapses).astype(np.int64),
        input_reaches=input_reaches,
        wired=frozenset(wired),
        draw=(lambda: _wires(wired, inputs, sizes)) if wired else None,
    )


def _exists(line: WeightedLine, units: int) -> np.ndarray | None:
    """[units, lines] whether there is a synapse, if the fan-out shows that some are missing."""
    if line.fan_out.min(initial=units) >= units - 1 or line.weight is None:
        return None
    exists = line.weight != 0
    return exists if np.array_equal(exists.sum(0), line.fan_out) else None


def _wires(wired: dict[tuple[int, int], np.ndarray], inputs: int, sizes: list[int]) -> Wires:
    first = np.concatenate([[0], np.cumsum(sizes)]) + inputs
    exists = np.zeros((sum(sizes), inputs + sum(sizes)), bool)
    for (source, target), found in wired.items():
        start = 0 if source == INPUT_LINES else first[source]
        rows = slice(first[target] - inputs, first[target + 1] - inputs)
        exists[rows, start : start + found.shape[1]] = found
    starts = np.concatenate([[0], np.cumsum(exists.sum(1))])
    return Wires(starts.astype(np.int64), np.nonzero(exists)[1].astype(np.int32))
