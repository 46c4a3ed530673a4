"""Mean and standard deviation over seeds."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from neurorec.report import wording


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over n seeds; sd is None if n < 2, mean is NaN if n = 0."""

    mean: float
    sd: float | None
    n: int
    values: tuple[float, ...] = ()

    def __str__(self) -> str:
        return wording.plus_minus(self.mean, self.sd) if self.n else "–"


def spread(values: Iterable[float | None]) -> Spread:
    known = tuple(value for value in values if value is not None and math.isfinite(value))
    mean = statistics.fmean(known) if known else math.nan
    return Spread(mean, statistics.stdev(known) if len(known) > 1 else None, len(known), known)
