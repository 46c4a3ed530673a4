"""Omniglot's 20 runs of one-shot classification, learned from its two small sets of background alphabets."""

import io
import zipfile
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.data_files import DataFile, from_files
from neurorec.tasks.drawings import SIDE, Sheets, distorted, prepared, shown
from neurorec.tasks.objective import SPLITS
from neurorec.tasks.objectives.one_shot import CLASS, NO_RUN, OneShot
from neurorec.tasks.task import Task, tasks

ORIGIN = "github.com/brendenlake/omniglot, python/"


def _file(name: str, folder: str, size: int, sha256: str) -> DataFile:
    return DataFile(f"omniglot/{name}", size, sha256, f"{ORIGIN}{folder}{name}", "MIT")


RUNS = _file(
    "all_runs.zip", "one-shot-classification/", 352_787,
    "437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
)  # fmt: skip
BACKGROUND = (
    _file("images_background_small1.zip", "", 1_319_022,
          "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
    _file("images_background_small2.zip", "", 1_580_917,
          "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"),
)  # fmt: skip
SOURCES = ("lake2015", "omniglot")
OUTPUTS = 64
WAYS = 20  #: classes per run
HELD_OUT = ("Balinese", "Early_Aramaic")  #: background alphabets for validation
DRAWERS = 20  #: of every background character


class OneShotRun(NamedTuple):
    """One run, as published."""

    training: np.ndarray  #: [20, 105, 105] bool, the ink of one drawing per character, in the order of their file names
    tests: np.ndarray  #: [20, 105, 105] bool
    right: np.ndarray  #: [20] the training drawing of the same character as each test drawing


@cache
def one_shot_runs() -> tuple[OneShotRun, ...]:
    with zipfile.ZipFile(io.BytesIO(RUNS.read())) as archive:
        folders = sorted({name.partition("/")[0] for name in archive.namelist()})
        return tuple(_run(archive, folder) for folder in folders)


def _run(archive: zipfile.ZipFile, folder: str) -> OneShotRun:
    pairs = dict(line.split() for line in archive.read(f"{folder}/class_labels.txt").decode().splitlines())
    tests, training = sorted(pairs), sorted(pairs.values())
    right = np.array([training.index(pairs[test]) for test in tests])
    return OneShotRun(_inked(archive, training), _inked(archive, tests), right)


@cache
def background() -> dict[str, np.ndarray]:
    """Alphabet -> ink [characters, 20 drawers, 105, 105] bool. Two alphabets are, with the same drawings, in both files."""
    found: dict[str, np.ndarray] = {}
    for file in BACKGROUND:
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".png"))
            for alphabet in sorted({PurePosixPath(name).parts[1] for name in names} - set(found)):
                own = _inked(archive, [name for name in names if PurePosixPath(name).parts[1] == alphabet])
                found[alphabet] = own.reshape(-1, DRAWERS, *own.shape[1:])
    return found


def _inked(archive: zipfile.ZipFile, names: list[str]) -> np.ndarray:
    from PIL import Image

    return np.stack([~np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])


class PublishedRuns(OneShot):
    """One-shot classification in the published runs, whose original drawings it knows: test run k is `runs[k]`."""

    @property
    def runs(self) -> tuple[OneShotRun, ...]:
        return one_shot_runs()


class Drawings(NamedTuple):
    """Drawings [N, 105, 105] with targets [N, 3]: class, run, role."""

    ink: Tensor
    target: Tensor


def arranged(alphabets: list[np.ndarray], classes_from: int = 0) -> Drawings:
    """All drawings of these alphabets, those in runs first. A run has 20 characters of one alphabet, for training as one person
    drew them, for testing as another did; every drawing is in one run at most."""
    inks, targets, others, run = [], [], [], 0
    for ink in alphabets:
        labels = classes_from + np.arange(len(ink))
        classes_from += len(ink)
        whole = len(ink) - len(ink) % WAYS
        for start in range(0, whole, WAYS):
            some = slice(start, start + WAYS)
            for drawer in range(0, DRAWERS, 2):
                for role in (1, 0):
                    inks.append(ink[some, drawer + 1 - role])
                    targets.append([(label, run, role) for label in labels[some]])
                run += 1
        others.append((ink[whole:].reshape(-1, *ink.shape[2:]), np.repeat(labels[whole:], DRAWERS)))
    inks += [ink for ink, _ in others]
    targets += [np.stack([labels, NO_RUN + 0 * labels, 0 * labels], 1) for _, labels in others]
    return Drawings(torch.from_numpy(np.concatenate(inks)).float(), torch.from_numpy(np.concatenate(targets)))


def published(runs: tuple[OneShotRun, ...], classes_from: int) -> Drawings:
    """The drawings of the published runs."""
    inks, targets = [], []
    for number, run in enumerate(runs):
        labels = classes_from + WAYS * number + np.arange(WAYS)
        inks += [run.training, run.tests]
        targets += [[(label, number, 1) for label in labels], [(label, number, 0) for label in labels[run.right]]]
    return Drawings(torch.from_numpy(np.concatenate(inks)).float(), torch.from_numpy(np.concatenate(targets)))


@cache
def _drawings() -> tuple[Drawings, Drawings, Drawings]:
    """Of training, validation and test. Held-out characters that are in no run are left out."""
    alphabets = background()
    train = arranged([alphabets[name] for name in sorted(alphabets) if name not in HELD_OUT])
    classes = int(train.target[:, CLASS].max()) + 1
    held_out = [alphabets[name][:WAYS] for name in HELD_OUT]
    return train, arranged(held_out, classes), published(one_shot_runs(), classes + WAYS * len(HELD_OUT))


@cache
def _seen() -> tuple[Sheets, Tensor]:
    """The training drawings, to be distorted, and all inputs."""
    sheets = [prepared(part.ink) for part in _drawings()]
    return sheets[0], torch.cat([shown(each) for each in sheets])[None]


@tasks.register("omniglot")
@from_files(RUNS, *BACKGROUND, inputs=SIDE * SIDE, outputs=OUTPUTS, sources=SOURCES)
def omniglot(seed: int) -> Task:
    """Embed drawings of characters so that new ones are recognised after one example.

    A frame has 14 x 14 pixels, blurred, centred and scaled by the ink; the answer is a point in 64 dimensions.

    Tested on the 20 published runs, each with 20 new characters of one alphabet. Trained on all drawings of six background
    alphabets, distorted anew in every epoch: turned, stretched, sheared and shifted, and each character as a whole turned by a
    multiple of 90 degrees. Validated on 20 such runs of two other background alphabets.
    """
    parts, (train, x) = _drawings(), _seen()
    target = parts[0].target

    def draw(generator: torch.Generator) -> Batch:
        return Batch(distorted(train, target[:, CLASS], generator)[None], target, torch.tensor([True]))

    ends = np.cumsum([len(part.ink) for part in parts])
    return ArrayTask(
        name="omniglot",
        title="one-shot classification of characters, 14 x 14 pixels at once",
        x=x,
        target=torch.cat([part.target for part in parts]),
        mask=torch.tensor([True]),
        splits=dict(zip(SPLITS, np.split(np.arange(ends[-1]), ends[:-1]), strict=True)),
        outputs=OUTPUTS,
        sources=SOURCES,
        objective=PublishedRuns(),
        draw=draw,
    )
