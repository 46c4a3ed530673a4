"""Pair cards that would not fit, or name something twice: refused before a network is built."""

import re

import pytest
import torch

from neurorec.basics import memory_limit as memory
from neurorec.basics.errors import InputError, RunFailed
from neurorec.basics.least_squares import solve_ridge
from neurorec.experiments.kinds.trainings import prepare_study
from neurorec.experiments.verbs import check_file
from neurorec.tasks.batch import Batch
from neurorec.training import load_pair
from tests.experiments.tiny import write_study


def changed(tmp_path, old, new):
    write_study(tmp_path)
    path = tmp_path / "tiny.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return path


def test_a_network_that_would_not_fit_is_refused_with_the_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 8 * 10**9)
    path = changed(tmp_path, "size = 12", "size = 40000")
    with pytest.raises(InputError) as caught:
        check_file(path)
    assert str(caught.value) == (
        "pair tiny, rate half (hidden.size = 40,000): training 1,600,120,001 weights would take 25.6 GB of memory, but there "
        "are 8 GB; use smaller layers"
    )


def test_checking_a_large_network_draws_no_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 10**12)
    monkeypatch.setattr(torch, "randn", lambda *_, **__: pytest.fail("weights were drawn"))
    assert check_file(changed(tmp_path, "size = 12", "size = 40000")) == "pair"


def test_an_encoding_that_would_not_fit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 10**6)
    encoder = load_pair(changed(tmp_path, "steps_per_frame = 2", "steps_per_frame = 10000")).spiking.encoder
    with pytest.raises(
        InputError, match=re.escape("encoder regular_rate: 40 values in 10,000 steps per frame each would take")
    ):
        encoder.encode_batch(Batch(torch.zeros(2, 5, 4), None, torch.ones(2)), torch.Generator())


def test_a_readout_over_more_steps_than_memory_holds_is_refused(tmp_path, monkeypatch):
    write_study(tmp_path)
    network = load_pair(tmp_path / "tiny.toml").spiking.build(4, 3, torch.Generator().manual_seed(0))
    monkeypatch.setattr(memory, "memory_limit", lambda: 10**6)
    with pytest.raises(InputError, match=r"a leaky readout over 2,000 steps would take 0\.096 GB of memory"):
        network["readout"](torch.zeros(2000, 1, 12))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'name = "linear"',
            'name = "linear"\nhears = 5',
            "tiny.toml: rate.readout.hears: must be a valid list (got 5)",
        ),
        (
            'name = "linear"',
            'name = "linear"\nhears = ["hidden", "hidden"]',
            "rate.readout.hears: 'hidden' is listed twice",
        ),
        ('name = "elman"', 'name = ["elman"]', "tiny.toml: rate.cell.name: cell must be a name (got ['elman'])"),
        ("steps_per_frame = 2", "steps_per_frame = 1000000000", "steps_per_frame: must be less than or equal to 10000"),
        ("size = 12", "size = 1000000000", "size: must be less than or equal to 100000000 (got 1000000000)"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, old, new, said):
    with pytest.raises(InputError, match=re.escape(said)):
        check_file(changed(tmp_path, old, new))


def test_a_training_listed_twice_is_refused(tmp_path):
    text = (write_study(tmp_path).parent / "tiny.toml").read_text()
    table = text[text.index("[[rate.training]]") : text.index("[spiking.cell]")]
    path = changed(tmp_path, "[spiking.cell]", f"{table}[spiking.cell]")
    with pytest.raises(InputError, match=r"tiny.toml: rate: training: bptt on \w+ is listed twice; remove one"):
        check_file(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('pairs = ["tiny"]', 'pairs = ["tiny", "tiny"]', "pairs: 'tiny' is listed twice; remove one"),
        ('pairs = ["tiny"]', 'pairs = ["tiny", "tiny.toml"]', 'pairs: "tiny.toml" is listed twice; remove one'),
        ("[quick]\nseeds = [0]", "[quick]\nseeds = [0, 0, 0]", "quick.seeds: 0 is listed twice; remove one"),
        ("[quick]\nseeds = [0]", "[quick]\nseeds = [-1]", "quick.seeds.0: must be greater than or equal to 0 (got -1)"),
    ],
)
def test_a_study_names_nothing_twice(tmp_path, old, new, said):
    card = write_study(tmp_path)
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(InputError, match=re.escape(said)):
        prepare_study(card)


def test_a_million_seeds_and_the_cards_own_folder_are_refused(tmp_path):
    card = write_study(tmp_path)
    with pytest.raises(InputError, match="--seeds 1000001: at most 10,000 seeds are planned at once"):
        prepare_study(card, seeds=1_000_001)
    with pytest.raises(InputError, match=r"--out .*: this is the folder of the study's card; choose another"):
        prepare_study(card, out=tmp_path)


def test_ridge_without_a_unique_solution_fails_readably():
    with pytest.raises(RunFailed, match="ridge regression with penalty 0 has no unique solution"):
        solve_ridge(torch.zeros(3, 3), torch.ones(3, 1), 0.0)
