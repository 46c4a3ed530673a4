"""Cards: TOML files checked against a schema before anything runs.

A card is data: registered names and numbers with units in the key. `Card` is the base of every schema; unknown keys,
missing keys and impossible values raise `InputError` naming file, key, the given value and what was expected.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from neurorec.basics.errors import InputError, did_you_mean, shown

MOST_BYTES = 10**6  #: of a card; the longest of ours has a twentieth of it
DEEPEST = 32  #: tables within tables
LONG_KEY = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*\.[ \t]*){{{DEEPEST}}}")  #: a.b.c..., which nests tables
UNITS = ("ms", "us", "ns", "s", "pJ", "nJ", "uJ", "mJ", "fJ", "mW", "uW", "W", "bits", "bytes", "mV", "hz")


class Card(BaseModel):
    """Base of every card schema: closed (no unknown key), immutable, strict about types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


AnyCard = TypeVar("AnyCard", bound=Card)
PACKAGE = Path(__file__).resolve().parents[1]


def card_folder(kind: str) -> Path:
    """The folder of the cards of `kind` ("models", "hardware", "hardware/links", "experiments"): inside the wheel, or next to
    the package."""
    top, *below = kind.split("/")
    packed = PACKAGE / top / "cards"
    return (packed if packed.is_dir() else PACKAGE.parent / top).joinpath(*below)


def card_names(kind: str) -> list[str]:
    return sorted(path.stem for path in card_folder(kind).glob("*.toml"))


def find_card(kind: str, name: str | Path) -> Path:
    """The card called `name`, or the card file at the path `name`."""
    if str(name).endswith(".toml"):
        path = Path(name)
        if not os.path.lexists(path):
            raise InputError(
                f"{shown(str(path), 300)}: there is no such card file; give a path to a .toml file or one of: {_known(kind)}"
            )
        if "$" in path.stem or not path.stem.isprintable():
            raise InputError(
                f"{shown(str(path), 300)}: rename the file without $ and control characters: plots show its name"
            )
        return path
    path = card_folder(kind) / f"{name}.toml"
    if not os.path.isfile(path):
        close = did_you_mean(str(name), card_names(kind))
        raise InputError(f'there is no card "{shown(str(name))}" in {kind}/{close}; known: {_known(kind)}')
    return path


def _known(kind: str) -> str:
    return ", ".join(card_names(kind))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    InputError
        If it is no regular file (a folder, a pipe, a device), no TOML, too long, nested too deeply, or has an integer of more
        than 64 bits.
    """
    return parse_toml(read_text(path), path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The data of a card's text; `path` is only named in messages. Raises as `read_toml`."""
    try:
        if LONG_KEY.search(text):
            raise RecursionError
        data = tomllib.loads(text)
        _check_extent(data)
    except RecursionError:
        raise InputError(f"{path}: tables are nested deeper than {DEEPEST} levels; no card needs that") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: this is not valid TOML: {shown(str(error), 200)}") from None
    except ValueError:
        raise InputError(f"{path}: an integer has more than 64 bits; write a smaller number") from None
    return data


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text of a regular file of at most `most_bytes`. Raises `InputError`."""
    try:
        if os.path.lexists(path) and not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise InputError(f"{path}: this is {kind}; give a text file")
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
        if len(raw) > most_bytes:
            raise InputError(f"{path}: the file is longer than {most_bytes:,} bytes; this is not what it should be")
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: this is not a text file (UTF-8)") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(str(path), 300)}: cannot be read: {reason}") from None


def _check_extent(data: Any) -> None:
    """Raises RecursionError for tables or lists nested too deeply, ValueError for an integer of more than 64 bits."""
    level = [data]
    for _ in range(DEEPEST):
        if any(isinstance(each, int) and not -(2**63) <= each < 2**63 for each in level):
            raise ValueError
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for items in inside for each in items]
        if not level:
            return
    raise RecursionError


def load_card(path: Path, schema: type[AnyCard]) -> AnyCard:
    """Read `path` and check it against `schema`."""
    return check_card(read_toml(path), schema, where=path.name)


def check_card(data: dict[str, Any], schema: type[AnyCard], where: str) -> AnyCard:
    """Check plain data against a schema; the first few errors are raised as one `InputError`.

    `where` is the file, or "file: table" for one table of it.
    """
    file, _, table = where.partition(": ")
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        faults = [f"{file}: {_explain(fault, schema, table)}" for fault in error.errors()[:5]]
        if error.error_count() > 5:
            faults.append(f"{file}: and {error.error_count() - 5} more")
        raise InputError("\n".join(faults)) from None


def _explain(fault: Any, schema: type[BaseModel], table: str) -> str:
    keys = [key for key in fault["loc"] if not str(key).startswith(("function-", "tagged-union"))]
    path = ".".join(filter(None, [table, *(shown(str(key)) for key in keys)]))
    kind, came = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        parent, wrong = ".".join(filter(None, [table, *map(str, keys[:-1])])), shown(str(keys[-1]))
        siblings = _fields_at(schema, keys[:-1])
        hint = did_you_mean(wrong, siblings)
        stem, unit = _split_unit(wrong)
        for name in siblings:
            if _split_unit(name)[0] == stem and _split_unit(name)[1] not in ("", unit):
                hint = f' (write "{name}": {"convert the number" if unit else "the unit belongs in the key"})'
        if not hint and isinstance(came, dict):
            hint = _as_a_table(schema, keys, wrong)
        return f'{parent + ": " if parent else ""}key "{wrong}" is not known{hint}'
    if kind == "missing":
        return f"{path}: this key is missing; add it"
    if kind == "value_error":
        return f"{path}: {fault['ctx']['error']}" if path else str(fault["ctx"]["error"])
    message = fault["msg"].replace("Input should be", "must be")
    return f"{path}: {message} (got {shown(repr(came) if isinstance(came, str) else came)})"


def _as_a_table(schema: type[BaseModel], keys: list[Any], wrong: str) -> str:
    """A hint for a table that belongs into a table of named tables: "[rate.hidden]" into "[rate.layers.hidden]"."""
    fields = _fields_at(schema, keys[:-1])
    tables = [name for name, field in fields.items() if dict[str, dict[str, Any]] in _arms(field.annotation)]
    return f' (write "[{".".join([*map(str, keys[:-1]), tables[0], wrong])}]")' if tables else ""


def _split_unit(key: str) -> tuple[str, str]:
    """ "tau_mem_ms" -> ("tau_mem", "ms"); a key that is only a unit has no stem."""
    stem, _, unit = key.rpartition("_")
    return (stem, unit) if unit in UNITS else (key, "")


def _fields_at(schema: Any, keys: list[Any]) -> dict[str, Any]:
    """Fields of the sub-schema that `keys` lead to, as far as they can be followed."""
    for key in keys:
        if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
            return {}
        field = schema.model_fields.get(str(key))
        if field is None:
            continue  # an index into a list, or the tag of a union
        schema = next(
            (arm for arm in _arms(field.annotation) if isinstance(arm, type) and issubclass(arm, BaseModel)), None
        )
    return schema.model_fields if isinstance(schema, type) and issubclass(schema, BaseModel) else {}


def _arms(annotation: Any) -> list[Any]:
    inner = getattr(annotation, "__args__", ())
    return [annotation, *[arm for part in inner for arm in _arms(part)]]
