"""What training costs, counted phase by phase, equals a slow walk over errors, synapses and traces."""

from dataclasses import replace

import pytest

from neurorec.basics.counts import Counts, LayerCounts, Store
from neurorec.basics.errors import CannotRun, InputError
from neurorec.learning.gradient_counts import update_counts
from neurorec.learning.rule import Rule, rules
from neurorec.models.architecture import READOUT
from neurorec.models.cell import cells
from neurorec.models.wires import INPUT, Wire
from tests.hardware.nets import counts_of, make_net, run, wired
from tests.hardware.walks import walk_backward, walk_competitive, walk_eprop, walk_stdp

RUNS, SYNAPSES = 6 * 4, 5 * 7 + 7 * 7 + 7 * 3
BACKWARD = (
    "synaptic_events", "macs", "values_sent", "weight_reads", "weight_writes", "gradient_reads", "gradient_writes",
)  # fmt: skip
TRAINED = [name for name in cells if not rules["bptt"].why_not(make_net(name)) and name != "competitive_lif"]


def as_counts(walked) -> Counts:
    return Counts(**walked)


def count_training(network, activity, rule: str, samples_seen: int, weight_updates: int):
    return rules[rule].count_training(network, counts_of(network, activity).forward(), samples_seen, weight_updates)


@pytest.mark.parametrize("rule", list(rules))
def test_every_registered_rule_is_counted(rule):
    assert rules[rule].count_training.__func__ is not Rule.count_training.__func__


@pytest.mark.parametrize("signal", ["spikes", "values"])
@pytest.mark.parametrize("cell", TRAINED)
def test_bptt_equals_brute_force(cell, signal):
    network = make_net(cell, signal=signal)
    activity, x, hidden = run(network)
    training = count_training(network, activity, "bptt", samples_seen=4, weight_updates=1)
    walked = walk_backward(network, x, hidden)
    for layer in ("hidden", "readout"):
        counted = training.phases["backward"].of(layer)
        assert {name: getattr(counted, name) for name in BACKWARD} == {name: walked[layer][name] for name in BACKWARD}


def test_bptt_by_hand():
    network = make_net("elman", signal="values")
    activity, _, _ = run(network)
    training = count_training(network, activity, "bptt", samples_seen=8, weight_updates=2)
    assert training.forward.macs == 2 * RUNS * SYNAPSES
    through = 2 * (5 * 4 * 7 * 7 + RUNS * 7 * 3)  # recurrence in all steps but the first, readout in every step
    assert training.backward.macs == 2 * RUNS * SYNAPSES + through
    assert training.backward.tape_writes == training.backward.tape_reads == 2 * RUNS * 7
    assert training.backward.state_reads == training.backward.state_writes == 2 * RUNS * 7
    assert training.backward.values_sent == training.backward.activation_writes == 2 * RUNS * (7 + 3)
    assert training.backward.activation_reads == 2 * (RUNS * (5 + 7 + 7) + 5 * 4 * 7)
    trained = SYNAPSES + 7 + 3
    assert training.update.elementwise == 2 * (12 * trained + trained + 1)
    assert training.update.moment_reads == training.update.moment_writes == 2 * 2 * trained
    assert training.update.weight_writes == 2 * trained
    assert training.stores == (
        Store("hidden", "gradient", 5 * 7 + 7 * 7 + 7), Store("hidden", "moment", 2 * (5 * 7 + 7 * 7 + 7)),
        Store("hidden", "tape", 6 * 4 * 7),  # steps x batch x values
        Store("readout", "gradient", 7 * 3 + 3), Store("readout", "moment", 2 * (7 * 3 + 3)),
    )  # fmt: skip


def test_a_frozen_recurrence_is_not_learned():
    network = make_net("elman", signal="values")
    network.freeze_recurrence()
    activity, _, _ = run(network)
    training = count_training(network, activity, "bptt", samples_seen=4, weight_updates=1)
    assert training.backward.macs == RUNS * (5 * 7 + 7 * 3) + RUNS * 7 * 3
    assert training.update.weight_writes == 5 * 7 + 7 + 7 * 3 + 3


WEB = (
    Wire(INPUT, "low"), Wire("high", "low", delay=1), Wire("low", "high"), Wire("low", READOUT), Wire("high", READOUT),
)  # fmt: skip


