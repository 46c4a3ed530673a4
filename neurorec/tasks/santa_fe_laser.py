"""The Santa Fe laser: the intensity of a far-infrared laser in a chaotic state."""

from functools import cache
from io import BytesIO

import numpy as np
import torch

from neurorec.tasks.data_files import DataFile, from_files
from neurorec.tasks.objectives.series_prediction import SeriesPrediction
from neurorec.tasks.series import series_task
from neurorec.tasks.task import Task, tasks

SERIES = DataFile(
    "laser/santafe_laser.npy",
    size=80_872,
    sha256="8c07281200935596f8e28bc94e1bb25e9964ab7d7f63c5e27ac87b810ac3b33a",
    origin="github.com/reservoirpy/reservoirpy, reservoirpy/datasets/santafe_laser.npy",
    licence="MIT (the repository's); the series is from the Santa Fe time series competition",
)
SIZES, WASHOUT = (2000, 3000, 3000), 200
SOURCES = ("weigend1993", "rodan2011")


@cache
def intensities() -> np.ndarray:
    """[L, 1], of 8 bits."""
    return np.load(BytesIO(SERIES.read()), allow_pickle=False)


@tasks.register("santa_fe_laser")
@from_files(SERIES, inputs=1, outputs=1, sources=SOURCES)
def santa_fe_laser(seed: int) -> Task:
    """Predict the next intensity of the Santa Fe laser from those so far, scaled to 0..1.

    2,000 frames for training, 3,000 for validation and 3,000 for testing, each after 200 that are not scored.
    """
    series = torch.from_numpy(intensities()).float() / 255
    objective = SeriesPrediction(20)
    return series_task(
        "santa_fe_laser", "next intensity of the Santa Fe laser", series[:-1], series[1:], SIZES, WASHOUT, objective, SOURCES
    )  # fmt: skip
