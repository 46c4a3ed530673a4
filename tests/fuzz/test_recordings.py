"""Broken recordings, for --input and --spikes: a readable error, or an array."""

import io
import struct
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorec.hardware.workload.description import described_work
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.graph import read_recording, signal_of
from tests.fuzz.worker import Worker, assert_readable

MANY = settings(max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=200)
LAYERS = [{"name": "a", "size": 6, "spikes_per_step": 0.1}, {"name": "b", "size": 3}]
NET = Description.model_validate({
    "about": "", "neuron": "lif", "steps": 10, "dt_ms": 1.0, "layer": LAYERS,
    "input": {"size": 4, "signal": "spikes", "spikes_per_step": 0.1},
})  # fmt: skip
TYPES = [
    *(
        "<f4",
        "<f8",
        ">f8",
        "<f2",
        "<f16",
        "|b1",
        "|i1",
        "<i8",
        ">i4",
        "<u8",
        "<u2",
        "<c8",
        "|O",
        "<U3",
        "<M8[s]",
        "|V4",
    ),
    *("nonsense", "[('a', '<f4')]"),
]
SHAPES = [
    *(
        "(3, 2)",
        "(10, 1, 4)",
        "()",
        "(0,)",
        "(6,)",
        f"({10**13},)",
        f"({2**70},)",
        "(-1,)",
        "(2, -3)",
        "(1.5,)",
        "('a',)",
    ),
    *("3", f"({2**32}, {2**32})", "(True,)", "(" + "1, " * 70 + ")", "x", "(" * 300),
]
NAMES = [
    *("x.npy", "input.npy", "step.npy", "unit.npy", "input_step.npy", "input_line.npy"),
    *("readme.txt", "../x.npy", "a\x1b.npy", "x"),
]
seen: Counter = Counter()


@st.composite
def arrays(draw):
    """An .npy file: a header that may lie, and some bytes."""
    kind, shape = draw(st.sampled_from(TYPES)), draw(st.sampled_from(SHAPES))
    quoted = kind if kind.startswith("[") else repr(kind)
    header = (
        f"{{'descr': {quoted}, 'fortran_order': {draw(st.sampled_from(['False', 'True', '3']))}, 'shape': {shape}, }}"
    )
    header = draw(st.sampled_from([header, header, header, header, "{}", "[[[", header[:20], "0" * 20_000])) + "\n"
    version = draw(st.sampled_from([(1, 0), (1, 0), (1, 0), (2, 0), (3, 0), (9, 9)]))
    length = struct.pack("<H" if version == (1, 0) else "<I", min(len(header), 65535))
    held = draw(st.sampled_from([0, 3, 24, 40, 48, 80, 160, 320, 1000]))
    body = draw(st.sampled_from([bytes(held), b"\x01\x00\x00\x00\x00\x00\x00\x00" * (held // 8), b"\xff" * held]))
    return b"\x93NUMPY" + bytes(version) + length + header.encode() + body


@st.composite
def sound(draw):
    shape = draw(st.sampled_from([(10, 1, 4), (6,), (0,), (5, 4)]))
    kind = draw(st.sampled_from(["f4", ">f8", "i8", ">u2", "u8", "?", "i1"]))
    file = io.BytesIO()
    np.save(file, np.full(shape, draw(st.sampled_from([0, 1, 3, 255])), np.uint8).astype(kind))
    return file.getvalue()


@cache
def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x.npy", "step.npy"):
            archive.writestr(name, bytes(2 * 10**8))
    return packed.getvalue()


@st.composite
def files(draw):
    whole = draw(st.one_of(arrays(), sound()))
    if draw(st.integers(0, 50)) == 0:
        return bomb()
    if draw(st.booleans()):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as archive:
            for name in draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True)):
                archive.writestr(name, draw(st.one_of(sound(), st.just(whole))))
        whole = packed.getvalue()
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, max(0, len(whole) - 1)))
        whole = whole[:at] + bytes([draw(st.integers(0, 255))]) + whole[at + 1 :]
    return whole[: draw(st.sampled_from([None, None, None, 5, 60, -1]))]


def use(path: Path, as_spikes: bool) -> None:
    if as_spikes:
        described_work(NET, path)
    else:
        signal_of(read_recording(path), "auto", "made")


def prepare() -> None:
    pass


@pytest.fixture(scope="module")
def worker():
    one = Worker(prepare, use)
    yield one
    one.stop()
    print(dict(seen))


def try_file(worker, folder, raw, as_spikes):
    path = folder / "recording.npz"
    path.write_bytes(raw)
    outcome, said = worker(path, as_spikes)
    seen[outcome] += 1
    assert_readable(outcome, said)


@given(raw=files(), as_spikes=st.booleans())
@FEW
def test_a_broken_recording_is_refused_readably_or_read(worker, tmp_path_factory, raw, as_spikes):
    try_file(worker, tmp_path_factory.getbasetemp(), raw, as_spikes)


@pytest.mark.slow
@given(raw=files(), as_spikes=st.booleans())
@MANY
def test_ten_thousand_broken_recordings(worker, tmp_path_factory, raw, as_spikes):
    try_file(worker, tmp_path_factory.getbasetemp(), raw, as_spikes)
