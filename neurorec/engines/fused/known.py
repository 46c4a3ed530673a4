"""Cache of recorded and compiled steps, valid as long as all objects that a layer's step may read are the same."""

from typing import Any
from weakref import WeakKeyDictionary

from neurorec.engines.fused.record import Recorded, record
from neurorec.engines.fused.step_code import StepCode, compile_step
from neurorec.models.layer import Layer

_known: WeakKeyDictionary[Layer, tuple[list[Any], Recorded, StepCode]] = WeakKeyDictionary()


def recorded_step(layer: Layer) -> tuple[Recorded, StepCode]:
    read = _what_a_step_reads(layer)
    before = _known.get(layer)
    if before is None or len(before[0]) != len(read) or any(a is not b for a, b in zip(before[0], read, strict=True)):
        recorded = record(layer)
        before = (read, recorded, compile_step(recorded))
        if all(any(row is one for one in read) for row in recorded.forward.rows):  # none was computed from others
            _known[layer] = before
    return before[1], before[2]


def _what_a_step_reads(layer: Layer) -> list[Any]:
    """The layer's classes, attributes, submodules, weights and buffers (the objects; values inside tensors may change)."""
    found: list[Any] = []
    for module in layer.modules():
        found += [type(module), type(module).__dict__.get("step")]
        for name, value in vars(module).items():
            if name in ("_parameters", "_buffers", "_modules"):
                found += [part for pair in value.items() for part in pair]
                found += [getattr(part, "requires_grad", None) for part in value.values()]
            elif not name.startswith("_"):
                found += [name, value]
    return found
