"""Tasks whose samples are arrays with splits; the training split may be drawn afresh in every epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.quantities import plural
from neurorec.basics.tree import check_parents
from neurorec.tasks.batch import Batch
from neurorec.tasks.machine import Machine
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives
from neurorec.tasks.task import Task

BATCH_FIRST = "; time comes first: if samples come first in x, give x.transpose(0, 1)"


@dataclass(frozen=True, repr=False)
class ArrayTask(Task):
    """A data set drawn with one seed.

    Parameters
    ----------
    x : [T, N, I] frames; values in 0..1 if an encoder converts them to rates
    target : [N] class labels, [N, O] values, or [T, N], [T, N, O] with targets per frame, as the objective requires
    mask : [T] bool, the frames in which the answer counts; [T, N] if they differ between samples
    splits : sample numbers of "train", "validation" and "test", disjoint
    lengths : [N] frames of each sample, or None if all have T; x is 0 after the end of a sample
    start : [N, S] initial states that the samples give to the first S units of layers with `takes_start`, or None
    draw : if given, draws the training samples of each epoch from a generator, instead of using the training split
    machine : the finite automaton that solves the task, if there is one
    reading : [N] frames of each sample that are read before it is answered, or None
    parents : [T, N] for trees, whose nodes are frames: the frame of each node's parent, -1 for roots
    trimmed : whether a split ends with its longest sample, instead of all splits having T frames
    exhaustive, fixed_test : see `Task`

    Raises
    ------
    InputError
        If a value is NaN or infinite, shapes disagree, the splits overlap, or x or mask is not 0 after the end of a sample.
    CannotRun
        If the targets do not fit the objective.
    """

    name: str
    title: str
    x: Tensor
    target: Tensor
    mask: Tensor
    splits: dict[Split, np.ndarray]
    outputs: int
    sources: tuple[str, ...]
    objective: Objective
    lengths: Tensor | None = None
    draw: Callable[[torch.Generator], Batch] | None = None
    start: Tensor | None = None
    machine: Machine | None = None
    parents: Tensor | None = None
    reading: Tensor | None = None
    trimmed: bool = False
    exhaustive: bool = False
    fixed_test: bool = False

    def __post_init__(self) -> None:
        self._check_arrays()
        unknown = [name for name in self.splits if name not in SPLITS]
        if unknown:
            raise InputError(
                f'task {self.name}: the split "{unknown[0]}" is not known{did_you_mean(unknown[0], SPLITS)}; give '
                f"{', '.join(SPLITS)}"
            )
        missing = [name for name in SPLITS if name not in self.splits or not len(self.splits[name])]
        if missing:
            raise InputError(
                f'task {self.name}: the split "{missing[0]}" is missing or empty; give {", ".join(SPLITS)}'
            )
        everything = np.concatenate(list(self.splits.values()))
        if len(np.unique(everything)) != len(everything):
            raise InputError(f"task {self.name}: the splits share samples; each sample may belong to one split only")
        N = self.x.shape[1]
        if not 0 <= everything.min() <= everything.max() < N:
            wrong = next(number for number in everything if not 0 <= number < N)
            raise InputError(
                f"task {self.name}: a split names sample {wrong}, but x is [T, N, I] = {list(self.x.shape)} with {N} samples"
                + (BATCH_FIRST if len(self.x) > everything.max() else "")
            )
        if self.lengths is not None:
            self._check_ends(self.lengths)
        if self.start is not None and (self.start.dim() != 2 or len(self.start) != N):
            raise InputError(
                f"task {self.name}: start must be [N, S] with N = {N}, one row per sample (got {list(self.start.shape)})"
            )
        if self.parents is not None:
            T, N, _ = self.x.shape
            check_parents(self.parents, T, N, f"task {self.name}: ")
        self.objective.require(self)

    def __repr__(self) -> str:
        T, N, _ = self.x.shape
        sizes = ((N, "sample"), (T, "frame"), (self.inputs, "input"), (self.outputs, "output"))
        objective = objectives.name_of(type(self.objective)) or type(self.objective).__name__
        return f"Task({self.name}: {', '.join(plural(*size) for size in sizes)}, {objective})"

    @property
    def per_frame(self) -> bool:
        """Whether there is a target per frame."""
        return not self.objective.pooled

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return int(self.x.shape[2])

    def split(self, name: Split) -> Batch:
        whole = Batch(
            self.x, self.target, self.mask, self.lengths, per_frame=self.per_frame, start=self.start, parents=self.parents,
            reading=self.reading,
        )  # fmt: skip
        batch = whole.take(torch.as_tensor(self.splits[name]))
        return batch.first(int(batch.lengths.max())) if self.trimmed and batch.lengths is not None else batch

    def fresh(self, generator: torch.Generator) -> Batch | None:
        return None if self.draw is None else self.draw(generator)

    def _check_arrays(self) -> None:
        for what, values in (("x", self.x), ("target", self.target), ("mask", self.mask)):
            if not isinstance(values, Tensor):
                raise InputError(
                    f"task {self.name}: {what} must be a torch tensor (got {type(values).__name__}); use torch.from_numpy"
                )
        if self.x.dim() != 3:
            raise InputError(f"task {self.name}: x must be [T, N, I], time first (got {list(self.x.shape)})")
        if not torch.isfinite(self.x).all():
            frame, sample, line = (int(k) for k in (~torch.isfinite(self.x)).nonzero()[0])
            raise InputError(
                f"task {self.name}: the data contain NaN or infinity, first at frame {frame}, sample {sample}, input {line}; "
                "remove or fill those values before training"
            )
        samples = self.target.shape[1 if self.per_frame and self.target.dim() > 1 else 0]
        if self.x.shape[1] != samples or self.x.shape[0] != self.mask.shape[0]:
            raise InputError(
                f"task {self.name}: x is [T, N, I] = {list(self.x.shape)}, but target has {samples} samples "
                f"and mask {self.mask.shape[0]} frames" + (BATCH_FIRST if len(self.x) == samples else "")
            )

    def _check_ends(self, lengths: Tensor) -> None:
        T, N, _ = self.x.shape
        if (
            lengths.shape != (N,)
            or lengths.is_floating_point()
            or not 1 <= int(lengths.min()) <= int(lengths.max()) <= T
        ):
            raise InputError(f"task {self.name}: lengths must be {N} integers in 1..{T}, the frames of each sample")
        beyond = torch.arange(T)[:, None] >= lengths
        counted = beyond & (self.mask if self.mask.dim() == 2 else self.mask[:, None])
        for what, wrong in (("x is not 0", beyond & (self.x != 0).any(2)), ("the mask counts an answer", counted)):
            if wrong.any():
                frame, sample = (int(k) for k in wrong.nonzero()[0])
                raise InputError(
                    f"task {self.name}: {what} at frame {frame} of sample {sample}, which ends after {int(lengths[sample])} "
                    "frames; set both to 0 after the end (use a mask [T, N] if samples differ)"
                )
