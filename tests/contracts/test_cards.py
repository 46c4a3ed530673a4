"""Every card schema: each number has a range and excludes NaN, each list that is a set refuses duplicates."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import neurorec
from neurorec.basics.cards import Card


def all_cards() -> list[type[Card]]:
    for module in pkgutil.walk_packages(neurorec.__path__, "neurorec."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[Card]] = []
    level: list[type[Card]] = [Card]
    while level:
        level = [below for card in level for below in card.__subclasses__() if below.__module__.startswith("neurorec.")]
        found += level
    return sorted(set(found), key=lambda card: f"{card.__module__}.{card.__qualname__}")


CARDS = all_cards()


def numbers_and_lists(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a JSON schema that is a number or a list, with its place."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") in ("integer", "number", "array"):
        yield path, schema
    for key in ("items", "additionalProperties"):
        yield from numbers_and_lists(schema.get(key), f"{path}[]")
    for arm in schema.get("anyOf", ()):
        yield from numbers_and_lists(arm, path)
    for name, field in schema.get("properties", {}).items():
        yield from numbers_and_lists(field, f"{path}.{name}")


def faults(card: type[Card]) -> list[str]:
    found = []
    for path, schema in numbers_and_lists(card.model_json_schema(), card.__name__):
        if schema["type"] == "array":
            named = (
                "$ref" in schema["items"] or "properties" in schema["items"] or schema["items"].get("type") == "object"
            )
            fixed = schema.get("minItems") == schema.get("maxItems") is not None
            if not (named or fixed or schema.get("uniqueItems") or schema.get("ordered")):
                found.append(
                    f"{path}: a list that accepts duplicates; use Distinct, or Ordered if equal entries are meant"
                )
        elif not {"const", "enum"} & set(schema):
            low, high = ({"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"})
            if not (low & set(schema) and high & set(schema)):
                found.append(f"{path}: a number without a range; use a type of basics/numbers.py")
    return found


def test_there_are_cards_to_check():
    assert {"LIFCard", "Chip", "Description", "Study", "RidgeCard"} <= {card.__name__ for card in CARDS}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__qualname__)
def test_every_number_of_a_card_has_a_range_and_every_set_refuses_duplicates(card):
    assert faults(card) == []
    assert card.model_config["allow_inf_nan"] is False
    assert card.model_config["strict"] is True


def test_a_card_that_forgets_a_range_is_found():
    class Forgetful(Card):
        seed: int
        tau_ms: float | None = None
        weights: dict[str, float] = {}  # noqa: RUF012
        seeds: list[int] = []  # noqa: RUF012

    assert [line.split(":")[0] for line in faults(Forgetful)] == [
        "Forgetful.seed", "Forgetful.tau_ms", "Forgetful.weights[]", "Forgetful.seeds", "Forgetful.seeds[]",
    ]  # fmt: skip
