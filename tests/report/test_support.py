"""docs/networks.md is generated, and a tick in it is a promise: a refusal where it has one changes the page."""

import dataclasses
import re

import pytest

from neurorec.report.support import HEAD, TARGET, support, support_of, written
from neurorec.training import load_pair


@pytest.mark.slow
def test_the_committed_table_is_what_the_models_can_do_now():
    told = "run python -m neurorec.report.support, and look at what changed"
    assert TARGET.read_text(encoding="utf-8") == written(list(support())), told


def test_a_model_is_supported_where_it_runs_and_refused_with_the_reason():
    spiking = support_of(load_pair("lif_vs_elman").spiking)
    assert spiking.rules["bptt"] is spiking.chips["loihi1"] is spiking.exporters["nir"] is None
    assert spiking.chips["loihi2"].startswith("no energy per operation is public for Loihi 2")
    rate = support_of(load_pair("lif_vs_elman").rate)
    assert rate.chips["loihi1"] == "units send real values, but its neurons exchange spikes"
    assert rate.exporters["nir"].startswith("its units send values through nonlinearities")


def test_a_new_refusal_changes_the_page():
    one = support_of(load_pair("lif_vs_elman").spiking)
    broken = dataclasses.replace(one, rules={**one.rules, "bptt": "it broke"})
    page = written([broken])
    assert page != written([one])
    assert re.search(r"^\d+\. it broke$", page, re.MULTILINE)
    assert page.startswith(HEAD)
