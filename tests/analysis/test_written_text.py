"""What networks write: words of the text, quotations from it, and a Markov model for comparison."""

import itertools
import math

import numpy as np
import pytest
import torch

from neurorec.analysis.analysis import analyse_network, analyses
from neurorec.analysis.free_running import FreeRunning
from neurorec.analysis.written_text import known_share, longest_quotation, markov_text
from neurorec.models.cell import cells
from neurorec.models.network import chain
from neurorec.models.readout import readouts
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import EncoderCard, encoders
from neurorec.tasks.task import load_task
from neurorec.tasks.text import as_numbers, text_task

TEXT = "".join(itertools.islice(itertools.cycle("to be "), 12_000))


def task_of(text):
    task = text_task("text", "text", *as_numbers(text.encode(), "text"), 0, ())
    return EncodedTask(task, encoders["events"](EncoderCard(name="events")), 0)


def reader_of(follows):
    """A network that is sure of the character that follows each character."""
    alphabet = sorted(follows)
    size = len(alphabet)
    embedding = cells["embedding"](cells["embedding"].Card(name="embedding", size=size, input_gain=1.0), size)
    readout = readouts["linear"](readouts["linear"].Card(name="linear"), size, size)
    with torch.no_grad():
        embedding.w_in.copy_(torch.eye(size))
        for one, after in follows.items():
            readout.weight[alphabet.index(after), alphabet.index(one)] = 100.0
    return chain(embedding, readout, "spikes")


def test_a_network_that_knows_the_text_continues_it():
    text = "".join(itertools.islice(itertools.cycle("abcd "), 12_000))
    network = reader_of(dict(zip("abcd ", "bcd a", strict=True)))
    settings = {"temperature": 1.0, "samples": 2, "prompt": 5, "length": 30}
    found = analyse_network("written_text", network, task_of(text), settings)
    assert found.values == {"known words": 1.0, "longest quotation": 30.0}
    for piece in found.figures[0].pieces:
        prompt, written = piece.split("|")
        assert (len(prompt), len(written)) == (5, 30)
        assert prompt + written in text


def test_a_network_that_writes_words_of_its_own_is_found_out():
    text = "".join(itertools.islice(itertools.cycle("abcd "), 12_000))
    network = reader_of(dict(zip("abcd ", "c   a", strict=True)))  # "ac ac ac"
    settings = {"temperature": 1.0, "samples": 5, "prompt": 5, "length": 30}
    found = analyse_network("written_text", network, task_of(text), settings)
    assert found.values == {"known words": 0.0, "longest quotation": 2.0}  # " a"
    assert found.baselines == {"known words": ("Markov model of order 2", 1.0)}


def test_words_and_quotations_by_hand():
    source = "To be, or not to be: that's the question"
    assert known_share(["xx to Be qu that's yy"], source) == 3 / 4  # the first and the last word may be cut
    assert math.isnan(known_share(["to be"], source))
    assert longest_quotation("zz or not tz be:", source) == len(" or not t")
    assert longest_quotation("zzz", source) == 0


def test_the_markov_model_writes_what_its_counts_allow():
    objective = task_of(TEXT).objective
    numbers = torch.tensor([[objective.alphabet.index(one)] for one in "to"])
    settings = FreeRunning.Settings(temperature=0.5, samples=1, prompt=2, length=20)
    drawn = markov_text(objective, numbers, settings, torch.Generator().manual_seed(0))
    assert "to" + "".join(objective.alphabet[k] for k in drawn[:, 0].tolist()) in TEXT


def test_a_low_temperature_prefers_the_likely_character():
    text = "".join("ab "[k] for k in np.random.default_rng(0).choice(3, 12_000, p=[0.6, 0.3, 0.1]))
    objective = task_of(text).objective
    shares = []
    for temperature in (0.25, 1.0):
        settings = FreeRunning.Settings(temperature=temperature, samples=50, prompt=1, length=100)
        drawn = markov_text(
            objective, torch.zeros(1, 50, dtype=torch.int64), settings, torch.Generator().manual_seed(0)
        )
        shares.append(float((drawn == objective.alphabet.index("a")).float().mean()))
    assert shares[1] == pytest.approx(0.6, abs=0.03)
    assert shares[0] == pytest.approx(0.6**4 / (0.6**4 + 0.3**4 + 0.1**4), abs=0.03)


def test_only_texts_can_be_written():
    network = reader_of(dict(zip("abcd ", "bcd a", strict=True)))
    reason = analyses["written_text"]().why_not(network, load_task("store_recall", 0))
    assert reason == "the task is not to predict the characters of a text"
