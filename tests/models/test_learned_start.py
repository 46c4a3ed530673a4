"""Initial states that are learned like weights, of rate-based layers and of membranes, in every engine."""

import pytest
import torch

import neurorec as nr
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import engines
from neurorec.engines.event_layer import event_form
from neurorec.hardware.export import exporters
from neurorec.learning.gradient_counts import backward_counts, update_counts
from neurorec.learning.rule import rules
from neurorec.models.cell import cells
from tests.hardware.nets import counts_of, make_net, run
from tests.models.test_network import layer
from tests.nets import network, on_dyadic_grid
from tests.rounding import assert_gradients_apart

LEARNING = [name for name in cells if cells[name].start_fields]
PAIRS = [
    (e, c) for e in engines for c in LEARNING if e != "torch" and engines[e]().why_not(network(c)["hidden"]) is None
]


def learning(name, share=1.0, spread=0.5, **changes):
    net = network(name, **changes)
    net.learn_start("hidden", share, spread)
    net.reset_parameters(torch.Generator().manual_seed(2))
    return on_dyadic_grid(net)


@pytest.mark.parametrize("name", LEARNING)
def test_a_run_starts_from_what_is_learned_and_its_gradient_reaches_it(name):
    net = learning(name, share=0.5).double()
    hidden, x = net["hidden"], torch.zeros(4, 3, 5).double()
    rest, start = hidden.initial_state(3), hidden.start(3)
    for field, values in hidden.learned_start.items():
        assert values.shape == (1, 4)  # half of 7, rounded
        assert torch.equal(getattr(start, field)[:, :4], getattr(rest, field)[:, :4] + values)
        assert torch.equal(getattr(start, field)[:, 4:], getattr(rest, field)[:, 4:])
    for runs in (net.run(x)[1], net.run(x, net.initial_state(3))[1]):
        _, by_hand = hidden(x, start)
        for one, other in zip(runs.layers["hidden"], by_hand, strict=True):
            torch.testing.assert_close(one, other)
    moving = [part for part in net.run(x[:1])[1].layers["hidden"] if part.requires_grad]
    sum(part.sum() for part in moving).backward()
    assert all(values.grad.abs().sum() > 0 for values in hidden.learned_start.values())


@pytest.mark.parametrize(("engine", "name"), PAIRS)
def test_engines_agree_on_learned_initial_states(engine, name):
    x = (torch.rand(20, 3, 5, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    found = []
    for which in ("torch", engine):
        net = learning(name, spread=4.0)
        seen = engines[which]().run(net, x)
        sums = engines[which]().hidden_sums(net, x, torch.ones(1, 20))["hidden"]
        (sums * torch.linspace(-1, 1, 7)).sum().backward()
        found.append((seen.sent["hidden"], {key: p.grad for key, p in net.named_parameters() if p.grad is not None}))
    (one, expected), (two, gradients) = found
    if cells[name].output_signal == "spikes":
        assert torch.equal(one, two)
        assert not torch.equal(one, network(name)["hidden"](x)[0])
    assert any("start_values" in key and gradient.abs().sum() > 0 for key, gradient in expected.items())
    assert_gradients_apart(gradients, expected, 20, 3, 7)


@pytest.mark.parametrize("name", ["elman", "lstm"])
def test_its_gradient_equals_finite_differences(name):
    net = learning(name).double()
    x, values = torch.rand(5, 2, 5).double(), list(net["hidden"].learned_start.values())
    names = [f"layers.hidden.start_values.{key}" for key in net["hidden"].learned_start]

    def loss(*given):
        return torch.func.functional_call(net, dict(zip(names, given, strict=True)), (x,)).square().sum()

    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["elman", "lif"])
def test_bptt_learns_it(name):
    net = learning(name, I=8, O=10)
    before = {key: value.clone() for key, value in net["hidden"].learned_start.items()}
    settings = {
        "epochs": 1, "batch_size": 32, "learning_rate": 0.05, "learning_rate_decay": 1.0, "clip_norm": 1.0,
        "rate_target": 0.0, "rate_weight": 0.0,
    }  # fmt: skip
    encoder = {"name": "regular_rate", "dt_ms": 1.0, "steps_per_frame": 4} if net.spikes else None
    nr.train(net, nr.load_task("row_digits", 0), "bptt", settings=settings, encoder=encoder, max_samples=96)
    assert all(not torch.equal(value, before[key]) for key, value in net["hidden"].learned_start.items())


def test_what_cannot_learn_or_hold_it_says_so():
    with pytest.raises(InputError) as caught:
        layer("dense", 3, 4, 0).learn_start(1.0)
    assert str(caught.value) == "learn_start: feed-forward has no initial state that could be learned; remove it"
    lif = learning("lif")
    with pytest.raises(CannotRun) as refused:
        rules["eprop"].check(lif)
    assert str(refused.value) == (
        "rule e-prop cannot train recurrent LIF: its initial state is learned, but this rule changes only weights; remove "
        "learn_start, or use bptt"
    )
    with pytest.raises(
        CannotRun, match="event engines cannot run recurrent LIF: its initial state is learned, one value per unit"
    ):
        event_form(lif["hidden"])
    assert exporters["nir"]().why_not(lif) == (
        "its initial state is learned, but neurons in NIR start from rest; train it without learn_start"
    )


@pytest.mark.parametrize(("name", "first_step"), [("elman", 7 * 7), ("lif", 0)])
def test_it_is_counted_once_per_sample(name, first_step):
    """An Elman layer sends its initial state, so errors also pass the recurrent synapses of the first step."""
    plain, learned = make_net(name), make_net(name)
    learned.learn_start("hidden", 1.0, 0.0)
    one, two = (counts_of(net, run(net)[0]) for net in (plain, learned))
    assert two.stored_words - one.stored_words == 7
    assert two.total.weight_reads - one.total.weight_reads == 4 * 7
    back = [backward_counts(net, seen.forward())["hidden"] for net, seen in ((plain, one), (learned, two))]
    assert back[1].macs - back[0].macs == 4 * first_step
    assert back[1].gradient_writes - back[0].gradient_writes == 4 * 7
    assert learned.parameter_count - plain.parameter_count == 7
    moved = [update_counts(net, 1, "adam", clipped=False).total.weight_writes for net in (plain, learned)]
    assert moved[1] - moved[0] == 7
