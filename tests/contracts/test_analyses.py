"""Every registered analysis gives exactly what it declares, repeatably, in a form that can be stored and drawn."""

import math
from functools import cache

import pytest
import torch

from neurorec.analysis.analysis import Analysis, RunAnalysis, analyse, analyse_network, analyses, analysis_of
from neurorec.analysis.found import Found
from neurorec.basics.citations import is_cited
from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.basics.plain import from_plain, to_plain
from neurorec.report.parts import Plots
from neurorec.report.plots.figures import part_of
from neurorec.tasks.data_files import missing_data
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.training import load_pair
from tests.registered_tasks import loaded

ALONE = [name for name in analyses if issubclass(analyses[name], Analysis)]
OF_RUNS = [name for name in analyses if issubclass(analyses[name], RunAnalysis)]
#: pair, half, task: untrained networks on which the analyses of trained networks are tried, until one accepts
SUBJECTS = [
    ("elman_adder", "rate", "binary_addition"), ("elman_adder", "spiking", "binary_addition"),
    ("adaptive_lif_vs_gru", "rate", "embedded_reber"), ("lif_vs_elman", "rate", "row_digits"),
    ("trees", "rate", "logic_trees"), ("narma_cycle", "rate", "narma10"), ("vae", "rate", "binary_digits"),
    ("gan", "rate", "drawn_digits"),
    ("character_alif_vs_lstm", "rate", "tiny_shakespeare"), ("fractal_prediction", "rate", "feigenbaum"),
    ("digits_rbm", "rate", "digit_patterns"), ("cart_pole", "spiking", "cart_pole"),
    ("one_shot_lif_vs_feedforward", "rate", "omniglot"),
]  # fmt: skip


@cache
def subject(pair, half, task):
    if (reason := missing_data(task)) is not None:
        pytest.skip(reason)
    part, plain = load_pair(pair).half(half), loaded(task)
    network = part.build(plain.inputs, plain.outputs, torch.Generator().manual_seed(0))
    return network, EncodedTask(plain, part.encoder, 0)


def found_by(name, seed=0) -> Found:
    member = analyses[name]
    if name in ALONE:
        return analyse(name, member.example, seed)
    for each in SUBJECTS:
        network, task = subject(*each)
        if member().why_not(network, task) is None:
            return analyse_network(name, network, task, member.example, seed)
    pytest.fail(f"{name} accepts none of {SUBJECTS}; add a network that it can examine")


once_found_by = cache(found_by)


def same(a: Found, b: Found) -> bool:
    return to_plain(a) == to_plain(b)


@pytest.mark.parametrize("name", list(analyses))
def test_it_gives_what_it_declares_and_the_same_again(name):
    member, found = analyses[name], once_found_by(name)
    assert member.about[0].isupper()
    assert not member.about.endswith(".")
    assert all(is_cited(key) for key in member.sources)
    assert member.gives
    assert list(found.values) == list(member.gives)
    assert all(isinstance(value, float) for value in found.values.values())
    assert any(math.isfinite(value) for value in found.values.values())
    assert same(found, found_by(name))


@pytest.mark.parametrize("name", list(analyses))
def test_its_figures_can_be_stored_and_drawn(name):
    found = once_found_by(name)
    assert same(from_plain(Found, to_plain(found)), found)
    for figure in found.figures:
        assert figure.about.endswith(".")
        part = part_of(figure, "name")
        if isinstance(part, Plots):
            (plot,) = part.plots
            assert plot.svg.startswith("<svg")


@pytest.mark.parametrize("name", list(analyses))
def test_wrong_settings_are_refused_in_words(name):
    with pytest.raises(InputError, match=r'settings: key "sise" is not known'):
        analyses[name].settings({**analyses[name].example, "sise": 3})


@cache
def untrained(pair, inputs, outputs):
    return load_pair(pair).rate.build(inputs, outputs, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", OF_RUNS)
def test_analyses_of_networks_refuse_energy_models_and_environments_that_they_are_not_for(name):
    assert analyses[name]().why_not(untrained("hopfield", 200, 200), loaded("pattern_recall")) is not None
    network = untrained("delayed_match", 4, 2)
    expected = None if analyses[name].of_episodes else "its samples are episodes"
    assert analyses[name]().why_not(network, loaded("delayed_match_to_sample")) == expected


def test_a_refused_network_is_named():
    model = untrained("hopfield", 200, 200)
    told = "^analysis gradient_flow of Hopfield network on pattern_recall: Hopfield network is an energy model, which has no"
    with pytest.raises(CannotRun, match=told):
        analyse_network("gradient_flow", model, loaded("pattern_recall"), {})  # type: ignore[arg-type]


def test_the_kinds_are_not_mixed_up():
    with pytest.raises(
        InputError, match=r'^analysis "gradient_flow" examines a trained network: name it in a study of train'
    ):
        analysis_of("gradient_flow", Analysis)
    with pytest.raises(InputError, match=r'needs nothing trained: name it in a study of kind "analysis"$'):
        analysis_of("chaos_spectrum", RunAnalysis)
    with pytest.raises(InputError, match=r'analysis "gradient_flo" is not known \(did you mean "gradient_flow"\?\)'):
        analyse("gradient_flo", {})


def test_values_that_were_not_declared_are_an_error(monkeypatch):
    monkeypatch.setattr(analyses["chaos_spectrum"], "gives", {"other": None})
    with pytest.raises(RunFailed, match=r"gave dimension.*, but declares other; correct `gives`"):
        found_by("chaos_spectrum")
