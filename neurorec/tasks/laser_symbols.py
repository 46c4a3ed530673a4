"""The Santa Fe laser as symbols: small and large rises and falls of its intensity (Tino & Dorffner 2001)."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from neurorec.tasks.data_files import from_files
from neurorec.tasks.santa_fe_laser import SERIES, intensities
from neurorec.tasks.symbol_sequence import ENDS, sequence_task
from neurorec.tasks.task import Task, tasks

SOURCES = ("tino2001", "weigend1993")
LARGE = (0.1, 0.9)  #: quantiles of the changes beyond which they are large
NAMES = (
    "rise",
    "large rise",
    "fall",
    "large fall",
)  #: the first binary digit says whether it is large, the second whether it is a fall


@cache
def laser_changes() -> Tensor:
    """The 10,092 changes of the intensity as symbols; no change counts as a fall. Quantiles are those before the test split."""
    changes = np.diff(intensities()[:, 0])
    low, high = np.quantile(changes[: ENDS["validation"]], LARGE)
    found = 2 * (changes <= 0) + ((changes <= low) | (changes > high))
    return torch.from_numpy(found.astype(np.int64))


@tasks.register("laser_symbols")
@from_files(SERIES, inputs=4, outputs=4, sources=SOURCES)
def laser_symbols(seed: int) -> Task:
    """One of four changes of a laser's intensity per frame (rise or fall, large or not); the target is the next one.

    Before the test split, a tenth of the changes are large falls, and a tenth large rises.
    """
    return sequence_task("laser_symbols", "next change of a chaotic laser", laser_changes(), NAMES, SOURCES)
