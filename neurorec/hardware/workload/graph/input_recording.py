"""An input recording: a NumPy file [T, B, ...] or [T, ...], and whether its lines carry spikes or values."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from neurorec.basics.errors import InputError, shown
from neurorec.basics.numpy_file import array_names, read_array

LARGEST = float(np.finfo(np.float32).max)
SIGNALS = ("auto", "spikes", "values")


def read_recording(path: Path) -> np.ndarray:
    """The array in a .npy file, or the only array (or the one called "x" or "input") in an .npz file.

    Raises
    ------
    InputError
        If there is no such file or array, or if it contains anything but finite numbers.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such recording; save the input as a NumPy file [T, B, ...] (.npy or .npz)"
        )
    names = array_names(path)
    named = [name for name in ("x", "input") if name in names]
    if len(names) != 1 and not named:
        held = shown(", ".join(names), 200)
        raise InputError(f'{path}: contains {held}; call the recording "x", or save it separately with numpy.save')
    array = read_array(path, named[0] if named else names[0])
    if array.size == 0 or array.ndim == 0:
        raise InputError(
            f"{path}: a recording must be numbers [T, B, ...], but this is {array.dtype} of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise InputError(
            f"{path}: the recording contains {int((~np.isfinite(array)).sum())} NaN or infinite numbers; correct them"
        )
    if array.dtype.kind == "f" and np.abs(array).max() > LARGEST:
        raise InputError(f"{path}: the recording contains {np.abs(array).max():g}, too large for float32; correct it")
    return array.astype(np.float64) if array.dtype.kind == "u" and array.dtype.itemsize > 1 else array


def signal_of(x: np.ndarray, asked: str, where: str) -> Literal["spikes", "values"]:
    """The signal of the lines: as `asked`, or spikes if every number is 0 or 1.

    Raises
    ------
    InputError
        For an unknown name, or for spikes that are not counts.
    """
    if asked not in SIGNALS:
        raise InputError(f'--signal "{asked}" is not known; known: {", ".join(SIGNALS)}')
    if asked == "spikes" and ((x < 0) | (x != np.floor(x))).any():
        wrong = x[(x < 0) | (x != np.floor(x))].flat[0]
        raise InputError(
            f"{where}: spikes are counts (0, 1, 2, ...), but the recording contains {wrong:g}; use --signal values"
        )
    if asked == "auto":
        return "spikes" if ((x == 0) | (x == 1)).all() else "values"
    return "values" if asked == "values" else "spikes"
