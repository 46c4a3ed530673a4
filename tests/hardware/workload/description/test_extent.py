"""Descriptions that are too large, or whose counts would not be exact: refused from the card, before anything is expanded."""

import re
from fractions import Fraction

import pytest

from neurorec.basics import memory_limit as memory
from neurorec.basics.errors import InputError
from neurorec.hardware.pricing.what_if import parse_sweep
from neurorec.hardware.workload.changes import exact, thinned
from neurorec.hardware.workload.description import described_work
from tests.hardware.workload.description.made_up import made

ONE = {"name": "a", "size": 7, "spikes_per_step": 0.5}
MANY = {"name": "a", "size": 10**9, "spikes_per_step": 0.5}
DRAWN = {"name": "a", "size": 10**6, "random_fan_in": {"a": 10**4}, "spikes_per_step": 0.5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"layer": [MANY]},
            "a network of 1,000,000,005 units and input lines would take 64 GB of memory, but there are 8 GB",
        ),
        ({"layer": [DRAWN]}, "with 10,000,000,000 drawn synapses would take 320 GB of memory, but there are 8 GB"),
        ({"layer": [ONE | {"depth": 40, "copies": 50}]}, "depth and copies make 2,000 layers; at most 1,000"),
        (
            {"layer": [ONE | {"copies": 400}, ONE | {"name": "b", "copies": 400}]},
            "depth, copies and hears make 160,400 connections between layers; at most 100,000",
        ),
        ({"steps": 10**9, "layer": [ONE | {"size": 10**8}]}, "are more than can be counted exactly (9e+15)"),
        (
            {"steps": 10**8, "layer": [ONE | {"size": 10**7}, ONE | {"name": "b", "size": 10**7}]},
            "can be counted exactly",
        ),
        ({"layer": [ONE | {"size": 70, "spikes_per_step": 0.123456789012345}]}, "write rates with fewer digits"),
    ],
)
def test_what_is_too_large_is_refused_with_the_figure(monkeypatch, changes, said):
    monkeypatch.setattr(memory, "memory_limit", lambda: 8 * 10**9)
    with pytest.raises(InputError, match=re.escape(said)):
        described_work(made(**changes))


def test_an_input_line_spikes_at_most_once_per_step():
    made(input={"size": 5, "signal": "spikes", "spikes_per_inference": 30.0})
    with pytest.raises(
        InputError, match=re.escape("input: 31 spikes per inference are more than one per line and step (5 lines")
    ):
        made(input={"size": 5, "signal": "spikes", "spikes_per_inference": 31.0})


def test_steps_have_a_range():
    with pytest.raises(
        InputError, match=re.escape("steps: must be less than or equal to 1000000000 (got 100000000000000)")
    ):
        made(steps=10**14)


def test_a_layer_heard_twice_is_not_counted_twice():
    with pytest.raises(InputError, match=re.escape("layer.1.hears: 'a' is listed twice; remove one")):
        made(layer=[ONE, {"name": "b", "size": 3, "hears": ["a", "a"]}])


def test_a_third_written_in_sixteen_digits_is_a_third():
    assert exact(0.3333333333333333) == Fraction(1, 3)
    assert exact(0.1) == Fraction(1, 10)
    assert exact(0.123456) == Fraction(123456, 10**6)
    assert exact(1e-7) == Fraction(1, 10**7)
    work = described_work(made(layer=[ONE | {"spikes_per_step": 0.3333333333333333}]))
    assert sum(work.populations[0].spikes) == 7 * 6 * work.samples // 3


def test_a_sweep_value_that_cannot_be_counted_is_refused():
    work = described_work(made())
    for value in (1e-300, 0.1234567890123456):
        with pytest.raises(InputError, match="more than can be counted exactly"):
            thinned(work, value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dt_ms=nan", 'sweep dt_ms: "nan" is not a number'),
        ("dt_ms=inf", 'sweep dt_ms: "inf" is not a number'),
        ("sparsity=nan", 'sweep sparsity: "nan" is not a number'),
        ("batch=" + "9" * 5000, f'sweep batch: "{"9" * 57}..." must be a positive integer, at most 1,000,000,000,000'),
        ("workers:nvlink4=99999999999", 'sweep workers: "99999999999" must be a positive integer, at most 1,000,000'),
    ],
)
def test_impossible_sweep_values_are_refused_at_once(text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        parse_sweep(text)


def test_a_step_that_makes_too_many_of_them_is_refused():
    work, sweep = described_work(made()), parse_sweep("dt_ms=1e-300")
    with pytest.raises(InputError, match=re.escape("sweep dt_ms: 1e-300 ms would make more than 1,000,000,000 steps")):
        sweep.setting.changed(work, sweep.values[0])