def test_errors_go_back_over_every_wire_whose_source_is_trained():
    network = wired({"low": ("lif", 6), "high": ("elman", 4)}, WEB)
    activity, _, _ = run(network)
    backward = count_training(network, activity, "bptt", samples_seen=4, weight_updates=1).phases["backward"]
    back = 5 * 4  # all steps but the first
    through = {"low": back * (6 * 6 + 4 * 6), "high": back * 4 * 4 + RUNS * 6 * 4, READOUT: RUNS * (6 + 4) * 3}
    assert {name: counts.weight_reads for name, counts in backward.items()} == through
    assert backward["low"].macs == through["low"] + back * 4 * 6 + 4 * 4 * 6  # the values of "high" come in every step
    assert backward["high"].macs == through["high"] + RUNS * 4 * 4
    assert backward["high"].synaptic_events == 4 * activity.layers["low"].spikes.sum()


def test_no_error_goes_to_a_fixed_layer_unless_it_hears_a_trained_one():
    chain = (Wire(INPUT, "low"), Wire("low", "high"), Wire("high", READOUT))
    for wires, named in (
        (chain, ["high", READOUT]),
        ((*chain, Wire("high", "low", delay=1)), ["low", "high", READOUT]),
    ):
        network = wired({"low": ("lif", 6), "high": ("elman", 4)}, wires)
        network["low"].requires_grad_(False)
        activity, _, _ = run(network)
        backward = count_training(network, activity, "bptt", samples_seen=4, weight_updates=1).phases["backward"]
        assert list(backward) == named
        assert backward["high"].weight_reads == 5 * 4 * 4 * 4 + (RUNS * 6 * 4 if "low" in named else 0)


def test_adam_and_sgd_one_number_after_another():
    network = make_net("lif")
    adam, sgd = Counts(), Counts()
    for parameter in network.parameters():
        for _ in range(parameter.numel()):
            mean = Counts(elementwise=3, moment_reads=1, moment_writes=1)  # b m + (1 - b) g
            square = Counts(elementwise=4, moment_reads=1, moment_writes=1)  # b v + (1 - b) g g
            change = Counts(elementwise=5, nonlinearities=2, weight_reads=1, weight_writes=1, gradient_reads=1)
            adam += mean + square + change  # two corrections, root, + eps, x rate, division, subtraction
            sgd += Counts(elementwise=2, weight_reads=1, weight_writes=1, gradient_reads=1)
    assert update_counts(network, 1, "adam", clipped=False).total == adam
    assert update_counts(network, 1, "sgd", clipped=False).total == sgd


def test_clipping_squares_and_scales_every_gradient():
    network = make_net("lif")
    plain, clipped = (update_counts(network, 3, "sgd", clipped=on).total for on in (False, True))
    numbers = 3 * network.parameter_count
    more = Counts(macs=numbers, dense_macs=numbers, elementwise=numbers + 3, nonlinearities=3)
    assert clipped == plain + more + Counts(gradient_reads=2 * numbers, gradient_writes=numbers)


def test_ridge_equals_its_loops():
    network = make_net("echo_state", signal="values")
    activity, _, _ = run(network)
    training = count_training(network, activity, "ridge", samples_seen=10, weight_updates=0)
    K, outputs, walked = 8, 3, 0
    for _sample in range(10):
        for _row in range(K):
            for _column in range(K + outputs):
                walked += 1
    walked += K**3 // 3 + K * K * outputs
    assert training.update.macs == training.update.gradient_reads == training.update.gradient_writes == walked
    assert training.update.weight_writes == K * outputs
    assert training.backward == Counts()


def test_recursive_least_squares_equals_its_loops():
    network = make_net("echo_state", signal="values")
    activity, _, _ = run(network)
    training = count_training(network, activity, "recursive_least_squares", samples_seen=10, weight_updates=5)
    K, outputs, macs, divided = 8, 3, 0, 0
    for _frame in range(5):
        for _row in range(K):
            macs, divided = macs + 1 + outputs, divided + 1  # h'P h and W; k
            for _column in range(K):
                macs, divided = macs + 2, divided + 1  # P h and P; P / lambda
    update = training.update
    assert update.macs == macs
    assert update.elementwise == divided + 5 * outputs
    assert update.gradient_reads == 2 * update.gradient_writes == 2 * 5 * K * K
    assert update.weight_writes == update.weight_reads == 5 * K * outputs
    assert training.stores == (Store("readout", "gradient", K * K),)


def test_stdp_equals_brute_force():
    network = make_net("competitive_lif")
    activity, x, hidden = run(network)
    updates = int(x.sum()) * 7 + int(hidden.sum()) * 5
    training = count_training(network, activity, "stdp", samples_seen=4, weight_updates=updates)
    assert hidden.sum() > 0
    assert training.phases["update"] == LayerCounts(hidden=as_counts(walk_stdp(network, x, hidden)))
    assert training.forward == counts_of(network, activity).total
    assert training.stores == (Store("hidden", "trace", 5 + 2 * 7),)


