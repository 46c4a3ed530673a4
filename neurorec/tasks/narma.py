"""NARMA-10: a nonlinear system with a memory of ten steps, driven by noise."""

import numpy as np
import torch

from neurorec.basics.errors import RunFailed
from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.objectives.series_prediction import SeriesPrediction
from neurorec.tasks.series import series_task
from neurorec.tasks.task import Task, tasks

SIZES, WASHOUT = (2000, 3000, 3000), 200
ORDER, BURN_IN, DRAWS = 10, 200, 100
SOURCES = ("atiya2000", "rodan2011")


def narma(u: np.ndarray) -> np.ndarray:
    """y_{t+1} = 0.3 y_t + 0.05 y_t (y_t + ... + y_{t-9}) + 1.5 u_{t-9} u_t + 0.1, from rest: y_1, y_2, ... for u [L]."""
    y = np.zeros(len(u) + ORDER)
    past = np.concatenate([np.zeros(ORDER - 1), u])
    for t in range(len(u)):
        k = t + ORDER - 1
        y[k + 1] = 0.3 * y[k] + 0.05 * y[k] * y[k - ORDER + 1 : k + 1].sum() + 1.5 * past[t] * u[t] + 0.1
    return y[ORDER:]


@tasks.register("narma10")
def narma10(seed: int) -> Task:
    """Predict a nonlinear autoregressive moving average of order 10 from its input, noise uniform in 0..0.5.

    2,000 frames for training, 3,000 for validation and 3,000 for testing, each after 200 that are not scored. Inputs for which
    the system diverges are drawn again.
    """
    generator = numpy_generator(seed, "narma10")
    for _ in range(DRAWS):
        u = 0.5 * generator.random(BURN_IN + WASHOUT + sum(SIZES))
        with np.errstate(over="ignore", invalid="ignore"):
            y = narma(u)
        if np.isfinite(y).all() and y.max() < 1:
            break
    else:
        raise RunFailed(f"task narma10: the system diverged for {DRAWS} inputs")
    x, target = (torch.from_numpy(series[BURN_IN:, None]).float() for series in (u, y))
    return series_task("narma10", "NARMA-10", x, target, SIZES, WASHOUT, SeriesPrediction(50), SOURCES)
