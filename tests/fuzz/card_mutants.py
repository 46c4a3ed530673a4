"""Cards to break, and ways to break them: each changes a value, a key or a table of a real card."""

import copy
import math
import tomllib
from typing import Any

from hypothesis import strategies as st

from neurorec.basics.cards import card_folder

ROOT = card_folder("models").parent
FOLDERS = {
    "pair": "models",
    "chip": "hardware",
    "link": "hardware/links",
    "description": "docs/networks",
    "study": "experiments",
}
REAL = {
    kind: [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / folder).glob("*.toml"))]
    for kind, folder in FOLDERS.items()
}  # fmt: skip
NUMBERS = [0, -1, 1, 2, 3, 7, 1000, 40_000, 2**31, 10**9, 10**12, 10**14, 2**63 - 1, 10**30, 0.0, -1.0, 1e-300, 1e-12,
           0.3333333333333333, 0.123456789012345, 1.5, 1e6, 1e15, 1e38, 1e300, math.inf, -math.inf, math.nan]  # fmt: skip
OTHERS = ["", "x" * 300, "[/]", "$", "a\x00b\x1b[1m", "../../etc/passwd", True, False, [], {}, [[]], [1, 1], ["a", "a"],
          {"a": {"b": {"c": [1, {"d": 2}]}}}, [None], "lif", "ridge", "loihi1", "input", "readout"]  # fmt: skip


def places(data: Any, path: tuple = ()) -> list[tuple]:
    """The paths of everything inside `data`."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in items for found in ((*path, key), *places(value, (*path, key)))]


def at(data: Any, path: tuple) -> Any:
    for step in path:
        data = data[step]
    return data


def change(data: Any, path: tuple, how: str, value: Any) -> None:
    *above, key = path
    data = at(data, tuple(above))
    if how == "drop":
        del data[key]
    elif how == "rename" and isinstance(data, dict):
        data[f"{key}_s"] = data.pop(key)
    elif how == "twice" and isinstance(data, list):
        data.insert(key, copy.deepcopy(data[key]))
    elif how == "wrap":
        data[key] = [data[key]]
    elif how == "scale":
        data[key] = type(data[key])(data[key] * value) if type(data[key]) in (int, float) else value
    else:
        data[key] = copy.deepcopy(value)


@st.composite
def mutants(draw: st.DrawFn, kind: str) -> str:
    """The text of a card of `kind` with one to three changes."""
    data = copy.deepcopy(draw(st.sampled_from(REAL[kind])))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        found = places(data)
        if not found:
            break
        how = draw(st.sampled_from(["set", "set", "set", "drop", "rename", "twice", "wrap", *["scale"] * 6]))
        numbers = [path for path in found if type(at(data, path)) in (int, float)]
        path = draw(st.sampled_from(numbers if how == "scale" and numbers else found))
        value = draw(st.sampled_from(NUMBERS if draw(st.integers(0, 2)) else OTHERS))
        change(data, path, how, draw(st.sampled_from([0.5, 1.01, 2, 3, 10, 1000])) if how == "scale" else value)
    return "".join(f"{written(key)} = {written(value)}\n" for key, value in data.items())


def written(value: Any) -> str:
    """As TOML, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)} = {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str):
        return (
            '"'
            + "".join(each if each.isprintable() and each not in '"\\' else f"\\u{ord(each):04x}" for each in value)
            + '"'
        )
    return "'none'" if value is None else repr(value)
