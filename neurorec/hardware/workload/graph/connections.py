"""Number of synapses that a spike reaches at a node: its true fan-out, non-zero weights only, including borders.

If non-zero weights of a linear node are replaced by one, the sum of its outputs grows by the fan-out of an input element
when that element grows by one: the fan-out is a gradient, whatever the padding, stride, dilation or groups.
"""

from __future__ import annotations

from copy import copy
from math import prod
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, dia_array, eye_array

from neurorec.engines.nir_graph.stateless import stateless_function
from neurorec.hardware.workload.graph.signals import POOLS, shape_of


def fan_out(node: Any) -> np.ndarray:
    """[inputs] synapses that each input element of a weighted node reaches."""
    x = torch.zeros(1, *shape_of(node, "input"), dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        reached = stateless_function(ones(node), torch.float64)(x).sum()
    (found,) = torch.autograd.grad(reached, x)
    return torch.round(found).flatten().numpy().astype(np.int64)


def ones(node: Any) -> Any:
    """The node with weights of one where there are synapses, and no bias."""
    name = "scale" if hasattr(node, "scale") else "weight"
    bare = copy(node)
    setattr(bare, name, (np.asarray(getattr(node, name)) != 0).astype(np.float64))
    if hasattr(node, "bias"):
        bare.bias = np.zeros_like(np.asarray(node.bias, dtype=np.float64))
    return bare


def stored_weights(node: Any) -> int:
    """Numbers that a memory must hold; a shared kernel is stored once."""
    weights = np.asarray(node.scale if hasattr(node, "scale") else node.weight)
    return int((weights != 0).sum()) + (np.asarray(node.bias).size if hasattr(node, "bias") else 0)


def synapse_matrix(node: Any) -> csr_array:
    """[outputs, inputs] number of synapses from each input element of a linear node to each output element."""
    kind, inputs = type(node).__name__, prod(shape_of(node, "input"))
    if kind in ("Affine", "Linear"):
        return csr_array(np.asarray(node.weight) != 0, dtype=np.int64)
    if kind == "Scale":
        scale = np.broadcast_to(np.asarray(node.scale) != 0, shape_of(node, "input")).ravel()
        return csr_array(dia_array((scale[None].astype(np.int64), [0]), shape=(inputs, inputs)))
    if kind in ("Conv1d", "Conv2d", *POOLS):
        return _window_matrix(node, inputs)
    return csr_array(eye_array(inputs), dtype=np.int64)  # flattened, delayed or relayed


def _window_matrix(node: Any, inputs: int) -> csr_array:
    """Each tap of the kernel, moved over the input: a non-zero tap that reads element j for output i is a synapse.

    Shapes with one spatial axis are treated as [C, 1, N].
    """
    shape, out = shape_of(node, "input"), shape_of(node, "output")
    C, H, W = shape if len(shape) == 3 else (shape[0], 1, shape[1])
    kernel = _kernel(node, C)
    step, spread = (_pair(getattr(node, name, 1)) for name in ("stride", "dilation"))
    top, left = _padding(node, kernel.shape[2:], spread)
    rows_out, columns_out = (1, out[1]) if len(out) == 2 else out[1:]
    groups, per_group = int(getattr(node, "groups", C)), kernel.shape[0] // int(getattr(node, "groups", C))
    o, i, kh, kw = np.nonzero(kernel)
    y, x = np.divmod(np.arange(rows_out * columns_out), columns_out)
    in_y = (kh * spread[0] - top)[:, None] + y * step[0]
    in_x = (kw * spread[1] - left)[:, None] + x * step[1]
    inside = (in_y >= 0) & (in_y < H) & (in_x >= 0) & (in_x < W)
    channel = (o // per_group) * (C // groups) + i
    read = (channel[:, None] * H + in_y) * W + in_x
    made = o[:, None] * (rows_out * columns_out) + np.arange(rows_out * columns_out)
    shape = (kernel.shape[0] * rows_out * columns_out, inputs)
    return csr_array((np.ones(int(inside.sum()), np.int64), (made[inside], read[inside])), shape=shape)


def _kernel(node: Any, channels: int) -> np.ndarray:
    """[O, I / groups, kh, kw] whether there is a synapse; a pool has one tap per position of its window, per channel."""
    if hasattr(node, "weight"):
        kernel = np.asarray(node.weight) != 0
        return kernel if kernel.ndim == 4 else kernel[:, :, None, :]
    return np.ones((channels, 1, *_pair(node.kernel_size)), bool)


def _pair(value: Any) -> tuple[int, int]:
    sizes = [int(size) for size in np.atleast_1d(value)]
    return (sizes[0], sizes[-1])


def _padding(node: Any, kernel: tuple[int, ...], spread: tuple[int, int]) -> tuple[int, int]:
    """Padding rows above and columns to the left, as in torch."""
    if not isinstance(node.padding, str):
        top, left = _pair(node.padding)
        return (0 if kernel[0] == 1 and type(node).__name__ == "Conv1d" else top, left)
    if node.padding == "valid":
        return 0, 0
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, spread, strict=True))  # type: ignore[return-value]
