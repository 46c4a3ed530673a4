"""MNIST: handwritten digits of 28 x 28 pixels, all at once."""

import gzip
from functools import cache

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.data_files import DataFile, from_files
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Task, tasks

OFFICIAL = "github.com/patrick-kidger/equinox, docs/examples/MNIST/MNIST/raw/"
REBUILT = "github.com/taneishi/convnetjs, demo/mnist/mnist_batch_{0..19}.png, adding 1 to every pixel that is not 0"
LICENCE = "CC BY-SA 3.0"
SIDE, CLASSES, HELD_OUT = 28, 10, 10_000  #: the last training images are for validation
TYPES = {1: 0x801, 3: 0x803}  #: by number of axes: the first number of a file of bytes


def _file(name: str, size: int, sha256: str, origin: str = OFFICIAL) -> DataFile:
    return DataFile(f"mnist/{name}", size, sha256, origin, LICENCE)


FILES = (
    _file("train-images-idx3-ubyte.gz", 9_603_454,
          "93e036784f930730195681326e1602b1ef27f641efc0894ec4e9924776d448db", REBUILT),
    _file("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    _file("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    _file("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)  # fmt: skip


def unpacked(packed: bytes, axes: int) -> np.ndarray:
    """The bytes of an IDX file: a number that states the type, the lengths of the axes, and the values, all big-endian."""
    content = gzip.decompress(packed)
    kind, *shape = np.frombuffer(content, ">u4", 1 + axes).tolist()
    values = np.frombuffer(content, np.uint8, offset=4 * (1 + axes))
    if kind != TYPES[axes] or len(values) != np.prod(shape):
        raise InputError(
            f"MNIST: expected an IDX file of bytes with {axes} axes, {TYPES[axes]:#x} (got {kind:#x}, {len(values)} values for "
            f"{shape}); get the file again"
        )
    return values.reshape(shape)


def _images() -> tuple[Tensor, Tensor]:
    """Pixels [N, 28, 28] in 0..1 and labels [N], training images first."""
    train, labels, test, test_labels = (unpacked(file.read(), 3 - 2 * (k % 2)) for k, file in enumerate(FILES))
    pixels = torch.from_numpy(np.concatenate([train, test])).float().div_(255)
    return pixels, torch.from_numpy(np.concatenate([labels, test_labels])).long()


@cache
def _task() -> Task:
    """One for all seeds, so that its baselines are computed once."""
    pixels, labels = _images()
    everything = np.arange(len(labels))
    train, validation, test = np.split(everything, [60_000 - HELD_OUT, 60_000])
    return ArrayTask(
        name="mnist",
        title="MNIST, all 784 pixels at once",
        x=pixels.reshape(1, len(labels), SIDE * SIDE),
        target=labels,
        mask=torch.tensor([True]),
        splits={"train": train, "validation": validation, "test": test},
        outputs=CLASSES,
        sources=("mnist",),
        objective=objectives["classification"](),
    )


@tasks.register("mnist")
@from_files(*FILES, inputs=SIDE * SIDE, outputs=CLASSES, sources=("mnist",))
def mnist(seed: int) -> Task:
    """Classify handwritten digits of 28 x 28 pixels, the whole image at once, as rates.

    The split is the official one, 10,000 test images; the last 10,000 of the 60,000 training images are for validation.
    """
    return _task()
