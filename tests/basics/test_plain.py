"""Dataclasses as JSON: what comes back is what was written, and a damaged file is told where."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.basics.plain import from_plain, read_plain, to_plain, write_plain


@dataclass(frozen=True)
class Part:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Whole:
    parts: list[Part]
    pair: tuple[str, int]
    counts: dict[int, float]
    kind: Literal["a", "b"]
    place: Path
    tags: tuple[str, ...] = ()


WHOLE = Whole([Part("x", 0.5), Part("y")], ("p", 1), {3: 0.25}, "a", Path("here"), ("t", "u"))


def test_what_is_written_comes_back_also_from_another_folder(tmp_path):
    (tmp_path / "one").mkdir()
    whole = Whole(WHOLE.parts, WHOLE.pair, WHOLE.counts, "b", tmp_path / "one" / "inside", ("t",))
    write_plain(whole, tmp_path / "one" / "whole.json")
    assert json.loads((tmp_path / "one" / "whole.json").read_text())["place"] == "inside"
    (tmp_path / "one").rename(tmp_path / "other")
    back = read_plain(Whole, tmp_path / "other" / "whole.json", "a whole", "make it again")
    assert back.place == tmp_path / "other" / "inside"
    same = [name for name in vars(whole) if getattr(back, name) == getattr(whole, name)]
    assert same == ["parts", "pair", "counts", "kind", "tags"]


def test_numbers_that_json_lacks_and_numpy_scalars():
    assert to_plain({"a": math.nan, "b": np.float64(0.5), "c": np.int64(2)}) == {"a": None, "b": 0.5, "c": 2}
    assert math.isnan(from_plain(float, None))
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        to_plain(object())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"parts": [{"name": "x", "share": "half"}]}, "parts[0].share: must be a number, got 'half'"),
        ({"parts": [{"share": 0.5}]}, "parts[0].name is missing"),
        ({"parts": {}}, "parts: must be a list, got {}"),
        ({"pair": ["p", 1, 2]}, "pair: must be a list of 2, got ['p', 1, 2]"),
        ({"kind": "c"}, "kind: must be one of a, b, got 'c'"),
        ({"counts": 3}, "counts: must be a table, got 3"),
        ({"kinds": "a"}, "the file: must be a key of Whole, got 'kinds'"),
    ],
)
def test_a_damaged_file_is_told_where_what_came_and_what_was_expected(tmp_path, change, told):
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(to_plain(WHOLE) | change))
    with pytest.raises(InputError, match=re.escape(f"{path}: not a whole of this version ({told}); make it again")):
        read_plain(Whole, path, "a whole", "make it again")


def test_half_a_file_is_told_too(tmp_path):
    (tmp_path / "whole.json").write_text('{"parts": [')
    with pytest.raises(InputError, match=r"whole\.json: not a whole of this version \(Expecting value"):
        read_plain(Whole, tmp_path / "whole.json", "a whole", "make it again")
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read_plain(Whole, tmp_path / "none.json", "a whole", "make it again")
