"""One `[[analysis]]` or `[[finding]]` of a study card for several names.

A key may list names: the table then stands for one table per combination, the last key varying fastest. `{key}` in its texts
becomes the name, or the word that the card's `[words]` gives for it. A finding that names an analysis of several trainings is
a claim about each of them, or about those that its own keys select.
"""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from pydantic import AfterValidator, WrapValidator

from neurorec.basics.errors import did_you_mean, shown

TRAINING = ("pair", "half", "rule", "task")
LISTS = (*TRAINING, "control", "metric", "analysis", "value")  #: keys that may be lists, as may those of `at`
TEXTS = ("name", "claim")
MOST = 1_000  #: tables for which one may stand
PLACE = re.compile(r"\{(\w+)\}")

Table = dict[str, Any]
Words = dict[str, str | dict[str, str]]  #: for a name; or, under a name that is also chosen, for other names


def _checked(tables: Any, check: Any) -> Any:
    return [check(table) for table in tables] if isinstance(tables, list) else [check(tables)]


#: Of an item: the tables for which a table stands are checked in its place, so that errors have its number.
OneOrSeveral = WrapValidator(_checked)
Together = AfterValidator(lambda groups: list(itertools.chain(*groups)))


def spelled_out(card: Any) -> Any:
    """The data of a study card, with a list of tables instead of every `[[analysis]]` and `[[finding]]`. Wrong types
    are left to the schema.

    Raises
    ------
    ValueError
        For a list, a word or `{key}` without a meaning.
    """
    if not isinstance(card, dict) or not isinstance(words := card.get("words", {}), dict):
        return card
    used: set[str] = set()
    groups: dict[str, list[Table]] = {}
    found: dict[str, list[Any]] = {}
    for kind in ("analysis", "finding"):
        if not isinstance(card.get(kind), list):
            continue
        found[kind] = []
        for at, table in enumerate(card[kind]):
            if not isinstance(table, dict):
                found[kind].append(table)
                continue
            place = f"{kind}.{at}"
            group = _group(table, groups, place) if kind == "finding" else []
            meant = _of_group(table, group, place) if group else [*_combinations(table, place)]
            used.update(name for _, names in meant for name in names.values())
            found[kind].append([_worded(one, names, words, place) for one, names in meant])
            _refuse_equal(found[kind][-1], "name" if kind == "analysis" else "claim", place)
            if kind == "analysis" and PLACE.search(name := str(table.get("name", ""))):
                groups[name] = [
                    {**{key: one.get(key) for key in TRAINING}, "analysis": one.get("name")} for one in found[kind][-1]
                ]
    for name in words:
        if name not in used:
            raise ValueError(
                f'words: "{shown(name)}" is not used by any table{did_you_mean(name, sorted(used))}; remove it'
            )
    return card | found


def _combinations(table: Table, place: str) -> Iterator[tuple[Table, dict[str, str]]]:
    """The tables for which one stands, each with the names that its texts may show."""
    at = table["at"] if isinstance(table.get("at"), dict) else {}
    axes = {key: values for key, values in table.items() if key in LISTS and isinstance(values, list)}
    swept = {key: values for key, values in at.items() if isinstance(values, list)}
    count = math.prod(map(len, (*axes.values(), *swept.values())))
    if count > MOST:
        raise ValueError(f"{place}: its lists have {count:,} combinations; at most {MOST:,} are allowed")
    for key, values in (*axes.items(), *((f"at.{key}", values) for key, values in swept.items())):
        _check_list(values, f"{place}.{key}")
    for values in itertools.product(*axes.values(), *swept.values()):
        one = table | dict(zip(axes, values, strict=False))
        if "at" in table and at:
            one["at"] = at | dict(zip(swept, values[len(axes) :], strict=True))
        chosen = {key: one[key] for key in LISTS if key in one} | (one["at"] if at else {})
        yield one, {key: str(name) for key, name in chosen.items() if isinstance(name, str | int | float)}


def _group(table: Table, groups: dict[str, list[Table]], place: str) -> list[Table]:
    """The analyses for which the name in a finding stands; none if it is the name of one."""
    name = str(table.get("analysis", ""))
    if name not in groups and PLACE.search(name):
        known = f"{did_you_mean(name, groups)}; known: {', '.join(groups) or 'none'}"
        raise ValueError(f'{place}.analysis: no [[analysis]] has the name "{shown(name)}"{known}')
    return groups.get(name, [])


def _of_group(table: Table, group: list[Table], place: str) -> list[tuple[Table, dict[str, str]]]:
    """The claims of a finding about an analysis of several trainings."""
    wanted = {key: _listed(table[key]) for key in TRAINING if key in table}
    for key, names in wanted.items():
        known = list(dict.fromkeys(str(each[key]) for each in group))
        for name in names:
            if name not in known:
                raise ValueError(
                    f'{place}.{key}: analysis "{table["analysis"]}" has no {key} "{shown(name)}"'
                    f"{did_you_mean(str(name), known)}; it has: {', '.join(known)}"
                )
    rest = {key: value for key, value in table.items() if key not in TRAINING}
    return [
        (one, {key: str(each[key]) for key in TRAINING} | names)
        for each in group
        if all(each[key] in names for key, names in wanted.items())
        for one, names in _combinations(rest | {"analysis": each["analysis"]}, place)
    ]


def _listed(names: Any) -> list[Any]:
    return names if isinstance(names, list) else [names]


def _check_list(names: list[Any], place: str) -> None:
    if not names:
        raise ValueError(f"{place}: the list is empty; name at least one")
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ValueError(f'{place}: "{shown(name)}" is listed twice; remove one')


def _worded(table: Table, names: dict[str, str], words: dict[str, Any], place: str) -> Table:
    """The table with `{key}` in its texts replaced."""
    known = {name: word for name, word in words.items() if isinstance(word, str)}
    for name in names.values():
        known |= words[name] if isinstance(words.get(name), dict) else {}

    def word(found: re.Match[str], key: str) -> str:
        name = names.get(found[1])
        if name is None:
            listed = ", ".join(names) or "none"
            raise ValueError(f"{place}.{key}: {found[0]} is not a placeholder of this table; it has: {listed}")
        return str(known.get(name, name))

    said = {
        key: PLACE.sub(lambda found, key=key: word(found, key), table[key])
        for key in TEXTS if isinstance(table.get(key), str)
    }  # fmt: skip
    return table | said


def _refuse_equal(tables: list[Table], text: str, place: str) -> None:
    """Raises ValueError if the tables for which one stands cannot be told apart."""
    texts = [table.get(text) for table in tables]
    if len(set(map(str, texts))) < len(texts):
        varied = [key for key in (*LISTS, "at") if len({str(table.get(key)) for table in tables}) > 1]
        name = " and ".join(f"{{{key}}}" for key in varied if key not in ("analysis", "at")) or "{key}"
        raise ValueError(f"{place}.{text}: several tables would have the same {text}; write {name} in it")
