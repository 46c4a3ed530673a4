"""NumPy files (.npy, .npz) from anywhere, read only as far as their headers are plausible.

The header says how many bytes follow, so shape, type and size are checked before anything is allocated; nothing is unpickled,
checksums are verified, and compressed data may not grow without bounds.
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from neurorec.basics.errors import InputError, shown
from neurorec.basics.memory_limit import gigabytes, memory_limit

NUMPY, ZIP = b"\x93NUMPY", b"PK"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
MOST_MEMBERS = 1_000
GROWTH = 100  #: compressed arrays may grow by this factor
SMALL = 10**8  #: bytes to which they may grow in any case


def array_names(path: Path) -> list[str]:
    """The names of the arrays in an .npz file; [""] for an .npy file. Raises `InputError` for any other file."""
    with _opened(path) as file:
        return [""] if file.read(len(NUMPY)) == NUMPY else [*_members(path, file)]


def read_array(path: Path, name: str = "") -> np.ndarray:
    """An array of numbers, in this machine's byte order; `name`: as `array_names` gives it.

    Raises
    ------
    InputError
        If the file or the array in it is damaged, too large, or holds anything but booleans, integers and real numbers.
    """
    with _opened(path) as file:
        if not name:
            return _array(path, file, path.stat().st_size)
        member = _members(path, file)[name]
        if member.file_size > max(SMALL, GROWTH * path.stat().st_size):
            raise InputError(
                f"{path}: {shown(name)} would grow from {path.stat().st_size:,} to {member.file_size:,} bytes, more than "
                f"{GROWTH}-fold; save it uncompressed, with numpy.savez"
            )
        with zipfile.ZipFile(file) as archive, archive.open(member) as inside:
            return _array(path, inside, member.file_size)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, with every fault of NumPy's and zip's formats as an `InputError`."""
    try:
        with path.open("rb") as file:
            yield file
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # whatever NumPy's and zip's readers make of a damaged file
        reason = shown(str(error).partition("\n")[0] or type(error).__name__, 120)
        raise InputError(f"{path}: this NumPy file is damaged ({reason}); save it again") from None


def _members(path: Path, file: IO[bytes]) -> dict[str, zipfile.ZipInfo]:
    file.seek(0)
    if file.read(len(ZIP)) != ZIP:
        raise InputError(f"{path}: this is not a NumPy file; save it with numpy.save (.npy) or numpy.savez (.npz)")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    found = {each.filename.removesuffix(".npy"): each for each in members if each.filename.endswith(".npy")}
    if not found or len(members) > MOST_MEMBERS:
        held = f"{len(members):,} files" if members else "nothing"
        raise InputError(
            f"{path}: this zip file contains {held}, but no NumPy arrays that could be meant; use numpy.savez"
        )
    return found


def _array(path: Path, file: IO[bytes], size: int) -> np.ndarray:
    """The array that starts here, in a file of `size` bytes."""
    file.seek(0)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise InputError(f"{path}: version {version} of NumPy's format is not for plain numbers; save it again")
    shape, fortran, dtype = HEADERS[version](file)
    _check_kind(path, dtype, shape)
    claimed, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or claimed != held:
        raise InputError(
            f"{path}: the header claims an array {shown(list(shape))} of {dtype}, {shown(claimed)} bytes, but {held:,} follow; "
            "the file is damaged or was cut off; save it again"
        )
    if claimed > memory_limit() // 4:
        raise InputError(
            f"{path}: an array of {gigabytes(claimed)} is more than a quarter of the memory ({gigabytes(memory_limit())}); "
            "record fewer samples or steps"
        )
    array = np.empty(math.prod(shape), dtype)
    _fill(file, array.view(np.uint8).data)
    array = array.reshape(shape, order="F" if fortran else "C")
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def _check_kind(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        hint = "; use .astype(float)" if dtype.kind in "fc" else ""
        raise InputError(
            f"{path}: an array must hold numbers of at most 64 bits, but this is {shown(str(dtype))} of shape "
            f"{shown(shape)}{hint}"
        )


def _fill(file: IO[bytes], into: memoryview) -> None:
    done = 0
    while done < len(into):
        got = file.readinto(into[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError("it ends too early")
        done += got
    if file.read(1):  # the end of a zip member, where its checksum is verified
        raise ValueError("there is more after its end")
