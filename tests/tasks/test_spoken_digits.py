"""Spoken digits: bands of pure tones, the official split, and segments of samples of unequal length."""

import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.tasks import spoken_digits
from neurorec.tasks.batch import Batch
from neurorec.tasks.data_files import missing_data
from neurorec.tasks.objectives.classification import segment_means
from neurorec.tasks.spoken_digits import BANDS, FRAMES, HOP, WINDOW, mel_bands, recordings, samples_of
from neurorec.tasks.task import load_task

needs_data = pytest.mark.skipif(missing_data("spoken_digits") is not None, reason=str(missing_data("spoken_digits")))


def tone(frequency_Hz, samples=4000):
    return np.sin(2 * np.pi * frequency_Hz * np.arange(samples) / 8000)


def test_a_tone_is_loudest_in_its_own_band():
    ends = 2595 * np.log10(1 + np.array([80, 4000]) / 700)
    centres = 700 * (10 ** (np.linspace(*ends, BANDS + 2)[1:-1] / 2595) - 1)
    for band in (3, 12, 22):
        spectrum = mel_bands(tone(centres[band]))
        assert (spectrum.argmax(1) == band).all()
        assert spectrum.max() == 1


def test_energies_are_relative_to_the_largest_and_there_is_a_frame_every_10_ms():
    loud, soft = mel_bands(tone(500)), mel_bands(0.01 * tone(500))
    np.testing.assert_allclose(loud, soft, atol=1e-4)
    assert loud.shape == ((4000 - WINDOW) // HOP + 1, BANDS)
    assert mel_bands(tone(500, 60_000)).shape[0] == FRAMES
    assert mel_bands(tone(500, 20)).shape[0] == 1
    fading = mel_bands(np.concatenate([tone(500, 800), 0.1 * tone(500, 800)]))
    assert fading[0].max() - fading[-1].max() == pytest.approx(20 / 60, abs=0.01)


def test_means_of_segments_weigh_frames_on_their_border():
    """5 frames in 2 parts: the third frame belongs to both, in halves."""
    x = torch.tensor([1.0, 2.0, 6.0, 4.0, 5.0, 99.0])[:, None, None].expand(6, 2, 1)
    batch = Batch(x, torch.zeros(2).long(), torch.ones(6, 2) > 0, torch.tensor([5, 2]))
    found = segment_means(batch, 2)
    assert found[0].tolist() == pytest.approx([(1 + 2 + 3) / 2.5, (3 + 4 + 5) / 2.5, 1])
    assert found[1].tolist() == pytest.approx([1, 2, 1])


@needs_data
def test_the_split_is_that_of_the_data_set():
    task = load_task("spoken_digits", 0)
    parts = {split: task.split(split) for split in ("train", "validation", "test")}
    assert {split: part.size for split, part in parts.items()} == {"train": 2400, "validation": 300, "test": 300}
    found = recordings()
    for split, numbers in (("test", range(5)), ("validation", range(5, 10)), ("train", range(10, 50))):
        chosen = task.splits[split]  # type: ignore[attr-defined]
        assert set(found.numbers[chosen]) == set(numbers)
        assert len({found.speakers[n] for n in chosen}) == 6
        assert torch.bincount(parts[split].answers).tolist() == [len(chosen) // 10] * 10
    assert 0 <= float(found.x.min()) < float(found.x.max()) == 1
    assert float(found.lengths.double().mean()) == pytest.approx(42, abs=1)
    assert task.baselines()["ridge on 8 segments"]["test"] == pytest.approx(0.95, abs=0.01)


@needs_data
def test_a_changed_recording_is_refused(monkeypatch, tmp_path):
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    (tmp_path / "fsdd" / "recordings" / "0_theo_0.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(spoken_digits, "data_folder", lambda: tmp_path)
    for name in ("0_theo_0.wav", "0_theo_1.wav"):
        with pytest.raises(
            InputError, match=rf"{name}: is missing or differs from the origin's; get it again from github"
        ):
            samples_of(f"recordings/{name}", "0" * 64)


@needs_data
def test_every_speaker_is_new_once_in_six_seeds():
    found, left_out = recordings(), []
    for seed in range(6):
        splits = load_task("spoken_digits_new_speaker", seed).splits  # type: ignore[attr-defined]
        heard = {split: {found.speakers[n] for n in chosen} for split, chosen in splits.items()}
        assert [len(heard[split]) for split in ("train", "validation", "test")] == [4, 1, 1]
        assert len(set.union(*heard.values())) == 6
        left_out += heard["test"]
    assert sorted(left_out) == sorted(set(found.speakers))


@needs_data
def test_all_at_once_are_the_means_that_the_baseline_of_the_frames_gets():
    frames, at_once = load_task("spoken_digits", 0), load_task("spoken_digits_at_once", 0)
    wanted = segment_means(frames.split("validation"), 8)[:, :-1].float()
    assert torch.equal(at_once.split("validation").x, wanted[None])
    assert torch.equal(at_once.split("test").answers, frames.split("test").answers)
