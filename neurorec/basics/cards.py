"""Cards: TOML files checked against a schema before anything runs.

A card is data: registered names and numbers with units in the key. `Card` is the base of every schema; unknown keys,
missing keys and impossible values raise `InputError` naming file, key, the given value and what was expected.
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from neurorec.basics.errors import InputError, did_you_mean

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
        if not path.is_file():
            raise InputError(
                f"{path}: there is no such card file; give a path to a .toml file or one of: {_known(kind)}"
            )
        return path
    path = card_folder(kind) / f"{name}.toml"
    if not path.is_file():
        close = did_you_mean(str(name), card_names(kind))
        raise InputError(f'there is no card "{name}" in {kind}/{close}; known: {_known(kind)}')
    return path


def _known(kind: str) -> str:
    return ", ".join(card_names(kind))


def read_toml(path: Path) -> dict[str, Any]:
    return parse_toml(read_text(path), path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The data of a card's text; `path` is only named in messages."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: this is not valid TOML: {error}") from None


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: this is not a text file (TOML is UTF-8 text)") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


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
    path = ".".join(filter(None, [table, *map(str, keys)]))
    kind, came = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        parent, wrong = ".".join(filter(None, [table, *map(str, keys[:-1])])), str(keys[-1])
        siblings = _fields_at(schema, keys[:-1])
        hint = did_you_mean(wrong, siblings)
        stem, unit = _split_unit(wrong)
        for name in siblings:
            if _split_unit(name)[0] == stem and _split_unit(name)[1] not in ("", unit):
                hint = f' (write "{name}": {"convert the number" if unit else "the unit belongs in the key"})'
        return f'{parent + ": " if parent else ""}key "{wrong}" is not known{hint}'
    if kind == "missing":
        return f"{path}: this key is missing; add it"
    if kind == "value_error":
        return f"{path}: {fault['ctx']['error']}" if path else str(fault["ctx"]["error"])
    message = fault["msg"].replace("Input should be", "must be")
    return f"{path}: {message} (got {came!r})"


def _split_unit(key: str) -> tuple[str, str]:
    """ "tau_mem_ms" -> ("tau_mem", "ms"); a key that is only a unit has no stem."""
    stem, _, unit = key.rpartition("_")
    return (stem, unit) if unit in UNITS else (key, "")


def _fields_at(schema: Any, keys: list[Any]) -> list[str]:
    """Field names of the sub-schema that `keys` lead to, as far as they can be followed."""
    for key in keys:
        if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
            return []
        field = schema.model_fields.get(str(key))
        if field is None:
            continue  # an index into a list, or the tag of a union
        schema = next(
            (arm for arm in _arms(field.annotation) if isinstance(arm, type) and issubclass(arm, BaseModel)), None
        )
    return list(schema.model_fields) if isinstance(schema, type) and issubclass(schema, BaseModel) else []


def _arms(annotation: Any) -> list[Any]:
    inner = getattr(annotation, "__args__", ())
    return [annotation, *[arm for part in inner for arm in _arms(part)]]
