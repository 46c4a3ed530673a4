"""E-prop's gradient is that of backpropagation through time wherever no spike can move another neuron."""

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.learning.eprop import EProp, EPropCard
from neurorec.models.architecture import READOUT
from neurorec.models.cells.activation import ACTIVATIONS
from neurorec.models.cells.reset import resets
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from tests.hardware.nets import wired
from tests.nets import CLASSES, inputs, network

SETTINGS = {
    "task": "made up", "epochs": 1, "batch_size": 4, "learning_rate": 0.01, "learning_rate_decay": 1.0, "clip_norm": 1.0,
    "rate_target": 0.1, "rate_weight": 0.0,
}  # fmt: skip
T, B, O = 12, 4, 3  # noqa: E741


def made(name: str = "lif", *, frozen: bool = False, readout: str = "leaky", **changes) -> Network:
    net = network(
        name, readout=readout, **{"input_gain": 6.0, "recurrent_gain": 2.0, "v_leak": 0.1, **changes}
    ).double()
    if frozen:
        net.freeze_recurrence()
    return net


def batch_for(net: Network, kind: str = "classification", steps: int = T, lengths: bool = False) -> Batch:
    generator = torch.Generator().manual_seed(8)
    x = inputs(net, steps, B, share=0.5).double()
    if kind == "classification":
        mask = torch.arange(steps) >= steps // 2
        ends = torch.tensor([steps, steps // 2 + 1, steps - 1, steps - 2]) if lengths else None
        if ends is not None:
            mask = mask[:, None] & (torch.arange(steps)[:, None] < ends)
        return Batch(x, torch.randint(O, (B,), generator=generator), mask, ends)
    frames, mask = steps // 2, torch.rand(steps // 2, B, generator=generator) < 0.7
    mask[1] = False  # a frame that is not masked
    target = torch.randint(O, (frames, B), generator=generator)
    if kind == "step_regression":
        target = torch.randn(frames, B, O, generator=generator).double()
    return Batch(x, target, mask.repeat_interleave(2, 0), steps_per_frame=2, per_frame=True)


def both(net: Network, batch: Batch, kind: str = "classification", feedback: str = "symmetric", **settings):
    """Loss and gradients by both rules."""
    objective = objectives[kind]()
    bptt = BPTT(BPTTCard(rule="bptt", **SETTINGS | settings))
    net.zero_grad()
    loss = bptt._loss(net, bptt.init(net, engines["torch"](), objective, torch.Generator()), batch)
    loss.backward()
    exact = {name: p.grad.clone() for name, p in net.named_parameters() if p.requires_grad}
    decay = 0.01 if feedback == "adaptive" else None
    rule = EProp(EPropCard(rule="eprop", feedback=feedback, feedback_decay=decay, **SETTINGS | settings))
    local = rule.gradient(net, rule.init(net, engines["torch"](), objective, torch.Generator().manual_seed(1)), batch)
    return (loss, exact), (local, {name: p.grad.clone() for name, p in net.named_parameters() if p.requires_grad})


def assert_same(found) -> None:
    (loss, exact), (local, gradient) = found
    torch.testing.assert_close(local, loss.detach(), rtol=1e-12, atol=1e-14)
    assert exact.keys() == gradient.keys()
    for name in exact:
        assert exact[name].abs().sum() > 0, name
        torch.testing.assert_close(
            gradient[name], exact[name], rtol=1e-10, atol=1e-14, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize("kind", ["classification", "step_classification", "step_regression"])
@pytest.mark.parametrize("readout", ["leaky", "linear"])
@pytest.mark.parametrize("reset", list(resets))
def test_without_recurrent_weights_it_is_bptt(reset, readout, kind):
    net = made(reset=reset, readout=readout, frozen=True)
    assert net["hidden"](inputs(net, T, B, share=0.5).double())[0].sum() > 20
    assert_same(both(net, batch_for(net, kind), kind))


def test_samples_that_end_early_and_the_rate_regulariser_are_bptt_too():
    net = made(frozen=True)
    assert_same(both(net, batch_for(net, lengths=True), rate_weight=0.7))


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("kind", ["classification", "step_classification"])
def test_without_recurrent_weights_it_is_bptt_for_rate_units_too(kind, activation):
    net = made("elman", readout="leaky", frozen=True, activation=activation)
    net["hidden"].bias.data.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(4))
    assert_same(both(net, batch_for(net, kind), kind))


def test_of_rate_units_it_leaves_out_everything_that_comes_through_the_recurrent_weights():
    """BPTT in which each step hears the last one as a constant. More is left out than for LIF neurons, which keep a state."""

    class Deaf(type(made("elman")["hidden"])):
        def step(self, state, x):
            return super().step(state._replace(h=state.h.detach()), x)

    net = made("elman", readout="leaky")
    net["hidden"].__class__ = Deaf
    (_, exact), _ = both(made("elman", readout="leaky"), batch_for(net))
    bptt = BPTT(BPTTCard(rule="bptt", **SETTINGS))
    bptt._loss(net, bptt.init(net, engines["torch"](), CLASSES, torch.Generator()), batch_for(net)).backward()
    deaf = {name: p.grad.clone() for name, p in net.named_parameters()}
    net["hidden"].__class__ = Deaf.__mro__[1]
    _, (_, local) = both(net, batch_for(net))
    for name in deaf:
        torch.testing.assert_close(local[name], deaf[name], rtol=1e-10, atol=1e-14)
    assert (exact["layers.hidden.w_in"] - deaf["layers.hidden.w_in"]).norm() > 0.1 * deaf["layers.hidden.w_in"].norm()


def test_in_the_first_step_there_is_no_past_to_leave_out():
    net = made()
    found = both(net, batch_for(net, steps=1))
    assert found[0][1].pop("layers.hidden.w_rec").abs().sum() == found[1][1].pop("layers.hidden.w_rec").abs().sum() == 0
    assert_same(found)


def test_with_recurrent_weights_it_leaves_out_how_spikes_move_other_neurons():
    net = made()
    (_, exact), (_, local) = both(net, batch_for(net))
    torch.testing.assert_close(local["layers.readout.weight"], exact["layers.readout.weight"], rtol=1e-10, atol=1e-14)
    for name in ("layers.hidden.w_in", "layers.hidden.w_rec"):
        assert (local[name] - exact[name]).norm() > 0.05 * exact[name].norm()
        assert torch.cosine_similarity(local[name].flatten(), exact[name].flatten(), dim=0) > 0.5


def test_what_is_left_out_is_what_comes_through_the_recurrent_weights():
    """BPTT in which each step hears the spikes of the step before as constants."""

    class Deaf(type(made()["hidden"])):
        def _before_reset(self, state, x):
            return super()._before_reset(state._replace(z=state.z.detach()), x)

    net = made()
    net["hidden"].__class__ = Deaf
    (_, exact), _ = both(net, batch_for(net))
    net["hidden"].__class__ = Deaf.__mro__[1]
    _, (_, local) = both(net, batch_for(net))
    for name in exact:
        torch.testing.assert_close(local[name], exact[name], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("reset", list(resets))
def test_the_adaptive_threshold_has_its_own_slow_trace(reset):
    net = made("adaptive_lif", frozen=True, reset=reset)
    detached, (_, local) = both(net, batch_for(net))
    net = made("adaptive_lif", frozen=True, reset=reset, threshold_gradient=True)
    (_, exact), _ = both(net, batch_for(net))
    torch.testing.assert_close(local["layers.hidden.w_in"], exact["layers.hidden.w_in"], rtol=1e-10, atol=1e-14)
    assert (detached[1]["layers.hidden.w_in"] - exact["layers.hidden.w_in"]).norm() > 0.01 * exact[
        "layers.hidden.w_in"
    ].norm()


@pytest.mark.parametrize("feedback", ["random", "adaptive"])
@pytest.mark.parametrize("name", ["lif", "adaptive_lif", "elman"])
def test_feedback_drawn_at_random_is_not_the_readouts(name, feedback):
    net = made(name)
    _, (_, symmetric) = both(net, batch_for(net))
    _, (_, random) = both(net, batch_for(net), feedback=feedback)
    torch.testing.assert_close(random["layers.readout.weight"], symmetric["layers.readout.weight"])
    assert (random["layers.hidden.w_in"] - symmetric["layers.hidden.w_in"]).norm() > 0.1 * symmetric[
        "layers.hidden.w_in"
    ].norm()


def test_of_two_layers_the_one_that_only_the_readout_hears_has_the_exact_gradient():
    wires = (Wire(INPUT, "low"), Wire("low", "high"), Wire("low", READOUT), Wire("high", READOUT))
    net = wired({"low": ("lif", 6), "high": ("lif", 4)}, wires).double()
    net.freeze_recurrence()
    (_, exact), (_, local) = both(net, batch_for(net))
    for name in ("layers.readout.weight", "layers.high.w_in"):
        assert exact[name].abs().sum() > 0
        torch.testing.assert_close(local[name], exact[name], rtol=1e-10, atol=1e-14)
    assert (local["layers.low.w_in"] - exact["layers.low.w_in"]).norm() > 0.01 * exact["layers.low.w_in"].norm()
