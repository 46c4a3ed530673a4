"""The STDP family: windows measured by protocol are the equations, in both engines; counts follow from equations."""

import math

import pytest
import torch

from neurorec.basics.counts import Counts
from neurorec.basics.errors import CannotRun
from neurorec.engines.event_layer import present
from neurorec.engines.event_protocol import weights_after
from neurorec.engines.on_brian2 import OnBrian2
from neurorec.engines.on_plastic import OnPlastic
from neurorec.learning.event_counts import event_costs
from neurorec.learning.event_rule import EventRule, written
from neurorec.learning.rule import rules
from neurorec.learning.stdp import STDP
from tests.engines.test_on_brian2 import spiking_net
from tests.nets import inputs

ENGINES = {"plastic": OnPlastic(), "brian2": OnBrian2("numpy")}
#: Brian2 takes most of the time; that it learns what the other engine learns is tested for every rule below
each_engine = pytest.mark.parametrize(
    "engine", [ENGINES["plastic"], pytest.param(ENGINES["brian2"], marks=pytest.mark.slow)], ids=ENGINES
)
FAMILY = [name for name in rules if issubclass(rules[name], EventRule)]
LAGS_MS = (1.0, 2.0, 5.0, 40.0, -1.0, -2.0, -5.0, -40.0)
START = 0.5
VALUES = {
    "potentiation": 0.02, "depression": 0.01, "tau_pre_ms": 8.0, "tau_post_ms": 5.0, "trace_target": 0.0,
    "weight_max": 2.0, "threshold_rise": 0.05, "tau_threshold_ms": 1000.0, "triplet_potentiation": 0.03,
    "triplet_depression": 0.02, "tau_slow_pre_ms": 50.0, "tau_slow_post_ms": 60.0, "depolarized": 0.1, "spike_rise": 0.3,
    "tau_low_ms": 10.0, "tau_high_ms": 7.0,
}  # fmt: skip


def equations(name, **changes):
    kind = rules[name]
    known = {key: value for key, value in (VALUES | changes).items() if key in kind.Card.model_fields}
    return kind(kind.Card(rule=name, task="frame_digits", epochs=1, batch_size=1, **known)).event_equations(None)


def decayed(ms, tau_ms):
    """As layers compute it, by forward Euler with steps of 1 ms."""
    return (1 - 1 / tau_ms) ** ms


def exponential(lag):
    return 0.02 * decayed(lag, 8.0) if lag > 0 else -0.01 * decayed(-lag, 5.0)


def inverse(lag):
    return 0.02 / lag if lag > 0 else 0.01 / lag


def multiplicative(lag):
    return exponential(lag) * ((1 - START / 2.0) if lag > 0 else START / 2.0)


WINDOWS = {
    "stdp": exponential, "stdp_nearest": exponential, "stdp_multiplicative": multiplicative, "triplet_stdp": exponential,
    "stdp_inverse": inverse,
}  # fmt: skip


@each_engine
@pytest.mark.parametrize("name", WINDOWS)
def test_the_window_measured_by_protocol_is_its_equation(name, engine):
    pre, post = [[50.0]] * len(LAGS_MS), [[50.0 + lag] for lag in LAGS_MS]
    after = weights_after(engine, equations(name), pre, post, START, 1.0, method="euler")
    assert after - START == pytest.approx([WINDOWS[name](lag) for lag in LAGS_MS], abs=1e-12)


@each_engine
def test_the_inverse_window_is_capped_at_one_step(engine):
    both = [[50.0]], [[50.0]]
    assert weights_after(engine, equations("stdp_inverse"), *both, START, 0.5, method="euler") - START == pytest.approx(
        [-0.01 / 0.5], abs=1e-12
    )


@each_engine
def test_only_the_nearest_spike_counts_or_all_do(engine):
    trains = [[10.0, 13.0, 14.0]], [[20.0]]
    gains = {
        name: weights_after(engine, equations(name), *trains, START, 1.0, method="euler")[0] - START
        for name in ("stdp", "stdp_nearest")
    }
    assert gains["stdp_nearest"] == pytest.approx(exponential(6.0), abs=1e-12)
    assert gains["stdp"] == pytest.approx(sum(exponential(lag) for lag in (6.0, 7.0, 10.0)), abs=1e-12)


