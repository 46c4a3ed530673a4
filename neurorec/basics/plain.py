"""Dataclasses to JSON and back, including nested ones, tuples, paths and non-finite numbers; errors name the place."""

import dataclasses
import hashlib
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel

from neurorec.basics.errors import InputError
from neurorec.basics.files import write_atomically

Kept = TypeVar("Kept")
SEAL = "sha256"  #: key of the checksum of a file's other data


def write_plain(kept: Any, path: Path, *, sealed: bool = False) -> Path:
    """`kept` (a dataclass) as JSON. Paths inside the file's folder are written relative to it, so it may be moved. `sealed`:
    with a checksum of the data."""
    data = to_plain(kept, path.parent)
    data = {SEAL: _checksum(data), **data} if sealed else data
    return write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_plain(kind: type[Kept], path: Path, what: str, remedy: str, *, sealed: bool = False) -> Kept:
    """The dataclass that `write_plain` wrote to `path`.

    Raises
    ------
    InputError
        If the file is not JSON, or not `what` in the format of this version, or (`sealed`) not what was written.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if sealed:
            _expect(isinstance(data, dict) and SEAL in data, data, "", f'a table with the key "{SEAL}"')
            if data.pop(SEAL) != _checksum(data):
                raise InputError(f"{path}: damaged (it is not what was written: its SHA-256 differs); {remedy}")
        return from_plain(kind, data, path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not {what} of this version ({error}); {remedy}") from None


def _checksum(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def to_plain(value: Any, base: Path = Path()) -> Any:
    """`value` as plain JSON data; NaN and infinity become None. Raises `TypeError` for any other type."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name), base) for field in dataclasses.fields(value)}
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_none=True)
    if isinstance(value, dict):
        return {str(key): to_plain(item, base) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item, base) for item in value]
    if isinstance(value, Path):
        inside = value.resolve().is_relative_to(base.resolve())
        return value.resolve().relative_to(base.resolve()).as_posix() if inside else str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def from_plain(hint: Any, data: Any, base: Path = Path(), where: str = "") -> Any:
    """Inverse of `to_plain` for type `hint`. Raises `ValueError` naming the place, the given value and what was expected."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else from_plain(_arm(inner, data, where), data, base, where)
    if origin is typing.Literal:
        return _expect(data in inner, data, where, f"one of {', '.join(map(str, inner))}")
    if origin is dict:
        _expect(isinstance(data, dict), data, where, "a table")
        return {inner[0](key): from_plain(inner[1], item, base, f"{where}.{key}") for key, item in data.items()}
    if origin in (list, tuple):
        _expect(isinstance(data, list), data, where, "a list")
        fixed = origin is tuple and ... not in inner
        _expect(not fixed or len(data) == len(inner), data, where, f"a list of {len(inner)}")
        arms = inner if fixed else [inner[0]] * len(data)
        return origin(
            from_plain(arm, item, base, f"{where}[{n}]") for n, (arm, item) in enumerate(zip(arms, data, strict=True))
        )
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, data, base, where)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        _expect(isinstance(data, dict), data, where, "a table")
        return hint.model_validate(data)  # its error is a ValueError
    if hint is Path:
        return base / _expect(isinstance(data, str), data, where, "a path")
    if hint is float:
        number = math.nan if data is None else data
        return _expect(isinstance(number, int | float) and not isinstance(number, bool), number, where, "a number")
    if isinstance(hint, type) and hint is not Any:
        right = isinstance(data, hint) and not (hint is int and isinstance(data, bool))
        return _expect(right, data, where, {str: "text", int: "an integer", bool: "true or false"}.get(hint, str(hint)))
    return data


def _arm(arms: tuple[Any, ...], data: Any, where: str) -> Any:
    """The type meant in a union: of several dataclasses with a field `kind`, the one that the data names, else the first."""
    named = {arm.kind: arm for arm in arms if hasattr(arm, "kind")}
    if not named:
        return next(arm for arm in arms if arm is not type(None))
    kind = data.get("kind") if isinstance(data, dict) else None
    _expect(kind in named, kind, f"{where}.kind", f"one of {', '.join(named)}")
    return named[kind]


def _dataclass(kind: Any, data: Any, base: Path, where: str) -> Any:
    _expect(isinstance(data, dict), data, where, "a table")
    hints, fields = typing.get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}
    unknown = [name for name in data if name not in fields]
    _expect(not unknown, unknown and unknown[0], where, f"a key of {kind.__name__}")
    needed = [
        name for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]  # fmt: skip
    missing = [name for name in needed if name not in data]
    if missing:
        raise ValueError(f"{f'{where}.' if where else ''}{missing[0]} is missing")
    place = f"{where}." if where else ""
    return kind(**{name: from_plain(hints[name], item, base, place + name) for name, item in data.items()})


def _expect(right: bool, data: Any, where: str, expected: str) -> Any:
    if not right:
        raise ValueError(f"{where or 'the file'}: must be {expected}, got {data!r:.60}")
    return data
