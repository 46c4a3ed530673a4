"""Learning of deep Boltzmann machines: pre-training by hand, the gradient for long chains, costs, refusals."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun
from neurorec.learning.deep_boltzmann_learning import DeepBoltzmannLearning
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.models.test_deep_boltzmann import machine, marginal

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 20, "learning_rate": 1.0, "learning_rate_decay": 1.0, "sweeps": 60,
    "chains": 20_000, "pretraining_updates": 0, "pretraining_rate": 0.5,
}  # fmt: skip


def one_step(made, patterns, **changes):
    method = DeepBoltzmannLearning(DeepBoltzmannLearning.Card(**{**SETTINGS, **changes}))
    state = method.init(made, None, None, torch.Generator().manual_seed(2))
    return method.step(made, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_long_chains_give_the_gradient_of_the_likelihood_where_mean_field_is_exact(temperature):
    """Without weights between the hidden layers, mean field is the posterior, and the change is the gradient."""
    made = machine(3, [2, 2], temperature)
    made.weights[1].zero_()
    patterns = (torch.rand(20_000, 3, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    chosen = [made.weights[0], *made.biases, made.weights[1]]
    before = [part.clone() for part in chosen]
    for part in chosen:
        part.requires_grad_(True)
    every = marginal(made)[0]
    log_p = made.log_weight(patterns) - torch.logsumexp(made.log_weight(every), 0)
    wanted = torch.autograd.grad(log_p.mean(), chosen)
    for part in chosen:
        part.requires_grad_(False)
    _, info = one_step(made, patterns)
    allowed = 6 * (2 * 0.25 / 20_000) ** 0.5 / temperature  # two means of 20,000 numbers from 0 to 1
    for part, old, gradient in zip(chosen, before, wanted, strict=True):
        assert ((part - old - gradient).abs() < allowed).all()
    assert wanted[0].abs().max() > 2 * allowed
    assert info.updates == 20_000 * 60
    assert info.more["chains"] == info.more["clamped"] == 20_000


def test_layers_are_pretrained_one_after_the_other_and_then_learn_together():
    made = machine(4, [3, 2], sweeps=3)
    patterns = (torch.rand(30, 4, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    settings = {**SETTINGS, "pretraining_updates": 2, "sweeps": 1, "chains": 7}
    method = DeepBoltzmannLearning(DeepBoltzmannLearning.Card(**settings))
    state, changed = method.init(made, None, None, torch.Generator().manual_seed(2)), []
    for _ in range(6):
        before = [weight.clone() for weight in made.weights]
        state, _ = method.step(made, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
        changed.append([not torch.equal(old, new) for old, new in zip(before, made.weights, strict=True)])
    assert changed == [[True, False]] * 2 + [[False, True]] * 2 + [[True, True]] * 2


@pytest.mark.parametrize(("layer", "up", "down"), [(0, 2, 1), (1, 1, 2)])
def test_a_pretraining_update_by_hand(layer, up, down):
    """One unit per layer, weights 1, biases -1/2: at the bottom, x_1 hears twice what x_0 sends; at the top, twice x_2."""
    made, count = machine(1, [1, 1]), 40_000
    made.load_state_dict({key: torch.full_like(value, 1.0 if "weight" in key else -0.5)
                          for key, value in made.state_dict().items()})  # fmt: skip
    method = DeepBoltzmannLearning(DeepBoltzmannLearning.Card(**{**SETTINGS, "pretraining_updates": 1}))
    state = replace(method.init(made, None, None, torch.Generator().manual_seed(2)), pretrained=layer)
    method.step(made, state, Batch(torch.ones(1, count, 1).double(), None, torch.ones(1, dtype=torch.bool)))

    def chance(x):
        return float(torch.sigmoid(torch.tensor(x - 0.5)))

    def upward(share):  # mean of the upper unit, and of its product with the lower one
        return share * chance(up) + (1 - share) * chance(0), share * chance(up)

    x = chance(2) if layer else 1.0
    h, xh = upward(x)
    y = h * chance(down) + (1 - h) * chance(0)
    g, yg = upward(y)
    allowed = 6 * 0.5 / count**0.5 * 0.5 * 2  # the rate is 0.5; differences of two means
    assert float(made.weights[layer]) == pytest.approx(1 + 0.5 * (xh - yg), abs=allowed)
    assert float(made.biases[layer]) == pytest.approx(-0.5 + 0.5 * (x - y), abs=allowed)
    assert float(made.biases[layer + 1]) == pytest.approx(-0.5 + 0.5 * (h - g), abs=allowed)
    assert abs(chance(1) - chance(2)) * h * 0.5 > 2 * allowed  # what another factor would change
    assert [float(weight) == 1 for weight in made.weights] == [layer == 1, layer == 0]


def test_bars_and_stripes_are_learned_far_better_than_by_independent_pixels():
    task = load_task("bars_and_stripes", 0)
    made = machine(16, [8, 4], sweeps=5)
    made.reset_parameters(torch.Generator().manual_seed(0))
    for weight in made.weights:
        weight.mul_(0.1)
    settings = {**SETTINGS, "epochs": 20, "batch_size": 32, "learning_rate": 0.1, "sweeps": 1, "chains": 100,
                "pretraining_updates": 100, "pretraining_rate": 0.1}  # fmt: skip
    del settings["rule"], settings["task"]
    seen = train(made.float(), task, "deep_boltzmann_learning", settings=settings, device="cpu")
    assert seen.scores["test"] > task.chance_score + 3
    assert seen.training["clamped"] == 20 * 1600 - 200 * 32


def test_learning_is_counted_as_a_walk_over_its_synapses():
    made, sizes, samples, chains, k, rounds = machine(4, [3, 2], sweeps=3), [4, 3, 2], 5, 7, 2, 3
    walked = dict.fromkeys(("macs", "nonlinearities", "plasticity_updates"), 0)
    heard = [sum(sizes[other] for other in (layer - 1, layer + 1) if 0 <= other < 3) for layer in range(3)]
    for layers, count in (([1, 2] * rounds, samples), ([0, 1, 2] * k, chains)):
        for layer in layers * count:
            walked["macs"] += sizes[layer] * heard[layer]
            walked["nonlinearities"] += sizes[layer]
    walked["plasticity_updates"] += (samples + chains) * (4 * 3 + 3 * 2 + 9)
    done = dict.fromkeys(DeepBoltzmannLearning.reports[2:], 0)
    for layer in (0, 1):  # pre-training, one update of each pair of layers with 5 samples
        _, info = one_step(machine(4, [3, 2]), torch.ones(samples, 4, dtype=torch.float64), pretraining_updates=1)
        if layer:
            method = DeepBoltzmannLearning(DeepBoltzmannLearning.Card(**{**SETTINGS, "pretraining_updates": 1}))
            info = method._pretrain(machine(4, [3, 2]), 1, torch.ones(samples, 4).double(), torch.Generator())
        found = info if layer else info.more
        done = {name: done[name] + found[name] for name in done}
        for _sample in range(samples):
            up = [(4, 3)] * layer  # through the layer below
            for n, m in [*up, *[(sizes[layer], sizes[layer + 1])] * 3]:  # data up, down, up again
                walked["macs"] += n * m
            walked["nonlinearities"] += 3 * layer + sizes[layer] + 2 * sizes[layer + 1]
            walked["plasticity_updates"] += 2 * (sizes[layer] * sizes[layer + 1] + sizes[layer] + sizes[layer + 1])
    forward = ForwardPass(LayerCounts(), 5, 2, 10, 5, 0)
    more = {"chains": chains, "clamped": samples} | done
    update = DeepBoltzmannLearning.count_training(made, forward, samples, chains * k, **more).update
    assert {name: getattr(update, name) for name in walked} == walked


def test_what_it_refuses():
    with pytest.raises(CannotRun) as caught:
        DeepBoltzmannLearning.check(load_pair("rbm").rate.build(3, 1, torch.Generator()))
    assert str(caught.value) == (
        "rule deep Boltzmann learning cannot train restricted Boltzmann machine: it trains the layers of a deep Boltzmann "
        "machine, which this is not; use bptt for networks of layers"
    )
