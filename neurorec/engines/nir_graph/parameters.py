"""What each parameter of a NIR node must be: finite numbers, positive time constants, shapes that fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurorec.basics.errors import did_you_mean
from neurorec.engines.nir_graph.plain_graph import PlainNode, Unusable, shown, titled

LARGEST = float(np.finfo(np.float32).max)  #: signals are single precision unless an option says otherwise
LARGEST_WHOLE = 2**31 - 1


@dataclass(frozen=True)
class ParameterRule:
    """What the values of one parameter must be. `expected` says it in words."""

    expected: str
    least: float = -LARGEST
    above: float = -np.inf
    whole: bool = False
    words: tuple[str, ...] = ()

    def wrong(self, numbers: np.ndarray) -> np.ndarray:
        """Where `numbers` break the rule."""
        largest = LARGEST_WHOLE if self.whole else LARGEST
        numbers = (
            numbers.astype(np.float64) if numbers.dtype == np.float16 else numbers
        )  # in which `largest` is infinite
        with np.errstate(invalid="ignore"):
            right = (numbers >= max(self.least, -largest)) & (numbers > self.above) & (numbers <= largest)
            return ~(right & (numbers == np.floor(numbers)) if self.whole else right)


NUMBERS = ParameterRule("finite numbers (at most 3.4e38)")
TIMES = ParameterRule("finite numbers > 0", above=0)
SIZES = ParameterRule("integers >= 1", least=1, whole=True)
DIMENSION = ParameterRule("an integer", whole=True)
RULES: Mapping[str, ParameterRule] = {
    **dict.fromkeys(("weight", "bias", "scale", "threshold", "r", "w_in"), NUMBERS),
    **dict.fromkeys(("v_leak", "v_reset", "v_threshold"), NUMBERS),
    **dict.fromkeys(("tau", "tau_mem", "tau_syn"), TIMES),
    "delay": ParameterRule("finite numbers >= 0", least=0),
    **dict.fromkeys(("shape", "input_type", "input_shape", "kernel_size", "stride", "dilation", "groups"), SIZES),
    "padding": ParameterRule("integers >= 0", least=0, whole=True, words=("same", "valid")),
    **dict.fromkeys(("start_dim", "end_dim"), DIMENSION),
}
"""Parameters that are unknown here are refused: ignoring one would run another network."""


def checked_values(
    name: str, node: PlainNode, required: Mapping[str, bool], faults: list[str]
) -> dict[str, Any] | None:
    """The values of `node` as arrays, integers and words, or None if some are wrong (added to `faults`)."""
    title, before, found = titled(name, node.kind), len(faults), {}
    for parameter in node.values:
        if parameter not in required or parameter not in RULES:
            known = ", ".join(sorted(required))
            hint = did_you_mean(shown(parameter), required)
            faults.append(f'{title}: unknown parameter "{shown(parameter)}"{hint}; known: {known}')
    for parameter, needed in required.items():
        value, rule = node.values.get(parameter), RULES.get(parameter)
        if value is None and needed and rule is not None:
            faults.append(f"{title}: {parameter} is missing; expected {rule.expected}")
        elif value is not None and rule is not None:
            got = _fault(node.kind, parameter, value, rule)
            if got is None:
                found[parameter] = _plain(node.kind, parameter, value, rule)
            else:
                faults.append(f"{title}: {parameter} must be {_expected(node.kind, parameter, rule)}; got {got}")
    if len(faults) == before:
        faults.extend(f"{title}: {text}" for text in _unfitting(node.kind, found))
    return found if len(faults) == before else None


def spatial_axes(kind: str) -> int:
    """1 for Conv1d, 2 for Conv2d and pools, 0 for everything else."""
    return int(kind[-2]) if kind.endswith(("1d", "2d")) else 0


def _entries(kind: str, parameter: str) -> tuple[int, ...]:
    """How many numbers an integer parameter may hold; empty: any number of them."""
    axes = spatial_axes(kind)
    if parameter in ("shape", "input_type"):
        return ()
    if parameter == "input_shape":
        return (axes,)
    return (1, axes) if parameter in ("kernel_size", "stride", "dilation", "padding") else (1,)


def _words(kind: str, rule: ParameterRule) -> tuple[str, ...]:
    return rule.words if kind.startswith("Conv") else ()


def _expected(kind: str, parameter: str, rule: ParameterRule) -> str:
    entries = _entries(kind, parameter) if rule.whole else ()
    words = "".join(f' or "{word}"' for word in _words(kind, rule))
    return f"{rule.expected}{words}" + (f" ({' or '.join(map(str, sorted(set(entries))))} of them)" if entries else "")


def _fault(kind: str, parameter: str, value: Any, rule: ParameterRule) -> str | None:
    """What is wrong with `value`, or None."""
    if isinstance(value, Unusable):
        return str(value)
    if isinstance(value, str):
        return None if value in _words(kind, rule) else f'the text "{shown(value)}"'
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return f"a {type(value).__name__}"
    if numbers.size == 0 and parameter == "shape" and numbers.ndim == 1:
        return None  # one number per step
    if numbers.dtype.kind not in ("iuf" if rule.whole else "biuf"):
        return "text" if numbers.dtype.kind in "OSU" else f"numbers of type {numbers.dtype}"
    if numbers.size == 0:
        return f"no numbers (shape {list(numbers.shape)})"
    if rule.whole and (
        numbers.ndim > 1 or (_entries(kind, parameter) and numbers.size not in _entries(kind, parameter))
    ):
        return f"{numbers.size} numbers (shape {list(numbers.shape)})"
    wrong = rule.wrong(numbers)
    count = int(wrong.sum())
    some = f" ({count} of {numbers.size} values)" if numbers.size > 1 else ""
    return f"{numbers[wrong].flat[0]:g}{some}" if count else None


def _plain(kind: str, parameter: str, value: Any, rule: ParameterRule) -> Any:
    if isinstance(value, str):
        return value
    numbers = np.asarray(value)
    if not rule.whole:
        return numbers.astype(np.float64 if numbers.dtype.itemsize > 8 else numbers.dtype.newbyteorder("="), copy=False)
    whole = tuple(int(number) for number in numbers.flat)
    entries = _entries(kind, parameter)
    if entries == (1,) and parameter != "input_shape":
        return whole[0]
    return whole * spatial_axes(kind) if len(entries) == 2 and len(whole) == 1 else whole


def _unfitting(kind: str, values: dict[str, Any]) -> list[str]:
    """Parameters whose shapes do not fit each other. Biases become vectors, as products expect them."""
    if "weight" not in values:
        return _unequal({name: value for name, value in values.items() if isinstance(value, np.ndarray)})
    weight, faults = values["weight"], []
    axes = spatial_axes(kind)
    wanted = f"[out, in{''.join(', size' for _ in range(axes))}]"
    if weight.ndim != 2 + axes:
        return [f"weight must have the shape {wanted}; got {list(weight.shape)}"]
    if "bias" in values:
        bias = values["bias"]
        if bias.size != len(weight) or bias.shape != (1,) * (bias.ndim - 1) + bias.shape[-1:]:
            faults.append(f"bias must have the shape [{len(weight)}], one per row of weight; got {list(bias.shape)}")
        values["bias"] = bias.reshape(-1)
    groups = values.get("groups", 1)
    if len(weight) % groups:
        faults.append(f"groups must divide the {len(weight)} output channels of weight; got {groups}")
    if values.get("padding") == "same" and any(step != 1 for step in values["stride"]):
        faults.append(f'padding "same" needs a stride of 1; got {list(values["stride"])}')
    return faults


def _unequal(arrays: dict[str, np.ndarray]) -> list[str]:
    """Parameters of neurons have one shape; w_in may be a single number."""
    shapes = {name: value.shape for name, value in arrays.items() if not (name == "w_in" and value.ndim == 0)}
    if len(set(shapes.values())) <= 1:
        return []
    listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
    return [f"all parameters must have the same shape; got {listed}"]