def test_competitive_learning_equals_brute_force():
    network = make_net("competitive", signal="values")
    activity, x, _ = run(network)
    training = count_training(network, activity, "competitive", samples_seen=4, weight_updates=RUNS * 5)
    assert training.phases["update"] == LayerCounts(hidden=as_counts(walk_competitive(network, x)))


@pytest.mark.parametrize("readout", ["leaky", "linear"])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("cell", ["lif", "adaptive_lif"])
def test_eprop_equals_brute_force(cell, reset, readout):
    network = make_net(cell, reset=reset, readout=readout)
    activity, x, _ = run(network)
    training = count_training(network, activity, "eprop", samples_seen=4, weight_updates=1)
    for layer, walked in walk_eprop(network, x).items():
        counted = training.phases["backward"].of(layer)
        assert replace(counted, dense_macs=0) == as_counts(walked)
    assert not any(store.kind == "tape" for store in training.stores)
    lines, synapses = 5 + 7, 5 * 7 + 7 * 7
    words = {"zero": lines + synapses, "subtract": 2 * lines}[reset]  # current, potential
    if cell == "adaptive_lif":
        words = lines + 2 * synapses  # current; potential, threshold
    assert Store("hidden", "trace", words + synapses * (readout == "leaky")) in training.stores  # low-pass


@pytest.mark.parametrize("readout", ["leaky", "linear"])
def test_eprop_of_rate_units_needs_no_trace_but_that_of_the_readouts_filter(readout):
    network = make_net("elman", signal="values", readout=readout)
    activity, x, _ = run(network)
    training = count_training(network, activity, "eprop", samples_seen=4, weight_updates=1)
    for layer, walked in walk_eprop(network, x).items():
        assert replace(training.phases["backward"].of(layer), dense_macs=0) == as_counts(walked)
    held = {store.layer: store.words for store in training.stores if store.kind == "trace"}
    assert held == ({"hidden": 5 * 7 + 7 * 7 + 7, "readout": 7} if readout == "leaky" else {})


def test_feedback_weights_of_its_own_are_stored_and_learned_ones_cost_what_the_readouts_do():
    network = make_net("lif", readout="leaky")
    forward = counts_of(network, run(network)[0]).forward()
    own, random, learned = (
        rules["eprop"].count_training(network, forward, 4, 2, feedback_weights=2 * stored, feedback_changes=2 * changed)
        for stored, changed in ((0, 0), (7 * 3, 0), (7 * 3, 7 * 3))
    )
    assert random.total == own.total
    assert set(random.stores) - set(own.stores) == {Store("readout", "weight", 7 * 3)}
    more = Counts()
    for _step in range(RUNS):
        for _weight in range(7 * 3):
            more += Counts(macs=1, dense_macs=1, gradient_reads=1, gradient_writes=1)
    assert learned.backward == own.backward + more
    change = Counts()
    for _update in range(2):
        for _weight in range(7 * 3):
            change += Counts(macs=1, dense_macs=1, elementwise=1, gradient_reads=2, gradient_writes=1)  # clipped
            change += Counts(elementwise=12, nonlinearities=2, gradient_reads=1, moment_reads=2, moment_writes=2,
                             weight_reads=1, weight_writes=1)  # Adam  # fmt: skip
            change += Counts(elementwise=2, weight_reads=2, weight_writes=2)  # it shrinks, and the readout's too
    assert learned.update == own.update + change


def test_training_twice_as_long_costs_twice_as_much():
    network = make_net("adaptive_lif")
    activity, _, _ = run(network)
    once, twice = (count_training(network, activity, "bptt", 4 * n, n) for n in (1, 2))
    assert twice.total == once.total + once.total


def test_what_is_not_counted_says_so():
    network = make_net("lif")
    activity, _, _ = run(network)
    with pytest.raises(InputError, match=r'rule "bttp" is not known \(did you mean "bptt"\?\)'):
        count_training(network, activity, "bttp", 1, 1)
    with pytest.raises(InputError, match='optimiser "rmsprop" has no operation count; known: adam, sgd'):
        update_counts(network, 1, "rmsprop", clipped=True)
    gru = make_net("gru")
    with pytest.raises(InputError, match="e-prop is not counted for GRU: no eligibility traces are defined for GRU"):
        count_training(gru, run(gru)[0], "eprop", 1, 1)

    class Silent(rules["bptt"]):
        title = "silent"
        count_training = classmethod(Rule.count_training.__func__)

    with pytest.raises(
        CannotRun, match=r"rule silent does not define the cost of its training; define Silent\.count_training"
    ):
        Silent.count_training(network, counts_of(network, activity).forward(), 1, 1)
