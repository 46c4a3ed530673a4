"""Cards, registry, seeds: the errors teach, and randomness is an argument."""

import pytest
import torch
from pydantic import PositiveFloat

from neurorec.basics.cards import Card, check_card, find_card, load_card, read_toml
from neurorec.basics.counts import Counts, LayerCounts
from neurorec.basics.errors import InputError, needed
from neurorec.basics.files import write_atomically
from neurorec.basics.registry import Registry
from neurorec.basics.seeds import numpy_generator, torch_generator


class Inner(Card):
    tau_mem_ms: PositiveFloat
    v_threshold: float


class Outer(Card):
    about: str
    cell: Inner


GOOD = {"about": "x", "cell": {"tau_mem_ms": 10.0, "v_threshold": 1.0}}


def fault(cell: dict) -> str:
    with pytest.raises(InputError) as caught:
        check_card({"about": "x", "cell": cell}, Outer, where="my.toml")
    return str(caught.value)


def test_a_good_card_becomes_a_typed_object():
    assert check_card(GOOD, Outer, where="my.toml").cell.tau_mem_ms == 10.0


def test_what_is_missing_is_said():
    assert needed(0.0, "no energy; add it") == 0.0
    with pytest.raises(InputError, match=r"^no energy; add it$"):
        needed(None, "no energy; add it")


def test_misspelt_key_suggests_the_right_one():
    text = fault({"tau_mem_ms": 10.0, "v_treshold": 1.0})
    assert 'my.toml: cell: key "v_treshold" is not known (did you mean "v_threshold"?)' in text
    assert "my.toml: cell.v_threshold: this key is missing; add it" in text


def test_missing_unit_is_named_as_such():
    text = fault({"tau_mem": 10.0, "v_threshold": 1.0})
    assert 'key "tau_mem" is not known (write "tau_mem_ms": the unit belongs in the key)' in text


def test_negative_time_constant():
    assert fault({"tau_mem_ms": -10.0, "v_threshold": 1.0}) == (
        "my.toml: cell.tau_mem_ms: must be greater than 0 (got -10.0)"
    )


def test_nan_and_wrong_type_are_refused():
    assert "must be a finite number (got nan)" in fault({"tau_mem_ms": float("nan"), "v_threshold": 1.0})
    assert "must be a valid number (got 'ten')" in fault({"tau_mem_ms": "ten", "v_threshold": 1.0})


def test_broken_toml_says_where(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("about = \n")
    with pytest.raises(InputError, match=r"broken\.toml: this is not valid TOML: .*line 1"):
        read_toml(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="this is not a text file"):
        load_card(path, Outer)


def test_unknown_card_suggests_and_lists():
    with pytest.raises(InputError) as caught:
        find_card("models", "lif_vs_elmann")
    assert 'there is no card "lif_vs_elmann" in models/ (did you mean "lif_vs_elman"?); known: ' in str(caught.value)
    with pytest.raises(InputError, match=r"nowhere\.toml: there is no such card file"):
        find_card("models", "nowhere.toml")


def test_registry_teaches_and_refuses_doubles():
    colours: Registry[int] = Registry("colour")
    colours.register("green")(1)
    with pytest.raises(InputError) as caught:
        colours["grene"]
    assert (
        str(caught.value)
        == 'colour "grene" is not known (did you mean "green"?); known: green; one of your own needs --plugin MODULE'
    )
    with pytest.raises(ValueError, match="registered twice"):
        colours.register("green")(2)


def test_streams_repeat_by_seed_and_differ_by_purpose():
    assert numpy_generator(3, "a").random() == numpy_generator(3, "a").random()
    assert numpy_generator(3, "a").random() != numpy_generator(3, "b").random()
    assert numpy_generator(3, "a").random() != numpy_generator(4, "a").random()
    draw = torch.rand(3, generator=torch_generator(1, "w"))
    assert torch.equal(draw, torch.rand(3, generator=torch_generator(1, "w")))
    assert not torch.equal(draw, torch.rand(3, generator=torch_generator(1, "v")))


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "file"
    write_atomically(path, "old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_counts_by_layer_add_up_whichever_layers_they_name():
    one, two = LayerCounts(hidden=Counts(macs=2)), LayerCounts({"hidden": Counts(macs=1), "top": Counts(spikes=4)})
    assert one + two == LayerCounts(top=Counts(spikes=4), hidden=Counts(macs=3))
    assert (one + two).total == Counts(macs=3, spikes=4)
    assert list(one + two) == ["hidden", "top"]
    assert one.of("top") == Counts()
    assert two.scaled(1, 2) == LayerCounts(hidden=Counts(macs=1), top=Counts(spikes=2))  # 1/2 is rounded up
    assert one != two


def test_a_layer_that_counted_nothing_is_as_good_as_none():
    assert LayerCounts(hidden=Counts()) == LayerCounts()
    assert LayerCounts(hidden=Counts(macs=1)) != LayerCounts()
