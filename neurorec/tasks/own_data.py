"""The user's own tasks, from arrays or from any torch Dataset."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives

Splits = Mapping[Split, Any]


def task_from_arrays(
    x: Tensor, y: Tensor, objective: str | Objective, splits: Splits, outputs: int | None, mask: Tensor | None,
    lengths: Tensor | None, name: str, title: str, sources: tuple[str, ...], start: Tensor | None = None,
) -> ArrayTask:  # fmt: skip
    """See `Task.from_arrays`."""
    chosen = objectives[objective]() if isinstance(objective, str) else objective
    x, y = _tensor("x", x, name), _tensor("y", y, name)
    if not x.is_floating_point():
        came = str(x.dtype).removeprefix("torch.")
        raise InputError(f"task {name}: x must contain real numbers (got {came}); use x.float()")
    if x.dim() != 3:
        raise InputError(f"task {name}: x must be [T, N, I], time first (got {list(x.shape)})")
    if outputs is None:
        outputs = int(y.shape[-1]) if y.is_floating_point() else int(y.max()) + 1
    t, T = torch.arange(len(x)), len(x)
    if mask is None and lengths is not None:
        mask = t[:, None] == lengths - 1 if chosen.pooled else t[:, None] < lengths
    elif mask is None:
        mask = t == T - 1 if chosen.pooled else torch.ones(T, dtype=torch.bool)
    numbers: Any = {split: _numbers(index, split, name) for split, index in splits.items()}
    return ArrayTask(name, title or name, x.float(), y, mask, numbers, outputs, sources, chosen, lengths, start=start)


def task_from_dataset(
    dataset: Any, objective: str | Objective, splits: Splits | None, fractions: Sequence[float], seed: int,
    outputs: int | None, name: str, title: str, sources: tuple[str, ...],
) -> ArrayTask:  # fmt: skip
    """See `Task.from_dataset`."""
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise InputError(
            f"task {name}: a dataset must have a length and numbered samples (got {type(dataset).__name__}); convert an "
            "iterable to a list first"
        )
    chosen = objectives[objective]() if isinstance(objective, str) else objective
    samples = [_sample(dataset[number], number, chosen, name) for number in range(len(dataset))]
    if not samples:
        raise InputError(f"task {name}: the dataset is empty")
    xs, ys = zip(*samples, strict=True)
    ends = torch.tensor([len(x) for x in xs])
    T = int(ends.max())
    x = torch.nn.utils.rnn.pad_sequence(list(xs))
    y = torch.stack(ys) if chosen.pooled else torch.nn.utils.rnn.pad_sequence(list(ys))
    if splits is None:
        splits = _drawn_splits(len(samples), fractions, seed, name)
    lengths = None if (ends == T).all() else ends
    return task_from_arrays(x, y, chosen, splits, outputs, None, lengths, name, title, sources)


def _sample(sample: Any, number: int, objective: Objective, name: str) -> tuple[Tensor, Tensor]:
    """(x [T, I], target) of one sample; x [I] is one frame."""
    if not isinstance(sample, tuple | list) or len(sample) != 2:
        raise InputError(f"task {name}: sample {number} must be (x, target) (got {type(sample).__name__})")
    x = _tensor(f"x of sample {number}", sample[0], name)
    x = x[None] if x.dim() == 1 else x
    if x.dim() != 2:
        raise InputError(
            f"task {name}: x of sample {number} must be [T, I], or [I] for one frame (got {list(x.shape)}); reshape it in the "
            "dataset's transform"
        )
    target = torch.as_tensor(sample[1])
    if not objective.pooled and (target.dim() == 0 or len(target) != len(x)):
        raise InputError(
            f"task {name}: sample {number} has {len(x)} frames and needs the same number of targets (got {list(target.shape)})"
        )
    return x.float(), target


def _tensor(what: str, values: Any, name: str) -> Tensor:
    if not isinstance(values, Tensor):
        raise InputError(
            f"task {name}: {what} must be a torch tensor (got {type(values).__name__}); use torch.as_tensor({what[0]})"
        )
    return values


def _numbers(index: Any, split: str, name: str) -> np.ndarray:
    """Sample numbers, from numbers or from a mask over all samples."""
    numbers = np.asarray(index)
    if numbers.dtype == bool:
        return np.flatnonzero(numbers)
    if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
        raise InputError(f'task {name}: the split "{split}" must contain sample numbers (got {numbers.dtype})')
    return numbers


def _drawn_splits(count: int, fractions: Sequence[float], seed: int, name: str) -> Splits:
    shares = [float(share) for share in fractions]
    if len(shares) != len(SPLITS) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise InputError(
            f"task {name}: fractions must be three positive shares ({', '.join(SPLITS)}) that sum to 1 (got {list(fractions)})"
        )
    order = numpy_generator(seed, "splits").permutation(count)
    first, second = round(shares[0] * count), round((shares[0] + shares[1]) * count)
    return {split: np.sort(part) for split, part in zip(SPLITS, np.split(order, [first, second]), strict=True)}
