"""Feedback alignment: with the forward weights as feedback it is BPTT; with random ones, it soon points along the gradient."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.learning.feedback_alignment import FeedbackAlignment, FeedbackAlignmentCard
from neurorec.models.architecture import READOUT
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.encoders import encoders
from neurorec.tasks.task import Batch, load_task
from tests.hardware.nets import wired
from tests.nets import CLASSES, inputs, network

SETTINGS = {
    "task": "made up", "epochs": 1, "batch_size": 16, "learning_rate": 1e-2, "learning_rate_decay": 1.0, "clip_norm": 1.0,
    "rate_target": 0.1, "rate_weight": 0.0,
}  # fmt: skip
LOOP = (
    Wire(INPUT, "low"),
    Wire("low", "high"),
    Wire("high", "low", delay=1),
    Wire("low", READOUT),
    Wire("high", READOUT),
)


def rules(net, seed: int = 7, **changes):
    aligned = FeedbackAlignment(
        FeedbackAlignmentCard(rule="feedback_alignment", feedback_gain=1.0, **SETTINGS | changes)
    )
    exact = BPTT(BPTTCard(rule="bptt", **SETTINGS | changes))
    drawn = torch.Generator().manual_seed(seed)
    states = aligned.init(net, None, CLASSES, drawn), exact.init(net, engines["torch"](), CLASSES, drawn)  # type: ignore[arg-type]
    return aligned, exact, *states


def gradients(net, method, state, batch: Batch) -> dict[str, torch.Tensor]:
    net.zero_grad()
    method._loss(net, state, batch).backward()
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.requires_grad}


def batch_for(net, T=12, B=4) -> Batch:
    x = inputs(net, T, B, share=0.5).double()
    return Batch(x, torch.arange(B) % net[net.output].size, torch.arange(T) >= T - 3)


NETS = {
    "elman": lambda: network("elman"),
    "lif": lambda: network("lif", input_gain=6.0),
    "adaptive_lif": lambda: network("adaptive_lif", input_gain=6.0),
    "two layers in a loop": lambda: wired({"low": ("lif", 6), "high": ("elman", 4)}, LOOP),
}


@pytest.mark.parametrize("name", list(NETS))
def test_with_the_forward_weights_on_the_way_back_it_is_bptt(name):
    net = NETS[name]().double()
    aligned, exact, there, here = rules(net, rate_weight=0.3)
    batch = batch_for(net)
    random, wanted = gradients(net, aligned, there, batch), gradients(net, exact, here, batch)
    there.back = {weight: weight.detach() for weight in there.back}
    found = gradients(net, aligned, there, batch)
    for key in wanted:
        torch.testing.assert_close(
            found[key], wanted[key], rtol=1e-10, atol=1e-14, msg=lambda text, k=key: f"{k}: {text}"
        )
        hidden = not key.startswith("layers.readout")
        assert hidden == bool((random[key] - wanted[key]).norm() > 0.01 * wanted[key].norm()), key


def test_only_errors_that_pass_synapses_are_changed():
    """Without a past, the readout's feedback alone stands between both rules."""
    net = network("elman").double()
    aligned, exact, there, here = rules(net)
    there.back[net["readout"].weight] = net["readout"].weight.detach()
    batch = batch_for(net, T=1)
    found, wanted = gradients(net, aligned, there, batch), gradients(net, exact, here, batch)
    for key in wanted:
        torch.testing.assert_close(found[key], wanted[key], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize(("name", "rate"), [("elman", 1e-2), ("lif", 2e-2)])
def test_after_one_epoch_the_angle_to_the_gradient_is_below_90_degrees(name, rate, seed):
    """Of all weights of the hidden layer together. The readout starts from zero, as feedback alignment wants small weights."""
    encoder = {"name": "none"} if name == "elman" else {"name": "regular_rate", "dt_ms": 1.0, "steps_per_frame": 3}
    made = encoders[encoder["name"]]
    data = made(made.Card(**encoder)).encode_batch(load_task("row_digits", 0).split("train"), torch.Generator())
    gain = 1.0 if name == "elman" else 6.0
    net = network(name, I=data.x.shape[2], H=32, O=10, seed=seed, input_gain=gain, recurrent_gain=0.3)
    torch.nn.init.zeros_(net["readout"].weight)
    aligned, exact, there, here = rules(net, 100 + seed, learning_rate=rate)
    for first in range(0, data.size - 7, 8):
        there, _ = aligned.step(net, there, data.take(torch.arange(first, first + 8)))
    held = data.take(torch.arange(256))
    found, wanted = gradients(net, aligned, there, held), gradients(net, exact, here, held)
    matrices = ("layers.hidden.w_in", "layers.hidden.w_rec")
    one, other = (torch.cat([of[key].flatten() for key in matrices]) for of in (found, wanted))
    degrees = float(torch.rad2deg(torch.arccos(torch.cosine_similarity(one, other, dim=0))))
    assert degrees < 90
