"""PEPITA's changes by hand, over two passes; it learns, and its second pass is counted."""

import pytest
import torch
from torch.nn.functional import one_hot

from neurorec.basics.counts import Store
from neurorec.engines.engine import engines
from neurorec.learning.pepita import Pepita
from neurorec.models.wires import INPUT
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Batch
from tests.hardware.nets import counts_of, make_net, run
from tests.learning.test_eprop import batch_for
from tests.nets import CLASSES, inputs, network

SETTINGS = {
    "rule": "pepita", "task": "made up", "epochs": 1, "batch_size": 32, "learning_rate": 1e-2, "learning_rate_decay": 1.0,
    "clip_norm": 1.0, "rate_target": 0.0, "rate_weight": 0.0, "feedback_gain": 0.5,
}  # fmt: skip


def rule(**changes) -> Pepita:
    return Pepita(Pepita.Card(**SETTINGS | changes))


def start(net, method, objective=CLASSES):
    return method.init(net, engines["torch"](), objective, torch.Generator().manual_seed(2))


def test_the_change_is_the_difference_between_two_passes_times_the_input_of_the_second():
    """Rate units, one answer per frame: each frame is pushed by its own error."""
    net, method, (T, B) = network("elman").double(), rule(), (4, 3)
    x = inputs(net, T, B).double()
    target, mask = (
        torch.randint(3, (T, B), generator=torch.Generator().manual_seed(1)),
        torch.ones(T, B, dtype=torch.bool),
    )
    mask[2] = False  # a frame that is not scored
    objective = objectives["step_classification"]()
    state = start(net, method, objective)
    method.gradient(net, state, Batch(x, target, mask, per_frame=True))
    cell, readout, push = net["hidden"], net["readout"], state.feedback[INPUT]
    passes = []
    for pushed in (False, True):
        h, past = x.new_zeros(B, cell.size), []
        for t in range(T):
            p = x.new_zeros(B, 3) if not pushed else (passes[0][t][2] - one_hot(target[t], 3)) * mask[t][:, None]
            heard = x[t] + p @ push
            before, h = h, torch.tanh(heard @ cell.w_in.T + h @ cell.w_rec.T + cell.bias)
            past.append((heard, h, (h @ readout.weight.T + readout.bias).softmax(1), before))
        passes.append(past)
    wanted = {name: torch.zeros_like(parameter) for name, parameter in net.named_parameters()}
    for t in range(T):
        (_, first, chances, _), (heard, second, _, before) = passes[0][t], passes[1][t]
        moved, error = first - second, (chances - one_hot(target[t], 3)) * mask[t][:, None]
        wanted["layers.hidden.w_in"] += moved.T @ heard / B
        wanted["layers.hidden.w_rec"] += moved.T @ before / B
        wanted["layers.hidden.bias"] += moved.sum(0) / B
        wanted["layers.readout.weight"] += error.T @ second / mask.sum()
        wanted["layers.readout.bias"] += error.sum(0) / mask.sum()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0
        torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-10, atol=1e-14)


def test_samples_that_have_ended_change_nothing_more():
    net, method = network("lif", input_gain=6.0).double(), rule(feedback_gain=3.0)
    x, mask = inputs(net, 8, 2, share=0.5).double(), torch.ones(8, 2, dtype=torch.bool)
    mask[5:, 1] = False
    x[5:, 1] = 1.0
    state = start(net, method)
    found = []
    for late in (1.0, 0.0):
        x[5:, 1] = late
        method.gradient(net, state, Batch(x, torch.tensor([0, 1]), mask, torch.tensor([8, 5])))
        found.append(net["hidden"].w_in.grad.clone())
    assert found[0].abs().sum() > 0
    assert torch.equal(*found)


@pytest.mark.parametrize(("name", "rate"), [("elman", 1e-3), ("lif", 5e-3), ("adaptive_lif", 5e-3)])
def test_the_loss_falls(name, rate):
    net, method = network(name, H=24), rule(learning_rate=rate, feedback_gain=0.1)
    state, batch, losses = start(net, method), batch_for(net), []
    for _ in range(120):
        state, info = method.step(net, state, batch)
        losses.append(info.loss)
    assert losses[-1] < 0.8 * losses[0]
    assert info.more == {"feedback_weights": 5 * 3, "feedback_changes": 0}


def test_hidden_weights_move_only_if_the_error_pushes_the_input():
    net, method = network("elman"), rule(feedback_gain=1e-12)
    state, batch = start(net, method), batch_for(net)
    state.feedback[INPUT].zero_()
    method.gradient(net, state, batch)
    assert not net["hidden"].w_in.grad.any()
    assert net["readout"].weight.grad.any()


def test_it_refuses_to_regularise_rates():
    with pytest.raises(
        ValueError, match="rate_weight must be 0: the rate regulariser needs derivatives, which PEPITA does not compute"
    ):
        rule(rate_weight=0.1)


def test_an_adaptive_threshold_is_the_only_one_with_a_derivative():
    stances = [Pepita.judgements(network(name))[1].stance for name in ("elman", "lif", "adaptive_lif")]
    assert stances == ["relaxed", "relaxed", "partly"]


@pytest.mark.parametrize(("cell", "readout"), [("lif", "leaky"), ("elman", "linear")])
def test_the_second_pass_equals_a_walk(cell, readout):
    """5 lines, 7 units, 3 outputs; 4 samples of 6 steps."""
    network = make_net(cell, readout=readout, signal="spikes")
    activity, x, _ = run(network)
    forward = counts_of(network, activity).forward()
    training = Pepita.count_training(network, forward, 4, 2, feedback_weights=2 * 5 * 3)
    walked = {"macs": 0, "elementwise": 0, "tape_reads": 0, "gradient_writes": 0, "values_sent": 0, "trace_updates": 0}
    seen = forward.layers["hidden"]
    events = int(x.sum()) * 7  # of the input lines, which carry values now
    lif = cell == "lif"
    for _step in range(6 * 4):
        for _line in range(5):
            walked["elementwise"] += 1  # x + F e
            walked["tape_reads"] += 1
            walked["macs"] += 3 + 7  # F e; its synapses
        walked["values_sent"] += 3  # the error
        for _unit in range(7):
            walked["elementwise"] += 1
            walked["tape_reads"] += 1
        for _line in range(5 + 7) if lif else ():
            walked["elementwise"] += 2  # current
            walked["trace_updates"] += 1
        for _synapse in range(7 * (5 + 7) + (0 if lif else 7)):
            walked["macs"] += 1
            walked["gradient_writes"] += 1
            walked["elementwise"] += 2 * lif  # potential
            walked["trace_updates"] += lif
    found = training.phases["backward"]["hidden"]
    assert found.synaptic_events == seen.synaptic_events - events
    for name, number in walked.items():
        assert getattr(found, name) == getattr(seen, name) + number, name
    assert Store("hidden", "tape", 6 * 2 * (7 + 5)) in training.stores  # steps x batch x (units + lines)
    assert Store("hidden", "weight", 5 * 3) in training.stores
    of_readout = training.phases["backward"]["readout"]
    assert of_readout.gradient_writes == 6 * 4 * 7 * 3
    assert of_readout.trace_updates == (6 * 4 * 7 if lif else 0)
