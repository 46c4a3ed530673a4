"""Card files and names that no one means: one message each, and nothing is read further than needed."""

import datetime
import os
import re

import pytest

from neurorec.basics.cards import Card, check_card, find_card, read_toml
from neurorec.basics.errors import InputError, did_you_mean, shown
from neurorec.basics.numbers import Count, Distinct, Range, RateOrZeroHz, Seed, TimeMs
from neurorec.basics.registry import Registry, look_up
from neurorec.experiments.verbs import check_file


def told(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "tables are nested deeper than 32 levels"),
        ("a = " + "[" * 40 + "]" * 40, "tables are nested deeper than 32 levels"),
        ("a." * 300_000 + "b = 1", "tables are nested deeper than 32 levels"),
        ("a = " + "9" * 5000, "an integer has more than 64 bits"),
        ("a = 9223372036854775808", "an integer has more than 64 bits"),
        ("a = 1\n" + "#" * 10**6, "the file is longer than 1,000,000 bytes"),
    ],
    ids=["lists", "forty", "dotted", "digits", "65 bits", "long"],
)
def test_a_file_that_no_card_can_be_is_refused_before_it_is_used(tmp_path, text, said):
    path = tmp_path / "card.toml"
    path.write_text(text)
    assert f"{path}: {said}" in told(read_toml, path)


def test_folders_pipes_and_devices_are_not_read(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "device.toml").symlink_to("/dev/zero")
    for name, kind in [("folder", "a folder"), ("pipe", "not a regular file"), ("device", "not a regular file")]:
        path = tmp_path / f"{name}.toml"
        assert f"{path}: this is {kind}" in told(check_file, path)
        assert f"{path}: this is {kind}" in told(lambda one: read_toml(find_card("models", one)), path)


def test_names_that_are_too_long_for_a_file_are_not_known():
    name = "x" * 300
    assert f'there is no card "{"x" * 57}..." in models/; known: ' in told(find_card, "models", name)
    assert "there is no such card file" in told(find_card, "models", f"{name}.toml")
    assert 'there is no card "a\\x00b" in models/' in told(find_card, "models", "a\0b")


def test_dollars_in_a_name_would_be_a_formula_in_plots(tmp_path):
    path = tmp_path / "a$b$.toml"
    path.touch()
    assert "rename the file without $ and control characters" in told(find_card, "models", path)


@pytest.mark.parametrize("name", [["lif"], {"name": "lif"}, True, 3, 2.5, datetime.date(2026, 1, 1)], ids=repr)
def test_only_a_name_is_looked_up(name):
    registry: Registry = Registry("cell")
    registry.register("lif")(object())
    assert told(look_up, {"name": name}, registry, "half.cell") == (
        f"half.cell.name: cell must be a name (got {name!r}); known: lif"
    )
    assert name not in registry
    assert did_you_mean(name, ["lif"]) == ""


def test_control_characters_never_reach_the_terminal():
    assert str(InputError("a\x1b[1m:\nb\r")) == "a\\x1b[1m:\nb\\r"


def test_a_message_is_one_printable_line_of_reasonable_length():
    assert shown("a\x1b[1m\n") == "a\\x1b[1m\\n"
    assert shown([1] * 1000) == "[" + "1, " * 18 + "1,..."
    assert shown(10**5000) == "int too long to show"


class Numbers(Card):
    seeds: Distinct[Seed] = [0]  # noqa: RUF012
    size: Count = 1
    dt_ms: TimeMs = 1.0
    rate_Hz: RateOrZeroHz = 0.0
    band: Range[Count] = [1, 2]  # noqa: RUF012


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"seeds": [0, 1, 0]}, "c.toml: seeds: 0 is listed twice; remove one"),
        ({"seeds": [-1]}, "c.toml: seeds.0: must be greater than or equal to 0 (got -1)"),
        ({"size": 10**13}, "c.toml: size: must be less than or equal to 1000000000000 (got 10000000000000)"),
        ({"size": 0}, "c.toml: size: must be greater than 0 (got 0)"),
        ({"dt_ms": float("nan")}, "c.toml: dt_ms: "),
        ({"dt_ms": 1e-300}, "c.toml: dt_ms: must be at least 1e-09 (got 1e-300)"),
        ({"rate_Hz": 1e-300}, "c.toml: rate_Hz: must be 0 or at least 1e-12 (got 1e-300)"),
        ({"band": [2, 1]}, "c.toml: band: must be [low, high] (got [2, 1])"),
        ({"a\x1b[1m": 1}, 'c.toml: key "a\\x1b[1m" is not known'),
        ({"size": "x" * 300}, f"c.toml: size: must be a valid integer (got '{'x' * 56}...)"),
    ],
)
def test_numbers_and_sets_are_checked_by_their_type(card, said):
    assert re.match(re.escape(said), told(check_card, card, Numbers, "c.toml"))
