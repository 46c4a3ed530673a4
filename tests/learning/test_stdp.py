"""STDP through its engines: the compiled one that "auto" takes, and Brian2, which must give the same."""

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.engines.engine import choose_engine
from neurorec.engines.event_layer import present
from neurorec.engines.on_brian2 import OnBrian2
from neurorec.engines.on_plastic import OnPlastic
from neurorec.learning.event_rule import EventState
from neurorec.learning.rule import rules
from neurorec.learning.stdp import STDP, STDPCard
from neurorec.tasks.task import Batch, batches
from tests.nets import CLASSES, network
from tests.rounding import assert_apart, sums_apart

SUM = 4.0


def rule(**changes):
    values = {
        "potentiation": 0.02, "depression": 0.01, "tau_pre_ms": 8.0, "tau_post_ms": 5.0, "trace_target": 0.5,
        "weight_max": 1.0, "threshold_rise": 0.05, "tau_threshold_ms": 1000.0,
    }  # fmt: skip
    return STDP(STDPCard(rule="stdp", task="frame_digits", epochs=1, batch_size=1, **(values | changes)))


def net(**changes):
    return network("competitive_lif", I=8, H=6, readout="linear", weight_sum=SUM, inhibition=10.0, **changes)


def two_patterns(samples=20, T=12):
    """Even samples light lines 0 to 3, odd ones lines 4 to 7, in every second step."""
    x = torch.zeros(T, samples, 8)
    x[::2, ::2, :4] = x[::2, 1::2, 4:] = 1
    return Batch(x, torch.arange(samples) % 2, torch.ones(T, dtype=torch.bool))


def learn(network_, rule_, data, epochs=1, seed=0, engine=None):
    generator, state, updates = torch.Generator().manual_seed(seed), EventState(engine or OnPlastic()), 0
    for _ in range(epochs):
        for batch in batches(data, data.size, generator):
            state, info = rule_.step(network_, state, batch)
            updates += info.updates
    return updates


def test_neurons_learn_one_pattern_each():
    layer = net()
    learn(layer, rule(), two_patterns(), epochs=6)
    weights = layer["hidden"].w_in.detach()
    share_of_first = weights[:, :4].sum(1) / weights.sum(1)
    assert ((share_of_first > 0.8) | (share_of_first < 0.2)).sum() >= 4
    assert share_of_first.max() > 0.8
    assert share_of_first.min() < 0.2


@pytest.mark.parametrize("changes", [{"potentiation": 0.5}, {"depression": 0.5}, {"weight_max": 0.6}])
def test_weights_stay_within_bounds_however_strong_the_changes(changes):
    layer = net()
    learn(layer, rule(**changes), two_patterns())
    weights = layer["hidden"].w_in.detach()
    assert weights.min() >= 0
    assert weights.max() <= changes.get("weight_max", 1.0) + 1e-6
    assert torch.all(weights.sum(1) <= SUM + 1e-4)


@pytest.mark.parametrize(("input_step", "end"), [(6, 0.0), (3, 1.0)], ids=["late input", "early input"])
def test_one_change_too_many_stops_at_the_bound(input_step, end):
    cell = network("competitive_lif", I=2, H=1, tau_mem_ms=8.0, tau_syn_ms=1.0, weight_sum=1.0)["hidden"]
    with torch.no_grad():
        cell.w_in.copy_(torch.tensor([[0.5, 10.0]]))
    x = torch.zeros(8, 1, 2)
    x[input_step, 0, 0] = x[4, 0, 1] = 1  # line 1 makes the neuron spike at step 4
    equations = rule(potentiation=9.0, depression=9.0, trace_target=0.0).event_equations(weight_sum=None)
    assert float(present(OnBrian2("numpy"), cell, x, equations).weights[0, 0]) == end


def test_each_neuron_keeps_the_sum_of_its_weights():
    layer = net()
    learn(layer, rule(weight_max=SUM), two_patterns())  # bounds that no weight reaches
    sums = layer["hidden"].w_in.detach().sum(1)
    assert_apart(sums, torch.full_like(sums, SUM), sums_apart(sums, 8 + 2))  # one sum to scale by, and one here


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    one, same, other = net(), net(), net()
    for layer, seed in ((one, 1), (same, 1), (other, 2)):
        learn(layer, rule(), two_patterns(), seed=seed)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one["hidden"].w_in, other["hidden"].w_in)


