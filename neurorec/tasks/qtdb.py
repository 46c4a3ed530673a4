"""Heart beats: electrocardiograms of the QT Database as level-crossing spikes, with a label for every step."""

from functools import cache
from io import BytesIO

import numpy as np
import torch

from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.data_files import DataFile, from_files
from neurorec.tasks.objectives.step_classification import StepClassification
from neurorec.tasks.task import Split, Task, tasks

ORIGIN = "github.com/byin-cwi/Efficient-spiking-networks, data/{}"
LICENCE = "MIT (the repository's); derived from the QT Database of PhysioNet"
TRAIN = DataFile(
    "qtdb/QTDB_train.mat",
    size=537_262,
    sha256="72d1a10c96f1540880447e07256835d66da419c0b34f3dff495731a7928c5bc7",
    origin=ORIGIN.format("QTDB_train.mat"),
    licence=LICENCE,
)
TEST = DataFile(
    "qtdb/QTDB_test.mat",
    size=112_720,
    sha256="916f11e21679a5b61988305bbb7cd1e6df8b34f1ed4a157a7a4e295d400ef232",
    origin=ORIGIN.format("QTDB_test.mat"),
    licence=LICENCE,
)
TRAINED, VALIDATION = 500, 118  #: the 618 sequences of the training file
CLASSES, LINES = 6, 4
TRACE_STEPS = (4.0, 16.0, 64.0, 256.0)  #: time constants of the baseline's traces
SOURCES = ("laguna1997", "yin2021")


@cache
def heart_beats() -> tuple[np.ndarray, np.ndarray]:
    """Spikes [N, 1301, 4], and classes [N, 1301, 6] with at most one per step; the test file last."""
    from scipy.io import loadmat

    files = [loadmat(BytesIO(file.read())) for file in (TRAIN, TEST)]
    x, y = (np.concatenate([file[name] for file in files]) for name in ("x", "y"))
    return np.where(x < 0, 0, x), y  # the last step of line 0 is an end mark of -1


def _task(name: str, title: str, all_steps: bool) -> Task:
    x, y = heart_beats()
    labelled = torch.from_numpy(y.any(2).T)
    train, validation, test = np.split(np.arange(len(x)), [TRAINED, TRAINED + VALIDATION])
    splits: dict[Split, np.ndarray] = {"train": train, "validation": validation, "test": test}
    return ArrayTask(
        name=name, title=title, x=torch.from_numpy(x.transpose(1, 0, 2)).float(),
        target=torch.from_numpy(y.argmax(2).T.astype(np.int64)),
        mask=torch.ones_like(labelled) if all_steps else labelled, splits=splits, outputs=CLASSES, sources=SOURCES,
        objective=StepClassification(TRACE_STEPS),
    )  # fmt: skip


@tasks.register("qtdb")
@from_files(TRAIN, TEST, inputs=LINES, outputs=CLASSES, sources=SOURCES)
def qtdb(seed: int) -> Task:
    """Which of six parts of a heart beat each of 1,301 steps belongs to, from spikes on four lines.

    8 % of the steps of the training file and 10 % of those of the test file have no label. Here they count as class 0, as in
    the origin's own code, so that accuracies compare with those published; in `qtdb_labelled` they do not count. The test
    split is the origin's; the last 118 sequences of its training file are for validation.
    """
    return _task("qtdb", "parts of a heart beat (steps without a label are class 0)", all_steps=True)


@tasks.register("qtdb_labelled")
@from_files(TRAIN, TEST, inputs=LINES, outputs=CLASSES, sources=SOURCES)
def qtdb_labelled(seed: int) -> Task:
    """As `qtdb`, but steps without a label do not count."""
    return _task("qtdb_labelled", "parts of a heart beat (labelled steps only)", all_steps=False)
