"""Event-driven contrastive divergence: weight changes spike by spike, symmetry, clamping, and what is learned."""

import numpy as np
import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines import lif_machine
from neurorec.engines.lif_machine import machine_network, relax_by_events, schedule
from neurorec.engines.on_plastic import run_network
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.engines.sampling_neurons import DT_MS, TAU_SYN_MS, is_on
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.learning.event_driven_contrastive_divergence import EventDrivenContrastiveDivergence
from neurorec.learning.rule import rules
from neurorec.models.energy.lif_restricted_boltzmann import LIFRestrictedBoltzmann, LIFRestrictedBoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 10, "learning_rate": 0.02, "bias_learning_rate": 0.006,
    "learning_rate_decay": 0.9, "settle_ms": 10.0, "learn_ms": 20.0, "weight_max": 3.0,
}  # fmt: skip


def machine(visible: int = 4, hidden: int = 3, spread: float = 0.5, steps: int = 400) -> LIFRestrictedBoltzmann:
    card = LIFRestrictedBoltzmannCard(
        name="lif_restricted_boltzmann",
        temperature=1.0,
        initial_spread=spread,
        hidden=hidden,
        max_sweeps=steps,
        clamped_ms=10.0,
    )
    made = LIFRestrictedBoltzmann(card, visible)
    made.reset_parameters(torch.Generator().manual_seed(0))
    return made.double()


def patterns(count: int) -> np.ndarray:
    return np.array([[1.0, 1, 0, 0], [0, 0, 1, 1]])[np.random.default_rng(0).integers(2, size=count)]


def by_hand(made, spikes, planned, phases, rate, bias_rate):
    """Weights and biases changed step by step: weights by the traces and the phase before the step, since the signal arrives
    last; biases by the phase after it."""
    before = np.concatenate([[0.0], phases[:-1]])
    V, N = made.visible, made.size
    w, b, s = made.weight.numpy().copy(), np.zeros(N), np.zeros(N)
    fired = np.zeros((planned.steps, N), bool)
    fired[:, :V][spikes["visible"]] = True
    fired[:, V:][spikes["hidden"]] = True
    for step in range(planned.steps):
        s *= 1 - DT_MS / TAU_SYN_MS
        now, g = fired[step], before[step]
        w += rate * g * (now[:V, None] * s[None, V:] + now[None, V:] * s[:V, None])
        b += bias_rate * phases[step] * now
        s[now] = 1
    return w, b


def test_weights_change_with_the_phase_and_the_other_traces_at_every_spike():
    made, shown = machine(), patterns(15)
    planned = schedule(shown, 10.0, 20.0)
    seen = run_network(machine_network(made, planned, 0.01, 0.003), planned.steps, 1, ("visible", "hidden"))
    one = np.repeat([0.0, 1.0, 0.0, -1.0], [100, 200, 100, 200])
    phases = np.tile(one, 15)
    w, b = by_hand(made, seen.spikes, planned, phases, 0.01, 0.003)
    assert np.abs(seen.weights["up"] - w).max() < 1e-10
    assert np.abs(np.r_[seen.state["visible"]["bias"], seen.state["hidden"]["bias"]] - b).max() < 1e-10
    assert np.abs(w - made.weight.numpy()).max() > 0.01


def test_equal_weights_of_both_directions_stay_equal():
    made, planned = machine(), schedule(patterns(30), 10.0, 20.0)
    seen = run_network(machine_network(made, planned, 0.01, 0.003, 3.0), planned.steps, 1, ())
    apart = np.abs(seen.weights["up"] - seen.weights["down"].T).max()
    assert apart < 1e-12 < np.abs(seen.weights["up"] - made.weight.numpy()).max()


def test_without_learning_rates_nothing_changes():
    made, planned = machine(), schedule(patterns(5), 10.0, 20.0)
    seen = run_network(machine_network(made, planned), planned.steps, 1, ())
    assert np.array_equal(seen.weights["up"], made.weight.numpy())
    assert seen.counts["hidden"] > 0


def test_visible_neurons_follow_the_data_and_then_run_free():
    made, shown = machine(spread=1e-6), patterns(20)
    planned = schedule(shown, 20.0, 30.0)
    seen = run_network(machine_network(made, planned), planned.steps, 2, ("visible",))
    on = is_on(seen.spikes["visible"], 4, planned.steps).reshape(20, 2, 500, 4)[:, :, 200:]
    clamped, free = on[:, 0].mean(1), on[:, 1].mean((0, 1))
    assert np.abs(clamped - shown).max() < 0.1
    assert (np.abs(free - 0.5) < 0.15).all()


def test_two_patterns_are_learned():
    made, task = machine(spread=0.1), patterns(400)
    rule = EventDrivenContrastiveDivergence(EventDrivenContrastiveDivergence.Card(**SETTINGS))
    batch = Batch(torch.from_numpy(task)[None], None, torch.ones(1, dtype=torch.bool))
    state = rule.init(made, None, objectives["log_likelihood"](), torch.Generator().manual_seed(0))
    data = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]])
    start = float(made.log_probability(data).mean())
    for _ in range(6):
        state, info = rule.step(made, state, batch)
    assert start == pytest.approx(-4 * np.log(2), abs=0.05)
    assert float(made.log_probability(data).mean()) > -1.4  # the truth is -0.69
    assert (state.done, state.share) == (6, pytest.approx(0.9**6))
    assert info.updates > 400 * 7


def test_samples_have_about_the_means_of_the_machine_and_their_events_are_counted():
    made = machine(3, 2, steps=600)
    made.visible_bias.copy_(torch.tensor([1.0, -1.0, 0.0]))
    x = torch.zeros(1, 150, 3).double()
    batch = Batch(x, torch.zeros(150, 1), torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(3).observe(made, batch, objectives["log_likelihood"]())
    seen = relax_by_events(made, made.start(x), 3)
    wanted = made.probabilities(1.0) @ made.all_states().double()
    assert ((seen.states.mean(0) - wanted).abs() < 4 * 0.5 / 150**0.5).all()
    assert seen.sent is not None
    assert not seen.sent[20:90, :, :3].any()  # held at 0
    fan_out = np.array([2, 2, 2, 3, 3])
    delivered = int((seen.sent[:-1].numpy().sum((0, 1)) * fan_out).sum())
    counted = count_work(trained_work(made, activity)).layers[UNITS]
    assert counted.synaptic_events == delivered > 1000
    assert counted.neuron_updates == 150 * 600 * 5


def test_what_it_refuses():
    rule = "event_driven_contrastive_divergence"
    with pytest.raises(CannotRun, match="it needs the spikes of a restricted Boltzmann machine of LIF neurons"):
        rules[rule].check(load_pair("rbm").rate.build(3, 3, torch.Generator()))
    with pytest.raises(CannotRun, match="it learns the distribution of the inputs, but this task asks for answers"):
        rules[rule].check(machine(), load_task("pattern_recall", 0))


def test_silence_is_reported(monkeypatch):
    monkeypatch.setattr(lif_machine, "steps_of", lambda ms: 1)
    made = machine()
    rule = EventDrivenContrastiveDivergence(EventDrivenContrastiveDivergence.Card(**SETTINGS))
    state = rule.init(made, None, objectives["log_likelihood"](), torch.Generator().manual_seed(0))
    with pytest.raises(Exception, match="no hidden neuron spiked on 1 samples"):
        rule.step(made, state, Batch(torch.zeros(1, 1, 4), None, torch.ones(1, dtype=torch.bool)))
