"""Figures of two machines never stand in one table of docs/performance.md."""

import json
import sys

import pytest

from benchmarks import bptt_cpu, plastic_cpu, report
from benchmarks.one_machine import refuse_mixed
from neurorec.basics.errors import InputError

HERE = {"processor": "A", "cores": 2, "load_before": 0.1}


def test_parts_of_another_machine_are_not_kept(tmp_path, monkeypatch, capsys):
    stored = tmp_path / "bptt_cpu.json"
    text = json.dumps({"rates": {"product_gflops": 1.0}, "main": {}, "machines": {"rates": HERE, "main": HERE}})
    stored.write_text(text)
    monkeypatch.setattr(bptt_cpu, "FILE", stored)
    monkeypatch.setattr(bptt_cpu, "machine", lambda: HERE | {"processor": "B"})
    monkeypatch.setattr(bptt_cpu, "PARTS", {"main": None, "rates": None})
    monkeypatch.setattr(sys, "argv", ["bptt_cpu", "--parts", "main", "--threads", "1"])
    with pytest.raises(SystemExit) as stopped:
        bptt_cpu.main()
    assert stopped.value.code == 2
    assert (
        'bptt_cpu.json: part "rates" was measured on another machine: processor A (now B); one table must come from one '
        "machine, so measure all parts here"
    ) in " ".join(capsys.readouterr().err.split())
    assert stored.read_text() == text


def test_parts_measured_again_replace_those_of_any_machine():
    found = {"rates": 1, "main": 2, "machines": {"rates": HERE, "main": HERE}}
    other = HERE | {"processor": "B"}
    assert bptt_cpu.keep(found, set(), other) == {"machines": {}}
    assert bptt_cpu.keep(found, {"rates"}, HERE | {"load_before": 7.0}) == {"rates": 1, "machines": {"rates": HERE}}


def test_a_machine_that_is_not_described_is_another_one():
    with pytest.raises(InputError, match=r"instructions not stated \(now AVX2\)"):
        refuse_mixed({"rates": HERE}, HERE | {"instructions": "AVX2"}, "f")


def test_the_page_is_not_written_from_two_machines():
    machines = {"main": HERE, "rates": HERE | {"cores": 4}}
    with pytest.raises(InputError, match=r'part "rates" was measured on another machine: cores 4 \(now 2\)'):
        report.write({"machines": machines})


def test_cases_of_another_machine_are_not_kept(tmp_path, monkeypatch, capsys):
    stored = tmp_path / "plastic_cpu.json"
    text = json.dumps({"cases": {"cuba": {}, "diehl_cook": {}}, "machine": {"cpu": "A"}, "versions": {}})
    stored.write_text(text)
    monkeypatch.setattr(plastic_cpu, "RESULTS", stored)
    monkeypatch.setattr(plastic_cpu, "machine", lambda: {"cpu": "B"})
    monkeypatch.setattr(plastic_cpu, "versions", lambda: {})
    monkeypatch.setattr(sys, "argv", ["plastic_cpu", "--cases", "cuba", "--no-growth"])
    with pytest.raises(SystemExit) as stopped:
        plastic_cpu.main()
    assert stopped.value.code == 2
    assert 'part "diehl_cook" was measured on another machine: cpu A (now B)' in capsys.readouterr().err
    assert stored.read_text() == text