def test_thresholds_rise_with_every_spike_and_only_in_training():
    layer = net()
    learn(layer, rule(tau_threshold_ms=1e9), two_patterns())
    risen = layer["hidden"].theta.clone()
    assert risen.sum() > 0
    assert torch.allclose(risen / 0.05, (risen / 0.05).round(), atol=1e-3)  # whole numbers of spikes
    layer["hidden"](two_patterns().x)
    assert torch.equal(layer["hidden"].theta, risen)


def test_updates_are_the_synapses_that_spikes_touched():
    layer = net()
    data = two_patterns()
    updates = learn(layer, rule(tau_threshold_ms=1e9), data)
    neuron_spikes = round(float(layer["hidden"].theta.sum()) / 0.05)
    assert updates == int(data.x.sum()) * 6 + neuron_spikes * 8


def test_it_says_who_ran_it():
    assert rules["stdp"].whole_split
    assert rules["stdp"].read_by_labels
    engine = choose_engine("auto", net()["hidden"])
    for asked, title in (("auto", "plastic (LLVM)"), ("plastic", "plastic (LLVM)"), ("brian2", "brian2 (")):
        method = rules["stdp"](rule().card, asked)
        assert method.init(net(), engine, CLASSES, torch.Generator()).engine.title.startswith(title)
        assert method.engine_name(engine).startswith(title)


def test_an_unknown_event_engine_is_refused():
    with pytest.raises(InputError, match='event engine "brain2" is not known \\(did you mean "brian2"\\?\\)'):
        rules["stdp"](rule().card, "brain2").init(
            net(), choose_engine("auto", net()["hidden"]), CLASSES, torch.Generator()
        )


def test_the_compiled_engine_learns_what_brian2_learns():
    fast, reference = net(), net()
    for layer, engine in ((fast, OnPlastic()), (reference, OnBrian2("numpy"))):
        learn(layer, rule(), two_patterns(), epochs=3, engine=engine)
    assert reference["hidden"].theta.sum() > 0
    for a, b in zip(fast.state_dict().values(), reference.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=2**-23, atol=1e-12)  # the network holds single precision: one step


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "elman",
            "rule STDP cannot train Elman: its units send values, but STDP pairs spikes; use the cell competitive_lif, as "
            "in models/competitive_lif_vs_competitive_learning.toml, or train this layer with bptt",
        ),
        (
            "lif",
            "rule STDP cannot train recurrent LIF: without lateral inhibition and adaptive thresholds all its neurons "
            "would learn the same; use the cell competitive_lif, as in "
            "models/competitive_lif_vs_competitive_learning.toml, or train this layer with bptt",
        ),
    ],
)
def test_other_cells_are_refused(name, text):
    with pytest.raises(CannotRun) as caught:
        rules["stdp"].check(network(name))
    assert str(caught.value) == text


def test_input_that_does_not_spike_is_refused():
    layer = net()
    layer.input_signal = "values"
    with pytest.raises(CannotRun) as caught:
        rules["stdp"].check(layer)
    assert str(caught.value) == (
        "rule STDP cannot train competitive LIF: its input lines carry values, but STDP pairs spikes; use an encoder that "
        "spikes, such as regular_rate or poisson"
    )


def test_a_silent_layer_fails_and_says_what_to_raise():
    with pytest.raises(RunFailed) as caught:
        learn(net(v_threshold=1000.0), rule(), two_patterns(samples=2))
    assert str(caught.value) == (
        "no neuron spiked on 2 samples, so STDP changed nothing; raise weight_sum (now 4) or lower v_threshold (now 1000) "
        "in the pair card"
    )


def test_what_it_relaxes_of_the_six_objections():
    stances = [judgement.stance for judgement in rules["stdp"].judgements(net())]
    assert stances == ["relaxed", "relaxed", "relaxed", "partly", "relaxed", "partly"]
