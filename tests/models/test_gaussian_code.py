"""Random codes between encoder and decoder: the bound, its two terms, their gradients, and what drawing a sample costs."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from neurorec.analysis.drawn_from_code import draw
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.densities import answered, log_likelihood_of_bits
from neurorec.engines.engine import choose_engine, engines
from neurorec.models.cells.gaussian_code import GaussianCode, GaussianCodeCard, GaussianCodeState
from neurorec.models.drawing import drawing_part
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair
from tests.hardware.nets import counts_of, wired
from tests.nets import network

BOUND = objectives["evidence_lower_bound"]()
WIRES = (
    Wire(INPUT, "encoder"), Wire("encoder", "code"), Wire("code", "decoder", along="reading"), Wire("decoder", "readout")
)  # fmt: skip


def autoencoder(cell="elman", code=2):
    """Reads and writes 2 frames of 3 bits."""
    layers = {"encoder": (cell, 6), "code": ("gaussian_code", code), "decoder": (cell, 5)}
    made = wired(layers, WIRES, inputs=3, outputs=3, signal="spikes" if "lif" in cell else "values")
    made.takes_start = ("code",)
    return made


def every_image(code=2, k=1):
    """All 64 images as a batch, with noise."""
    bits = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)))
    parts = bits.reshape(64, 2, 3).transpose(0, 1)
    x = torch.cat([parts, torch.zeros_like(parts)]).repeat_interleave(k, 0)
    noise = torch.randn(64, code, generator=torch.Generator().manual_seed(7))
    mask = (torch.arange(4) >= 2).repeat_interleave(k)
    return Batch(x, bits, mask, steps_per_frame=k, start=noise, reading=torch.full((64,), 2))


def in_double(batch):
    return replace(batch, x=batch.x.double(), target=batch.target.double(), start=batch.start.double())


def with_noise(batch, noise):
    return replace(batch, start=noise)


def bound(net, batch):
    return engines["torch"]().answers(net, batch, BOUND)[:, 0]


def test_it_adds_up_what_it_hears_by_hand():
    cell = GaussianCode(GaussianCodeCard(name="gaussian_code", size=1, input_gain=1.0), 2)
    with torch.no_grad():
        cell.w_in.copy_(torch.tensor([[1.0, 2.0], [-2.0, 0.0]]))
        cell.bias.copy_(torch.tensor([0.5, 2.0]))
    state = cell.initial_state(1)._replace(noise=torch.tensor([[3.0]]))
    z, state = cell.step(state, torch.tensor([[1.0, 1.0]]))
    assert (state.mean.item(), state.log_variance.item()) == (3.5, 0.0)
    assert z.item() == 3.5 + 3.0
    z, state = cell.step(state, torch.tensor([[1.0, 0.0]]))
    assert (state.mean.item(), state.log_variance.item()) == (4.5, -2.0)
    assert z.item() == pytest.approx(4.5 + 3.0 / math.e, rel=1e-6)


def test_divergence_and_its_monte_carlo_mean_agree():
    """log q(z | x) - log p(z) has a variance that follows from the moments of normal numbers, so 5 standard errors bound it."""
    cell = GaussianCode(GaussianCodeCard(name="gaussian_code", size=3, input_gain=1.0), 2)
    mean, log_variance = torch.tensor([[0.5, -1.0, 0.0]]).double(), torch.tensor([[-1.0, 0.5, 0.0]]).double()
    draws = 100_000
    noise = torch.randn(draws, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    state = GaussianCodeState(noise, mean.expand(draws, -1), log_variance.expand(draws, -1))
    variance = (log_variance.exp() - 1) ** 2 / 2 + mean**2 * log_variance.exp()  # of (z^2 - noise^2) / 2, per unit
    error = abs(float(-cell.log_ratio(state).mean() - cell.divergence(state)[0]))
    assert error < 5 * math.sqrt(float(variance.sum()) / draws)
    prior = torch.distributions.Normal(torch.zeros(3).double(), torch.ones(3).double())
    q = torch.distributions.Normal(mean[0], (0.5 * log_variance[0]).exp())
    torch.testing.assert_close(cell.divergence(state)[0], torch.distributions.kl_divergence(q, prior).sum())
    z = cell.code(state)
    torch.testing.assert_close(cell.log_ratio(state), (prior.log_prob(z) - q.log_prob(z)).sum(1))


def quadrature(points=80):
    """Nodes and weights whose weighted sum is the mean over a standard normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())


