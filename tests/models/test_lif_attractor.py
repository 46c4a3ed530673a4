"""The attractor network of LIF neurons: its steps neuron by neuron, its events one by one, and what it recalls."""

import math

import pytest
import torch

from neurorec.basics.cards import check_card
from neurorec.basics.errors import InputError
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.energy.lif_attractor import LIFAttractor, LIFAttractorCard
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.models.test_energy_models import symmetric

CARD = {**LIFAttractor.example, "name": "lif_attractor"}


def network(size: int, **changes) -> LIFAttractor:
    made = LIFAttractor(LIFAttractorCard(**{**CARD, **changes}), size).double()
    made.weight.copy_(symmetric((size, size), 0) / size)
    return made


def by_hand(made: LIFAttractor, cue: list[float], v: list[float]) -> list[list[bool]]:
    card, w = made.card, made.weight.tolist()
    z, wait, spikes, N = [0.0] * len(v), [0] * len(v), [], range(len(v))
    for step in range(card.max_sweeps):
        now = []
        for i in N:
            drive = 1 + card.gain * sum(w[i][j] * (2 * z[j] - 1) for j in N)
            drive += card.cue_gain * cue[i] if step * card.dt_ms < card.cue_ms else 0.0
            v[i] = drive + (v[i] - drive) * math.exp(-card.dt_ms / card.tau_mem_ms) if wait[i] == 0 else 0.0
            now.append(v[i] > 1)
        for i in N:
            wait[i] = round(card.refractory_ms / card.dt_ms) if now[i] else max(0, wait[i] - 1)
            v[i] = 0.0 if now[i] else v[i]
            z[i] = z[i] * math.exp(-card.dt_ms / card.tau_syn_ms) + now[i] / (made.rate_per_ms * card.tau_syn_ms)
        spikes.append(now)
    return spikes


def test_its_steps_neuron_by_neuron():
    made, cues = network(6), torch.tensor([[1.0, 1, -1, -1, 1, -1], [-1, 1, 1, 1, -1, -1]]).double()
    seen = made.relax(cues, torch.Generator().manual_seed(4))
    start = torch.rand(2, 6, generator=torch.Generator().manual_seed(4)).double().tolist()
    sent = torch.tensor([by_hand(made, cue, v) for cue, v in zip(cues.tolist(), start, strict=True)])
    assert seen.sent is not None
    assert torch.equal(seen.sent, sent.transpose(0, 1))
    assert 10 < sent.sum() < sent.numel() / 5
    counts = sent[:, -30:].sum(1)
    assert torch.equal(seen.states, torch.where(counts > made.rate_per_ms * 15, 1.0, -1.0).double())
    assert seen.energies.shape == (61, 2)
    assert torch.equal(seen.energies[0], made.energy(cues))


def test_a_neuron_in_a_field_of_1_fires_at_the_rate_that_stands_for_plus_1():
    """A step of 0.02 ms; the trace is then 1 on average, and the field of a stored pattern keeps itself up."""
    made = network(1, dt_ms=0.02, max_sweeps=10_000, cue_ms=170.0, cue_gain=20.0)
    made.weight.zero_()
    seen = made.relax(torch.ones(1, 1).double(), torch.Generator().manual_seed(0))
    assert seen.sent is not None
    fired = seen.sent[: round(made.card.cue_ms / 0.02), 0, 0].nonzero()[:, 0].double() * 0.02
    assert float(1 / fired.diff().mean()) == pytest.approx(made.rate_per_ms, rel=3e-3)


def test_events_are_counted_one_by_one():
    """The spikes of the last step are not delivered; a cue arrives as one event per neuron."""
    made = network(6)
    x = torch.tensor([[[1.0, 1, -1, -1, 1, -1], [-1, 1, 1, 1, -1, -1], [1, 1, 1, 1, 1, 1]]]).double()
    batch = Batch(x, x[0], torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(4).observe(made, batch, objectives["pattern_completion"]())
    sent = made.relax(x[0], torch.Generator().manual_seed(4)).sent
    assert sent is not None
    delivered = sum(5 for step in sent[:-1].tolist() for sample in step for spike in sample if spike)
    work = trained_work(made, activity)
    counted = count_work(work)
    assert delivered > 100
    assert counted.layers[UNITS].synaptic_events == delivered
    assert counted.layers[UNITS].spikes == int(sent.sum())
    assert (counted.layers[UNITS].macs, counted.layers[UNITS].neuron_updates) == (0, 3 * 60 * 6)
    assert (counted.input_spikes, activity.layers[INPUT].spikes.tolist()) == (18, [3] * 6)
    assert price(work, "loihi1").can_run
    assert work.dt_ms == 1.0


def test_it_recalls_about_as_well_as_the_hopfield_network():
    pair, task = load_pair("hopfield"), load_task("pattern_recall", 0)
    rate, spiking = (train(half, task, "hebbian", 0, device="cpu") for half in pair.halves)
    assert torch.equal(rate.network.weight, spiking.network.weight)
    assert spiking.test_score > 0.97 > task.baselines()["the cue itself"]["test"] == pytest.approx(0.8)
    assert rate.test_score - spiking.test_score < 0.02
    assert 1000 < spiking.activity.spikes_per_sample < 4000  # about half of 200 neurons, at 95 Hz for 0.2 s


def test_a_cue_that_lasts_into_the_reading_is_refused():
    with pytest.raises(InputError) as caught:
        check_card({**CARD, "cue_ms": 40.0}, LIFAttractorCard, "x")
    assert (
        "the cue (40 ms) must end before spikes are counted (for 30 ms), but 60 steps of 1 ms last 60 ms; raise max_sweeps"
        in str(caught.value)
    )
