"""Digits completed from their upper half: data, trivial predictors, and that known pixels are held."""

import numpy as np
import torch

from neurorec.analysis import digit_completion as completion
from neurorec.analysis.analysis import analyse
from neurorec.analysis.half_digits import drawn, half_digits, nearest, regressed
from neurorec.basics.seeds import torch_generator
from neurorec.engines.lif_machine import share_on
from tests.learning.test_event_driven_contrastive_divergence import machine

DATA = half_digits(0)


def test_the_lower_half_is_hidden_and_only_its_pixels_count():
    assert DATA.known.reshape(8, 8)[:, 0].tolist() == [True] * 4 + [False] * 4
    images = DATA.test[:5]
    wrong_above = torch.where(DATA.known, -images, images)
    assert DATA.overlap(wrong_above, images) == 1
    assert DATA.overlap(torch.where(DATA.known, images, -images), images) == -1
    assert torch.equal(DATA.cue(images)[:, DATA.known], images[:, DATA.known])
    assert len(DATA.cue(images)[:, ~DATA.known].unique(dim=0)) == 1


def test_predictors_see_only_the_known_half():
    images = DATA.test[:40]
    hidden = torch.where(DATA.known, images, -images)
    for predict in (nearest, regressed):
        assert torch.equal(predict(DATA, images), predict(DATA, hidden))
        assert DATA.overlap(predict(DATA, images), images) > DATA.overlap(DATA.cue(images), images)
    assert torch.equal(nearest(DATA, DATA.train[:3])[:, DATA.known], DATA.train[:3][:, DATA.known])


def test_stored_images_are_completed_by_both_halves():
    generator = torch_generator(0, "test")
    memory = completion.hopfield(DATA, 3, generator)
    stored = DATA.train[torch.randperm(len(DATA.train), generator=torch.Generator().manual_seed(3))[:3]]
    settled = completion.settle(memory, DATA, stored)
    assert torch.equal(settled[:, DATA.known], stored[:, DATA.known])
    assert DATA.overlap(settled, stored) > 0.95
    assert DATA.overlap(completion.attracted(memory, DATA, stored, generator), stored) > 0.9
    kept = completion.dense(DATA).relax(stored, generator).states
    assert float((kept * stored).mean()) > 0.9


def test_neurons_that_are_clamped_stay_so():
    patterns, known = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]]), np.array([True, True, False, False])
    shares = share_on(machine(steps=2000), patterns, known, 0)
    assert np.abs(shares[:, :2] - patterns[:, :2]).max() < 0.1
    assert (shares[:, 2:] > 0.02).all()
    assert (shares[:, 2:] < 0.98).all()


def test_machines_beat_the_mean_image_after_a_short_training():
    settings = {"stored": [2], "hidden": 32, "epochs": 6, "learning_rate": 0.2, "learning_rate_decay": 1.0, "sweeps": 60,
                "lif_steps": 1500, "images": 60}  # fmt: skip
    values = analyse("digit_completion", settings, 0).values
    assert values["restricted Boltzmann machine"] > values["mean image"]
    assert values["LIF Boltzmann machine"] > values["mean image"] - 0.1


def test_ink_is_black():
    (image,) = drawn(DATA.test[:1])
    assert image.values[0][0] == 0  # a corner
    assert np.array_equal(np.array(image.values).ravel() == 1, DATA.test[0].numpy() == 1)
