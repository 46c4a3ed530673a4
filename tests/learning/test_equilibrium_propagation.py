"""Equilibrium propagation against backpropagation through a network that has settled; what it costs, what it refuses."""

from collections import Counter

import pytest
import torch

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import choose_engine
from neurorec.learning.intervention import intervened, why_not_intervene
from neurorec.learning.nudging import Nudging
from neurorec.learning.rule import rules
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoders import encoders
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from tests.nets import CLASSES, network

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 1, "learning_rate": 0.01, "learning_rate_decay": 1.0,
    "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0, "nudging": "symmetric", "strength": 0.1, "nudged_steps": 100,
}  # fmt: skip
SQUARES = objectives["regression"]()


def rule(**changes):
    kind = rules["equilibrium_propagation"]
    return kind(kind.Card(**{**SETTINGS, **changes}))


def net(readout="linear", H=6, **changes):
    made = network("continuous_hopfield", I=4, H=H, readout=readout, **{"recurrent_gain": 0.8, **changes}).double()
    with torch.no_grad():
        made["hidden"].bias.copy_(torch.linspace(-0.3, 0.3, H))
    return made


def batch(objective=CLASSES, steps=100):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 5, 4, generator=generator, dtype=torch.float64).expand(steps, -1, -1)
    labels = torch.tensor([0, 1, 2, 0, 1])
    target = labels if objective is CLASSES else torch.rand(5, 3, generator=generator, dtype=torch.float64)
    return Batch(x, target, torch.arange(steps) == steps - 1)


def by_backpropagation(made, objective, data):
    """Through all steps of the free phase."""
    loss = objective.loss(choose_engine("torch", made).answers(made, data, objective), data)
    return torch.autograd.grad(loss, list(made.parameters()))


def apart(made, objective, data, **settings):
    """How far the rule's gradient is from that of backpropagation, as a share of its length."""
    exact = by_backpropagation(made, objective, data)
    rule(**settings).gradient(made, objective, data)
    off = [(weight.grad - wanted).square().sum() for weight, wanted in zip(made.parameters(), exact, strict=True)]
    return float(sum(off).sqrt() / sum(wanted.square().sum() for wanted in exact).sqrt())


@pytest.mark.parametrize(("readout", "objective"), [("linear", CLASSES), ("linear", SQUARES), ("units", SQUARES)])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_gradient_becomes_that_of_backpropagation_as_nudging_vanishes(readout, objective, activation):
    """One-sided nudging errs by O(beta), symmetric nudging by O(beta^2): half of beta leaves 1/2 and 1/4."""
    made, data = net(readout, activation=activation), batch(objective)
    for nudging, left in (("positive", 0.5), ("symmetric", 0.25)):
        errors = [apart(made, objective, data, nudging=nudging, strength=beta) for beta in (0.01, 0.005)]
        assert errors[1] / errors[0] == pytest.approx(left, rel=0.05)
    assert apart(made, objective, data, strength=1e-4) < 1e-7


def test_a_step_changes_weights_as_one_of_backpropagation_does():
    exact, found = rules["bptt"], []
    exact = exact(exact.Card(**{key: SETTINGS[key] for key in exact.Card.model_fields if key in SETTINGS}))
    for one in (rule(strength=1e-4), exact):
        made = net()
        one.step(made, one.init(made, choose_engine("torch", made), CLASSES, torch.Generator()), batch())
        found.append(torch.cat([weight.detach().flatten() for weight in made.parameters()]))
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)  # Adam's first step is 0.01 for every weight


def test_before_it_has_settled_the_gradient_is_another():
    made = net()
    assert apart(made, CLASSES, batch(steps=3), strength=1e-4, nudged_steps=3) > 0.01


def test_settling_descends_the_energy_to_a_fixed_point():
    made = net(step_size=0.2)
    cell, x = made["hidden"], batch().x
    h, steps = cell.initial_state(5).h, []
    weight, drive = cell.symmetric(), x[0] @ cell.w_in.T + cell.bias
    for x_t in x:
        inverse = h * torch.atanh(h) + (1 - h.square()).log() / 2  # G, whose derivative is atanh
        steps.append(inverse.sum(1) - ((h @ weight) * h).sum(1) / 2 - (h * drive).sum(1))
        h = cell.step(type(cell.initial_state(5))(h), x_t)[0].detach()
    energies = torch.stack(steps).detach()
    assert (energies.diff(dim=0) < 1e-12).all()
    assert (energies[0] - energies[-1] > 0.01).all()
    torch.testing.assert_close(h, torch.tanh(h @ weight + drive).detach())


def test_weights_stay_symmetric_and_without_self_connections():
    made, method = net(), rule()
    state = method.init(made, None, CLASSES, torch.Generator())
    before = made["hidden"].w_rec.clone()
    for _ in range(3):
        state, info = method.step(made, state, batch(steps=30))
    after = made["hidden"].w_rec.detach()
    assert not torch.equal(after, before)
    torch.testing.assert_close(after, after.T)
    assert not after.diagonal().any()
    assert info.more == {"nudged": 5 * 2 * 100}