def exact_log_likelihood(net):
    """log p of all 64 images by quadrature over a code of one number."""
    nodes, weights = quadrature()
    logits = draw(net, nodes[:, None], 2, 1)  # [nodes, 6]
    bits = every_image(1).answers.double()
    each = torch.stack([log_likelihood_of_bits(logits, image.expand(len(nodes), -1)) for image in bits])
    return (each + weights.log()).logsumexp(1)


@torch.no_grad()
def test_the_bound_is_below_the_exact_likelihood_by_the_divergence_from_the_exact_posterior():
    net, batch = autoencoder(code=1).double(), in_double(every_image(1))
    nodes, weights = quadrature()
    exact = exact_log_likelihood(net)
    assert float(exact.exp().sum()) == pytest.approx(1, abs=1e-12)  # a distribution over all images
    bounds = torch.stack([bound(net, with_noise(batch, node.expand(64, 1))) for node in nodes])
    mean = weights @ bounds
    assert (mean < exact).all()
    # the gap is KL(q(z | x) | p(z | x)), integrated over q
    cell = net["code"]
    _, after = engines["torch"]().sent_and_state(net, batch)
    gap = 0
    for node, weight in zip(nodes, weights, strict=True):
        state = after.layers["code"]._replace(noise=node.expand(64, 1))
        joint = log_likelihood_of_bits(draw(net, cell.code(state), 2, 1), batch.answers) + cell.log_ratio(state)
        gap = gap + weight * (exact - joint)
    torch.testing.assert_close(exact - mean, gap, rtol=1e-9, atol=1e-10)


def test_the_gradient_equals_finite_differences():
    net, batch = autoencoder().double(), in_double(every_image()).take(torch.arange(0, 64, 13))
    names, values = zip(*net.named_parameters(), strict=True)

    def loss(*given):
        with torch.nn.utils.stateless._reparametrize_module(net, dict(zip(names, given, strict=True))):
            return BOUND.loss(bound(net, batch)[:, None], batch)

    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_the_decoder_hears_one_code_in_all_steps_of_writing(cell):
    """Codes of several steps with the same noise would tell it more than one draw does, and the bound would not hold."""
    k = 3 if cell == "lif" else 1
    net, batch = autoencoder(cell), every_image(k=k)
    sent, after = choose_engine("auto", net).sent_and_state(net, batch)
    if cell == "lif":
        last = sent["code"][k : 2 * k]  # of the last frame of reading, with its own end
        assert not torch.equal(last[0], last[-1])
    own = net["code"].code(after.layers["code"])
    from_code = drawing_part(net).run(own.expand(2 * k, -1, -1))[0]["readout"]
    assert torch.equal(sent["readout"][2 * k :], from_code)
    assert sent["decoder"].any()


@torch.no_grad()
def test_noise_of_the_samples_moves_the_code_by_its_standard_deviation():
    net, batch = autoencoder(), every_image()
    still = with_noise(batch, torch.zeros(64, 2))
    (moved, after), (rest, _) = (engines["torch"]().sent_and_state(net, one) for one in (batch, still))
    deviation = (0.5 * after.layers["code"].log_variance).exp()
    torch.testing.assert_close(moved["code"][1] - rest["code"][1], deviation * batch.start)
    with pytest.raises(InputError) as caught:
        bound(net, with_noise(batch, torch.zeros(64, 1)))
    assert str(caught.value) == 'the samples give initial states of 1 units, but layer "code" has 2 to set'


