"""Stateless NIR nodes as torch functions of [B, ...]; NIR's shapes have no batch dimension, here it comes first."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

Function = Callable[[Tensor], Tensor]


def stateless_function(node: Any, dtype: torch.dtype) -> Function:
    """The function of `node`. Products use the same torch calls as neurorec's own cells, so they agree bit for bit."""
    return _FUNCTIONS[type(node).__name__](node, dtype)


def tensor(value: Any, dtype: torch.dtype) -> Tensor:
    return torch.as_tensor(np.array(value)).to(dtype)


def _relay(node: Any, dtype: torch.dtype) -> Function:
    return lambda x: x


def _affine(node: Any, dtype: torch.dtype) -> Function:
    weight, bias = tensor(node.weight, dtype), tensor(node.bias, dtype)
    return lambda x: F.linear(x, weight, bias)


def _linear(node: Any, dtype: torch.dtype) -> Function:
    weight = tensor(node.weight, dtype)
    return lambda x: F.linear(x, weight)


def _scale(node: Any, dtype: torch.dtype) -> Function:
    scale = tensor(node.scale, dtype)
    return lambda x: scale * x


def _threshold(node: Any, dtype: torch.dtype) -> Function:
    threshold = tensor(node.threshold, dtype)
    return lambda x: (x > threshold).to(dtype)


def _flatten(node: Any, dtype: torch.dtype) -> Function:
    start, end = (int(dim) + 1 if int(dim) >= 0 else int(dim) for dim in (node.start_dim, node.end_dim))
    return lambda x: torch.flatten(x, start, end)


def _convolution(node: Any, dtype: torch.dtype) -> Function:
    weight, bias, axes = tensor(node.weight, dtype), tensor(node.bias, dtype), np.ndim(node.weight) - 2
    convolve = F.conv1d if axes == 1 else F.conv2d
    padding: Any = node.padding if isinstance(node.padding, str) else _sizes(node.padding, axes)
    stride, dilation, groups = _sizes(node.stride, axes), _sizes(node.dilation, axes), int(node.groups)
    return lambda x: convolve(x, weight, bias, stride, padding, dilation, groups)  # type: ignore[arg-type]


def _average_pool(node: Any, dtype: torch.dtype) -> Function:
    kernel, stride, padding = (_sizes(size, 2) for size in (node.kernel_size, node.stride, node.padding))
    return lambda x: F.avg_pool2d(x, kernel, stride, padding)


def _sum_pool(node: Any, dtype: torch.dtype) -> Function:
    kernel, stride, padding = (_sizes(size, 2) for size in (node.kernel_size, node.stride, node.padding))
    return lambda x: F.avg_pool2d(x, kernel, stride, padding, divisor_override=1)


def _sizes(value: Any, axes: int) -> tuple[int, ...]:
    sizes = [int(size) for size in np.atleast_1d(value)]
    return tuple(sizes * axes if len(sizes) == 1 else sizes)


_FUNCTIONS: dict[str, Callable[[Any, torch.dtype], Function]] = {
    "Input": _relay,
    "Output": _relay,
    "Affine": _affine,
    "Linear": _linear,
    "Scale": _scale,
    "Threshold": _threshold,
    "Flatten": _flatten,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "AvgPool2d": _average_pool,
    "SumPool2d": _sum_pool,
}