@each_engine
def test_a_triplet_adds_what_its_own_earlier_spike_left(engine):
    after = weights_after(
        engine, equations("triplet_stdp"), [[20.0], [10.0, 25.0]], [[10.0, 25.0], [20.0]], START, 1.0, method="euler"
    )
    post_first = exponential(-10.0) + decayed(5, 8.0) * (0.02 + 0.03 * decayed(15, 60.0))
    pre_first = exponential(10.0) - decayed(5, 5.0) * (0.01 + 0.02 * decayed(15, 50.0))
    assert after - START == pytest.approx([post_first, pre_first], abs=1e-12)


@each_engine
def test_voltage_based_stdp_under_voltage_clamp(engine):
    """Filters of a constant potential v rise by v (1 - exp(-t/tau)); a neuron's spike does not meet its own upstroke."""
    pre, post, v = [[30.0], [30.0], [5.0]], [[34.0], [25.0], [6.0]], 0.5
    after = weights_after(engine, equations("clopath"), pre, post, START, 1.0, held={"v": v}, method="euler")

    def filtered(t, tau, spike=None):
        return v * (1 - decayed(t + 1, tau)) + (0.3 * decayed(t - spike, tau) if spike else 0.0)

    def loss(t, spike=None):
        return 0.01 * max(0.0, filtered(t, 10.0, spike) - 0.1)

    def gain(t, lag):
        return 0.02 * decayed(lag, 8.0) * max(0.0, filtered(t, 7.0) - 0.1) if lag else 0.0

    expected = [-loss(30) + gain(34, 4), -loss(30, spike=25), -loss(5) + gain(6, 1)]
    assert after - START == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", FAMILY)
def test_layers_learn_the_same_spike_for_spike_in_both_engines(name):
    net, rule = spiking_net("competitive_lif"), equations(name, threshold_rise=1 / 64)
    x = inputs(net, 25, 3).double()
    seen, expected = (present(engine, net["hidden"], x, rule) for engine in ENGINES.values())
    assert 0.02 < expected.spikes.mean() < 0.8
    assert torch.equal(seen.spikes, expected.spikes)
    torch.testing.assert_close(seen.weights, expected.weights, rtol=0, atol=1e-12)
    assert not torch.equal(expected.weights, net["hidden"].w_in.detach())


def test_costs_follow_from_the_equations():
    pair = event_costs(STDP.complete())
    synapse = Counts(weight_reads=1, weight_writes=1, trace_reads=1, plasticity_updates=1)
    assert pair.on_pre == synapse + Counts(elementwise=4)  # a product, a difference, two comparisons
    assert pair.on_post == synapse + Counts(elementwise=5)
    trace = Counts(elementwise=2, nonlinearities=1, trace_reads=1, trace_writes=1, trace_updates=1)
    assert (pair.line_spike, pair.neuron_spike) == (trace, trace + trace)
    assert pair.line_step == pair.neuron_step == Counts()
    voltage = event_costs(rules["clopath"].complete())
    follows = Counts(elementwise=4, trace_reads=1, trace_writes=1)
    assert voltage.neuron_step == follows + follows  # two filters: difference, quotient, and a step of Euler
    nearest = event_costs(rules["stdp_nearest"].complete())
    assert nearest.line_spike == Counts(trace_writes=1, trace_updates=1)  # set to 1: nothing is read


def test_equations_are_shown_as_they_run():
    assert written(STDP.complete()) == STDP.equations == (
        "at an input spike: w = clip(w - depression * y_post, 0, weight_max);   then x += 1;\n"
        "at a neuron's spike: y += 1;   theta += threshold_rise;   "
        "w = clip(w + potentiation * (x_pre - trace_target), 0, weight_max);\n"
        "dx/dt = -x / tau_pre;   dy/dt = -y / tau_post;   dtheta/dt = -theta / tau_threshold"
    )  # fmt: skip


def test_equations_that_only_brian2_runs_are_not_counted():
    class Noisy(STDP):
        events = STDP.events.__class__(on_pre="w = w + rand()")

    with pytest.raises(CannotRun, match="calls rand"):
        event_costs(Noisy.complete())


def test_traces_of_a_protocol_may_decay_exactly():
    after = weights_after(OnPlastic(), equations("stdp"), [[50.0]], [[57.0]], START, 1.0)
    assert after - START == pytest.approx([0.02 * math.exp(-7.0 / 8.0)], abs=1e-12)