@torch.no_grad()
@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_the_work_of_drawing_a_sample_equals_brute_force(cell):
    drawer, steps = drawing_part(autoencoder(cell)), 6
    codes = 4 * torch.randn(3, 2, generator=torch.Generator().manual_seed(1)).expand(steps, -1, -1)
    seen = engines["torch"]().run(drawer, codes)
    counted, spikes = counts_of(drawer, seen.activity).layers, 0
    macs = {"decoder": 0, "readout": 0}
    events = {"decoder": 0, "readout": 0}
    for t, b in itertools.product(range(steps), range(3)):
        for _, _ in itertools.product(range(2), range(5)):
            macs["decoder"] += 1
        for unit in range(5):
            before = float(seen.sent["decoder"][t - 1, b, unit]) if t else 0.0
            now = float(seen.sent["decoder"][t, b, unit])
            if cell == "elman":
                macs["decoder"] += 5
                macs["readout"] += 3
            else:
                events["decoder"] += 5 * int(before)
                events["readout"] += 3 * int(now)
                spikes += int(now)
    for name in macs:
        assert (counted[name].macs, counted[name].synaptic_events) == (macs[name], events[name])
    assert counted["decoder"].spikes == spikes
    assert spikes > 0 or cell == "elman"


def test_a_network_without_a_code_has_no_bound():
    plain = wired({"encoder": ("elman", 6), "decoder": ("elman", 5)},
                  (Wire(INPUT, "encoder"), Wire("encoder", "decoder", along="reading"), Wire("decoder", "readout")),
                  inputs=3, signal="values")  # fmt: skip
    with pytest.raises(CannotRun) as caught:
        choose_engine("auto", plain).answers(plain, with_noise(every_image(), None), BOUND)
    assert str(caught.value) == (
        "Elman + Elman assigns no probability to a sample: none of its layers draws a code; use a network with the cell "
        "gaussian_code between encoder and decoder"
    )
    with pytest.raises(InputError) as caught:
        drawing_part(network("elman"))
    assert str(caught.value) == (
        "Elman does not write from a single code alone, so it cannot draw samples; let its decoder hear only a layer such as "
        '"gaussian_code", by hears_read'
    )


@pytest.mark.parametrize("name", ["binary_digits", "binary_digit_rows"])
def test_digits_of_bits_are_read_and_written(name):
    task = load_task(name, 0)
    test, grey = task.split("test"), load_task("frame_digits", 0).split("test")
    assert torch.equal(test.answers, (grey.x[0] >= 0.5).float())
    frames = len(test.x) // 2
    assert torch.equal(test.x[:frames].transpose(0, 1).flatten(1), test.answers)
    assert not test.x[frames:].any()
    assert test.mask.tolist() == [False] * frames + [True] * frames
    fresh: Any = task.fresh(torch.Generator().manual_seed(0))
    train: Any = task.split("train")
    assert torch.equal(fresh.answers.sum(0), train.answers.sum(0))  # the same images
    assert not torch.equal(fresh.start.sort(0).values, train.start.sort(0).values)  # with other noise
    frequency = (train.answers.double().sum(0) + 1) / (train.size + 2)  # as the baseline, but for pixels that vary
    by_hand = torch.distributions.Bernoulli(frequency).log_prob(test.answers.double()).sum(1).mean()
    assert task.baselines()["independent pixels"]["test"] == pytest.approx(float(by_hand), abs=0.02)


def test_a_card_builds_networks_that_give_bounds():
    pair, task = load_pair("vae"), load_task("binary_digits", 0)
    for half in pair.halves:
        net = half.build(task.inputs, task.outputs, torch.Generator().manual_seed(0))
        batch = half.encoder.encode_batch(task.split("test").take(torch.arange(5)), torch.Generator())
        y = choose_engine("auto", net).answers(net, batch, task.objective)
        assert y.shape == (5, 1)
        assert (y < 0).all()
        sent, after = choose_engine("auto", net).sent_and_state(net, batch)
        torch.testing.assert_close(answered(net, sent, after, batch, task.objective), y)
