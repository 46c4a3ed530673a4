"""Spoken digits: the Free Spoken Digit Dataset, as energies in mel bands."""

import hashlib
import io
import re
import wave
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.data_files import DataFile, data_folder, from_files
from neurorec.tasks.objectives.classification import Classification, segment_means
from neurorec.tasks.task import Split, Task, tasks

SUMS = DataFile(
    "fsdd/SHA256SUMS",
    size=278_900,
    sha256="04e1baae96c6a26e39c623f2b01d0182ddae627ba0ac02a3cdc17ba2af99fd9b",
    origin="github.com/Jakobovski/free-spoken-digit-dataset, with the list that sha256sum recordings/*.wav writes",
    licence="CC BY-SA 4.0",
)
RATE_HZ, WINDOW, HOP, BANDS, FRAMES = 8000, 200, 80, 24, 100  #: windows of 25 ms every 10 ms; at most 1 s
LOWEST_HZ, DEPTH_DB = 80.0, 60.0
SEGMENTS = 8
TEST, VALIDATION = range(0, 5), range(5, 10)  #: numbers of recordings; the others are for training


@dataclass(frozen=True)
class Recordings:
    x: Tensor  #: [T, N, I]
    lengths: Tensor  #: [N]
    digits: Tensor  #: [N]
    speakers: tuple[str, ...]  #: of every recording
    numbers: np.ndarray  #: [N], of the recording among those of the same speaker and digit


@cache
def recordings() -> Recordings:
    """All 3,000, read and checked once per process."""
    entries = [line.split() for line in SUMS.read().decode().splitlines()]
    spectra = [mel_bands(samples_of(path, expected)) for expected, path in entries]
    names = [re.fullmatch(r"recordings/(\d)_([a-z]+)_(\d+)\.wav", path) for _, path in entries]
    x = torch.zeros(FRAMES, len(entries), BANDS)
    for n, spectrum in enumerate(spectra):
        x[: len(spectrum), n] = torch.from_numpy(spectrum)
    return Recordings(
        x, torch.tensor([len(spectrum) for spectrum in spectra]), torch.tensor([int(name[1]) for name in names if name]),
        tuple(name[2] for name in names if name), np.array([int(name[3]) for name in names if name]),
    )  # fmt: skip


def samples_of(path: str, expected: str) -> np.ndarray:
    """The samples of a recording, in -1..1. Raises `InputError` if it is missing or differs from the origin's."""
    place = data_folder() / "fsdd" / path
    content = place.read_bytes() if place.is_file() else b""
    if hashlib.sha256(content).hexdigest() != expected:
        raise InputError(f"{place}: is missing or differs from the origin's; get it again from {SUMS.origin}")
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2.0**15


def mel_bands(samples: np.ndarray) -> np.ndarray:
    """Energies [frames, BANDS] in dB below the largest of the recording, from DEPTH_DB (0) to none (1)."""
    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP][:FRAMES]
    power = np.abs(np.fft.rfft(windows * np.hamming(WINDOW), axis=1)) ** 2
    decibels = 10 * np.log10(power @ _bank().T + 1e-12)
    return np.clip(1 + (decibels - decibels.max()) / DEPTH_DB, 0, 1).astype(np.float32)


@cache
def _bank() -> np.ndarray:
    """Triangular filters [BANDS, WINDOW / 2 + 1], equally spaced in mel = 2595 log10(1 + f / 700)."""
    first, last = 2595 * np.log10(1 + np.array([LOWEST_HZ, RATE_HZ / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(first, last, BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    low, middle, high = (edges[k : k + BANDS, None] for k in range(3))
    return np.clip(np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)), 0, None)


@tasks.register("spoken_digits")
@from_files(SUMS, inputs=BANDS, outputs=10, sources=("fsdd",))
def spoken_digits(seed: int) -> Task:
    """Which of ten digits one of six speakers says, from the energy in 24 mel bands every 10 ms, up to 1 s.

    Recordings 0 to 4 of every speaker and digit are for testing (the data set's own split), 5 to 9 for validation, the others
    for training.
    """
    numbers = recordings().numbers
    return _task("spoken_digits", "spoken digits", np.isin(numbers, TEST), np.isin(numbers, VALIDATION))


@tasks.register("spoken_digits_new_speaker")
@from_files(SUMS, inputs=BANDS, outputs=10, sources=("fsdd",), folds=6)
def spoken_digits_new_speaker(seed: int) -> Task:
    """The same digits, tested on a speaker who was not heard in training.

    The seed chooses one of the six speakers for testing (seed modulo 6, in alphabetical order) and the next for validation;
    the other four are for training. Seeds 0 to 5 leave out every speaker once.
    """
    found = recordings()
    speakers = sorted(set(found.speakers))
    test, validation = (np.array(found.speakers) == speakers[(seed + k) % len(speakers)] for k in range(2))
    return _task("spoken_digits_new_speaker", "spoken digits by a new speaker", test, validation)


def _task(name: str, title: str, test: np.ndarray, validation: np.ndarray) -> Task:
    found = recordings()
    chosen = {"train": ~(test | validation), "validation": validation, "test": test}
    splits: dict[Split, np.ndarray] = {split: np.flatnonzero(which) for split, which in chosen.items()}  # type: ignore[misc]
    return ArrayTask(
        name=name, title=title, x=found.x, target=found.digits,
        mask=torch.arange(FRAMES)[:, None] < found.lengths, splits=splits, outputs=10, sources=("fsdd",),
        objective=Classification(SEGMENTS), lengths=found.lengths, trimmed=True,
    )  # fmt: skip


@tasks.register("spoken_digits_at_once")
@from_files(SUMS, inputs=BANDS * SEGMENTS, outputs=10, sources=("fsdd",))
def spoken_digits_at_once(seed: int) -> Task:
    """Which of ten digits is said, all at once: the mean energies in 24 mel bands over 8 equal parts of each recording.

    The splits of `spoken_digits`, for networks that settle on one constant input.
    """
    found: Any = spoken_digits(seed)
    whole = Batch(found.x, found.target, found.mask, found.lengths)
    means = segment_means(whole, SEGMENTS)[:, :-1].float()
    return ArrayTask(
        name="spoken_digits_at_once", title="spoken digits, all at once", x=means[None],
        target=found.target, mask=torch.tensor([True]), splits=found.splits, outputs=10, sources=("fsdd",),
        objective=Classification(),
    )  # fmt: skip