def test_its_own_interventions_end_phases_at_random_and_send_three_values():
    made, data = net(), batch()
    full = Nudging(made, CLASSES, data).settle(made["hidden"](data.x)[1].h, 0.5, 9)
    draws = torch.Generator().manual_seed(0)
    early = Nudging(made, CLASSES, data, draws=draws).settle(made["hidden"](data.x)[1].h, 0.5, 9)
    ends = torch.randint(5, 10, (5, 1), generator=torch.Generator().manual_seed(0)).flatten()
    assert ((full == early).all(1) == (ends == 9)).all()
    alone = Nudging(made, CLASSES, data).settle(made["hidden"](data.x)[1].h, 0.5, int(ends[0]))
    assert torch.equal(early[0], alone[0])
    rounded = [Nudging(made, CLASSES, data, rounding).error(full)[1] for rounding in (None, torch.Generator())]
    sizes = [len(error.abs().unique()) for error in rounded]
    assert sizes[0] > 2 >= sizes[1]
    kind = rules["equilibrium_propagation"]
    for name, key in (("desynchronised phases", "unequal_phases"), ("quantised messages", "three_valued_errors")):
        assert why_not_intervene(name, kind, made) is None
        method = intervened(name, kind)(rule().card)
        assert getattr(method.card, key)
        state = method.init(made, None, CLASSES, torch.Generator())
        assert (state.draws is not None) == (key == "unequal_phases") == (state.rounding is None)


def test_a_frozen_recurrence_does_not_learn():
    made = net()
    made.freeze_recurrence()
    rule().gradient(made, CLASSES, batch(steps=30))
    assert made["hidden"].w_rec.grad is None
    assert made["hidden"].w_in.grad.any()


@pytest.mark.parametrize("readout", ["linear", "units"])
def test_learning_is_counted_as_a_walk_over_its_phases(readout):
    made, samples, nudged, walked = net(readout), 3, 3 * 2 * 7, Counter()
    H, O, I, linear = 6, 3, 4, readout == "linear"  # noqa: E741
    for _ in range(nudged):
        for _ in range(O):  # outputs, errors times beta
            walked.update(values_sent=1, activation_writes=1, activation_reads=1, elementwise=1 + linear)
            for _ in range(H * linear):
                walked.update(macs=2, dense_macs=2, weight_reads=2)  # forward, and back
        for unit in range(H):
            walked.update(
                neuron_updates=1, values_sent=1, nonlinearities=1, elementwise=3, state_reads=2, state_writes=1
            )
            walked.update(activation_reads=1 + linear, activation_writes=1, elementwise=int(linear or unit < O))
            for other in range(H):
                if other != unit:
                    walked.update(macs=1, dense_macs=1, weight_reads=1)
    forward = ForwardPass(LayerCounts(), samples, 10, 10 * samples, samples, 0)
    counted = rules["equilibrium_propagation"].count_training(made, forward, samples, 0, nudged=nudged)
    assert counted.backward == Counts(**walked)
    products = Counter()
    for _ in range(2 * samples):
        products.update(activation_reads=I + H)
        for _ in range(H):
            products.update(elementwise=2, gradient_reads=1, gradient_writes=1)
            for _ in range(I + H - 1):
                products.update(macs=1, dense_macs=1, gradient_reads=1, gradient_writes=1)
    for _ in range(samples * linear):
        products.update(activation_reads=H)
        for _ in range(O):
            products.update(elementwise=1, gradient_reads=1, gradient_writes=1)
            for _ in range(H):
                products.update(macs=1, dense_macs=1, gradient_reads=1, gradient_writes=1)
    assert counted.update == Counts(**products)
    assert not any(store.kind == "tape" for store in counted.stores)


def test_answers_count_when_the_network_has_settled():
    """The encoder holds a frame for many steps, the last of which counts."""
    held = encoders["held"](encoders["held"].Card(name="held", steps_per_frame=4))
    task = load_task("row_digits", 0)
    encoded = held.encode_batch(task.split("test"), torch.Generator())
    assert encoded.x.shape[0] == 32
    assert torch.equal(encoded.x[3::4], task.split("test").x)
    assert encoded.mask.nonzero().flatten().tolist() == [31]
    with pytest.raises(InputError, match="this task has a target in every frame"):
        held.encode_batch(load_task("reber", 0).split("test"), torch.Generator())
    data = batch(steps=3)
    with pytest.raises(CannotRun) as caught:
        rule().gradient(net(), CLASSES, Batch(data.x, data.target, torch.ones(3, dtype=torch.bool)))
    assert str(caught.value) == (
        "equilibrium propagation: the answer must count in the last of many steps of constant input, when the network has "
        'settled; use the encoder "held"'
    )


def test_what_it_refuses_says_what_to_use():
    check = rules["equilibrium_propagation"].check
    for made, said in (
        (network("elman"), "only symmetric connections have; use the cell continuous_hopfield"),
        (network("continuous_hopfield", readout="leaky"), "its readout has a time constant"),
    ):
        with pytest.raises(CannotRun, match=said):
            check(made)
    with pytest.raises(CannotRun, match="8 frames; present them all at once, as frame_digits does"):
        check(network("continuous_hopfield"), load_task("row_digits", 0))


def test_what_it_relaxes_of_the_six_objections():
    stances = [judgement.stance for judgement in rules["equilibrium_propagation"].judgements(net())]
    assert stances == ["relaxed", "relaxed", "kept", "partly", "kept", "kept"]
