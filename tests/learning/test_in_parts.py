"""Samples that are encoded in parts when they are read: nothing depends on the size of a part."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.activity import as_arrays
from neurorec.engines.engine import choose_engine
from neurorec.engines.event_layer import present
from neurorec.engines.event_network import EventNetwork, EventPopulation, SpikeStream, SpikeTrain
from neurorec.engines.on_brian2 import OnBrian2
from neurorec.engines.on_plastic import OnPlastic
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import encoded_split
from neurorec.tasks.encoders import encoders
from neurorec.tasks.in_parts import InParts, split_in_parts
from neurorec.tasks.task import load_task
from neurorec.training import course, load_pair, train
from neurorec.training.course import Samples
from tests.contracts.test_tasks import encoder
from tests.engines.test_exciting_synapses import delayed_net
from tests.engines.test_on_brian2 import spiking_net
from tests.learning.test_event_rules import FAMILY, equations
from tests.nets import on_dyadic_grid

PLASTIC = OnPlastic()


def shown(samples, part_size, steps_per_frame=8):
    """Frames of 6 lines, as spikes encoded in parts."""
    x = torch.rand(2, samples, 6, generator=torch.Generator().manual_seed(0))
    return InParts(
        Batch(x, None, torch.ones(2)), encoder("regular_rate", steps_per_frame=steps_per_frame), part_size
    )  # fmt: skip


def assert_same(seen, expected):
    assert 0.02 < expected.spikes.mean() < 0.8
    assert torch.equal(seen.spikes, expected.spikes)
    assert torch.equal(seen.weights, expected.weights)
    assert seen.input_spikes == expected.input_spikes > 0
    assert all(torch.equal(seen.kept[name], expected.kept[name]) for name in expected.kept)


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("part_size", [1, 3])
def test_every_event_rule_learns_the_same_to_the_last_bit(name, part_size):
    net, rule = spiking_net("competitive_lif"), replace(equations(name, threshold_rise=1 / 64), weight_sum=9.0)
    expected = present(PLASTIC, net["hidden"], shown(7, 7).encoded().x, rule)
    assert_same(present(PLASTIC, net["hidden"], shown(7, part_size), rule), expected)


@pytest.mark.parametrize("part_size", [1, 2])
def test_plastic_recurrent_synapses_with_delays_too(part_size):
    net, rule = delayed_net(3.0), replace(equations("stdp", threshold_rise=1 / 64), weight_sum=9.0)
    seen, expected = (present(PLASTIC, net["hidden"], shown(5, size), rule) for size in (part_size, 5))
    assert_same(seen, expected)
    assert torch.equal(seen.excitation, expected.excitation)


@pytest.mark.parametrize("name", list(encoders))
def test_an_encoder_draws_or_encodes_parts_as_it_does_the_whole(name):
    kind, task = encoder(name), load_task("row_digits", 0)
    whole = encoded_split(kind, task, "validation", 0, 20)
    parts = split_in_parts(kind, task, "validation", 0, 20, part_bytes=4 * 64 * kind.steps_per_frame * 7)
    assert isinstance(parts, Batch) == kind.draws
    assert torch.equal(torch.cat([part.x for part in parts.parts()], 1), whole.x)
    assert torch.equal(parts.encoded().x, whole.x)
    if isinstance(parts, InParts):
        assert [part.size for part in parts.parts()] == [7, 7, 6]
        assert (parts.steps, parts.size) == (whole.steps, whole.size)


@pytest.fixture
def in_parts_of(monkeypatch):
    def split(samples):
        def in_parts(coder, task, name, seed, most=None):
            return split_in_parts(coder, task, name, seed, most, part_bytes=4 * 64 * 32 * samples)

        monkeypatch.setattr(course, "split_in_parts", in_parts)

    return split


def test_scores_and_activity_are_those_of_all_samples_at_once(in_parts_of):
    half, task = load_pair("competitive_lif_vs_competitive_learning").spiking, load_task("frame_digits", 0)
    net = on_dyadic_grid(half.build(task.inputs, task.outputs, torch.Generator().manual_seed(0)))
    in_parts_of(50)
    given = (net, task, half.encoder, choose_engine("auto", net), 0, "cpu", 120, False)
    parts, whole = Samples(*given, in_parts=True), Samples(*given)
    assert isinstance(parts.data["test"], InParts)
    assert isinstance(whole.data["test"], Batch)
    (scores, seen), (expected_scores, expected) = parts.test(), whole.test()
    assert scores == expected_scores
    assert parts.scores("train") == whole.scores("train")
    seen, expected = as_arrays(seen), as_arrays(expected)
    assert seen.keys() == expected.keys()
    assert all(np.array_equal(seen[key], expected[key]) for key in expected)
    assert expected["hidden/spikes"].sum() > 0


def test_a_training_in_parts_is_the_same_training(in_parts_of):
    half, task = load_pair("competitive_lif_vs_competitive_learning").spiking, load_task("frame_digits", 0)
    whole = train(half, task, "stdp", 0, device="cpu", max_epochs=2, max_samples=60)
    in_parts_of(25)
    parts = train(half, task, "stdp", 0, device="cpu", max_epochs=2, max_samples=60)
    for name in ("w_in", "theta"):
        assert torch.equal(getattr(parts.network["hidden"], name), getattr(whole.network["hidden"], name))
    assert parts.training["weight_updates"] == whole.training["weight_updates"] > 0


def test_a_part_with_spikes_of_other_steps_is_refused():
    late = SpikeStream(10, lambda: iter([SpikeTrain(np.array([3, 12]), np.array([0, 0]))]))
    with pytest.raises(InputError) as caught:
        PLASTIC.run_network(EventNetwork(1.0, {"lines": EventPopulation(1, late)}, {}), 20)
    assert str(caught.value) == (
        "population lines: a part of its spike stream has spikes in steps 3 to 12, outside 0 to 9; count steps from the start "
        "of the run"
    )


def test_after_the_last_part_nothing_fires():
    given = SpikeStream(
        1500,
        lambda: iter([SpikeTrain(np.arange(1200), np.zeros(1200, int)), SpikeTrain(np.array([1600]), np.array([1]))]),
    )  # more spikes than the compiled engine reserves memory for
    for engine in (PLASTIC, OnBrian2("numpy")):
        steps, neurons = engine.run_network(EventNetwork(1.0, {"lines": EventPopulation(2, given)}, {}), 3100).spikes[
            "lines"
        ]
        assert steps.tolist() == [*range(1200), 1600]
        assert neurons.tolist() == [0] * 1200 + [1]
