"""NumPy files that claim more than they hold: refused by their headers."""

import io
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest

from neurorec.basics import numpy_file
from neurorec.basics.errors import InputError
from neurorec.basics.numpy_file import array_names, read_array


def npy(kind="'<f4'", shape="(2,)", body=bytes(8)):
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def packed(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(f"{name}.npy", raw)
    return file.getvalue()


def told(path, raw, name=""):
    path.write_bytes(raw)
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: ") as caught:
        read_array(path, name or array_names(path)[0])
    return str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            npy(shape="(10000000000000,)"),
            "the header claims an array [10000000000000] of float32, 40000000000000 bytes, but 8",
        ),
        (npy(shape=f"({2**70},)"), f"the header claims an array [{2**70}] of float32, {2**72} bytes, but 8 follow"),
        (npy(shape="(-2,)"), "the header claims an array [-2] of float32"),
        (npy(body=bytes(5)), "the header claims an array [2] of float32, 8 bytes, but 5 follow"),
        (npy("'|O'"), "an array must hold numbers of at most 64 bits, but this is object of shape (2,)"),
        (npy("'<f16'", body=bytes(32)), "but this is float128 of shape (2,); use .astype(float)"),
        (npy("'<c8'", body=bytes(16)), "but this is complex64 of shape (2,); use .astype(float)"),
        (npy("[('a', '<f4')]"), "an array must hold numbers"),
        (npy("'nonsense'"), "this NumPy file is damaged"),
        (npy(shape="(" * 300), "this NumPy file is damaged"),
        (b"\x93NUMPY\x01\x00\x04\x00[[[\n", "this NumPy file is damaged"),
        (b"\x93NUMPY\x09\x09" + bytes(20), "version (9, 9) of NumPy's format is not for plain numbers; save it again"),
        (b"\x93NUMPY", "this NumPy file is damaged"),
        (b"PK\x03\x04nothing", "this NumPy file is damaged"),
        (b"text", "this is not a NumPy file; save it with numpy.save (.npy) or numpy.savez (.npz)"),
        (packed(), "this zip file contains nothing, but no NumPy arrays"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_file_that_does_not_hold_what_it_claims_is_refused(tmp_path, raw, said):
    path = tmp_path / "x.npy"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_array(path, array_names(path)[0])
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_zip_file_without_arrays_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    with pytest.raises(InputError, match="this zip file contains 1 files, but no NumPy arrays"):
        array_names(path)


def test_a_wrong_checksum_is_found(tmp_path):
    body = np.arange(100.0)
    file = io.BytesIO()
    np.savez(file, x=body)
    raw = bytearray(file.getvalue())
    raw[raw.index(np.float64(50).tobytes()) + 1] ^= 1
    assert "this NumPy file is damaged (Bad CRC-32 for file 'x.npy')" in told(tmp_path / "x.npz", bytes(raw), "x")


def test_compressed_data_may_not_grow_without_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_file, "SMALL", 10**6)
    bomb = packed(x=npy(shape="(500000,)", body=bytes(2_000_000)))
    assert "x would grow from " in told(tmp_path / "x.npz", bomb, "x")
    assert "more than 100-fold; save it uncompressed, with numpy.savez" in told(tmp_path / "x.npz", bomb, "x")


def test_a_member_that_says_it_is_larger_than_it_is_fails_on_its_length(tmp_path):
    raw = bytearray(packed(x=npy()))
    assert zlib.crc32(npy())
    at = raw.rindex(b"PK\x01\x02") + 24  # the size in the directory
    raw[at : at + 4] = struct.pack("<I", 10**6)
    assert "x.npz: " in told(tmp_path / "x.npz", bytes(raw), "x")


def test_an_array_larger_than_a_quarter_of_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_file, "memory_limit", lambda: 30)
    assert "an array of 8e-09 GB is more than a quarter of the memory" in told(tmp_path / "x.npy", npy())


@pytest.mark.parametrize("kind", [">f4", "<f8", ">i2", "|b1", ">u8"])
def test_other_byte_orders_and_layouts_are_read_right(tmp_path, kind):
    x = np.asfortranarray(np.arange(24).reshape(2, 3, 4) % 2).astype(kind)
    np.save(tmp_path / "x.npy", x)
    np.savez_compressed(tmp_path / "x.npz", x=x)
    for name, member in [("x.npy", ""), ("x.npz", "x")]:
        read = read_array(tmp_path / name, member)
        assert read.dtype.isnative
        assert np.array_equal(read, x)
