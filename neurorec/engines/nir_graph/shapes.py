"""The shape of the signal between NIR nodes, without batch: what each node takes, and what it sends."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from neurorec.engines.nir_graph.parameters import spatial_axes

Shape = tuple[int, ...]
Values = dict[str, Any]


class Misfit(Exception):
    """The signal does not fit the node; the text says what it takes."""


def taken(kind: str, values: Values) -> Shape | None:
    """The input shape that the node's own parameters state; None if it takes any."""
    if kind in ("Affine", "Linear"):
        return values["weight"].shape[1:]
    if kind in ("Conv1d", "Conv2d"):
        sizes = values.get("input_shape")
        return None if sizes is None else (values["weight"].shape[1] * values["groups"], *sizes)
    if kind in ("Input", "Output", "Flatten"):
        return values.get("input_type" if kind == "Flatten" else "shape")
    arrays = [value.shape for name, value in values.items() if hasattr(value, "shape") and name != "w_in"]
    return arrays[0] if arrays and arrays[0] != () else None


def sent(kind: str, values: Values, shape: Shape) -> Shape:
    """The output shape for an input of `shape`. Raises `Misfit`."""
    own = taken(kind, values)
    relay = kind in ("Input", "Output")
    if own is not None and (_without_ones(own) != _without_ones(shape) if relay else own != shape):
        raise Misfit(f"takes {list(own)}")
    return _SENT.get(kind, _same)(values, shape, spatial_axes(kind))


def largest_signal(kind: str, values: Values, shape: Shape) -> int:
    """Numbers that one sample of one step, or the window of a pool, takes."""
    return max(prod(shape), prod(values.get("kernel_size", ())) * (shape[0] if shape else 1))


def _without_ones(shape: Shape) -> Shape:
    """Some files state the shape of an Input or Output with extra axes of size 1, which change nothing."""
    return tuple(size for size in shape if size != 1)


def _same(values: Values, shape: Shape, axes: int) -> Shape:
    return shape


def _product(values: Values, shape: Shape, axes: int) -> Shape:
    return values["weight"].shape[:1]


def _convolution(values: Values, shape: Shape, axes: int) -> Shape:
    channels = values["weight"].shape[1] * values["groups"]
    if len(shape) != 1 + axes or shape[0] != channels:
        raise Misfit(f"takes {channels} channels with {axes} spatial axes each")
    if values["padding"] == "same":
        return (len(values["weight"]), *shape[1:])
    padding = (0,) * axes if values["padding"] == "valid" else values["padding"]
    kernel = values["weight"].shape[2:]
    return (len(values["weight"]), *_windows(values, shape[1:], kernel, padding, values["dilation"]))


def _pool(values: Values, shape: Shape, axes: int) -> Shape:
    if len(shape) != 1 + axes:
        raise Misfit("takes [channels, rows, columns]")
    kernel, padding = values["kernel_size"], values["padding"]
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        raise Misfit(f"has a padding of {list(padding)}, more than half of its kernel_size {list(kernel)}")
    return (shape[0], *_windows(values, shape[1:], kernel, padding, (1,) * axes))


def _windows(values: Values, sizes: Shape, kernel: Shape, padding: Shape, dilation: Shape) -> Shape:
    """Positions of the kernel along each spatial axis."""
    steps = values["stride"]
    spans = [spread * (size - 1) + 1 for size, spread in zip(kernel, dilation, strict=True)]
    out = [(s + 2 * p - span) // step + 1 for s, p, span, step in zip(sizes, padding, spans, steps, strict=True)]
    if min(out) < 1:
        raise Misfit(f"has a kernel that spans {spans}, more than its padded input")
    return tuple(out)


def _flat(values: Values, shape: Shape, axes: int) -> Shape:
    dims = len(shape)
    start, end = values.get("start_dim", 1), values.get("end_dim", -1)
    first, last = (dim + dims if dim < 0 else dim for dim in (start, end))
    if not (0 <= first < dims and 0 <= last < dims and first <= last):
        raise Misfit(f"has start_dim {start} and end_dim {end}, which are not a range of its {dims} axes")
    return (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])


_SENT: dict[str, Callable[[Values, Shape, int], Shape]] = {
    "Affine": _product,
    "Linear": _product,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flat,
}
