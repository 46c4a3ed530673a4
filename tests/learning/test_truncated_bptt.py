"""Truncated BPTT: windows as long as the sample are BPTT bit for bit; shorter ones leave out what came before them."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine, engines
from neurorec.learning.bptt import BPTT, BPTTCard
from neurorec.learning.rule import Rule
from neurorec.learning.truncated_bptt import TruncatedBPTT, TruncatedBPTTCard
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from tests.hardware.nets import counts_of, make_net, run
from tests.nets import CLASSES, cell_card, network

VALUES = {
    "task": "made up", "epochs": 1, "batch_size": 4, "learning_rate": 0.01, "learning_rate_decay": 1.0, "clip_norm": 1.0,
    "rate_target": 0.1, "rate_weight": 0.0,
}  # fmt: skip
T, B, O = 12, 4, 3  # noqa: E741
PER_FRAME = objectives["step_classification"]()


def bptt(**changes) -> BPTT:
    return BPTT(BPTTCard(**VALUES | {"rule": "bptt"} | changes))


def truncated(frames: int, update="per batch", **changes) -> TruncatedBPTT:
    card = TruncatedBPTTCard(
        **VALUES | {"rule": "truncated_bptt", "truncation_frames": frames, "update": update} | changes
    )
    return TruncatedBPTT(card)


def drawn(net: Network, per_frame: bool = False, lengths: bool = False, steps_per_frame: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(1)
    x = (torch.rand(T, B, net.input_size, generator=generator) < 0.5).to(next(net.parameters()))
    ends = torch.tensor([T, 7, 10, 5]) if lengths else None
    runs = torch.ones(T, B, dtype=torch.bool) if ends is None else torch.arange(T)[:, None] < ends
    if per_frame:
        target = torch.randint(O, (T // steps_per_frame, B), generator=generator)
        return Batch(x, target, runs, ends, steps_per_frame, per_frame=True)
    mask = runs if ends is not None else torch.arange(T) >= T - 3
    return Batch(x, torch.randint(O, (B,), generator=generator), mask, ends)


def learned(net: Network, rule: Rule, batch: Batch, objective, steps: int = 3, engine: str = "torch"):
    """The weights after some steps of the rule, and what it reported."""
    runner = choose_engine(engine, net)
    state, info = rule.init(net, runner, objective, torch.Generator()), None
    for _ in range(steps):
        state, info = rule.step(net, state, batch)
    return [parameter.detach().clone() for parameter in net.parameters()], info


@pytest.mark.parametrize("update", ["per batch", "per window"])
@pytest.mark.parametrize("case", ["pooled", "per frame", "lengths", "rates"])
@pytest.mark.parametrize("name", ["elman", "adaptive_lif"])
def test_windows_as_long_as_the_sample_are_bptt_bit_for_bit(name, case, update):
    if update == "per window" and case == "pooled":
        return
    per_frame, settings = case != "pooled", {"rate_weight": 0.5} if case == "rates" else {}
    objective, found = PER_FRAME if per_frame else CLASSES, []
    for rule in (bptt(**settings), truncated(T, update, **settings), truncated(T + 5, update, **settings)):
        net = network(name, input_gain=6.0)
        found.append(learned(net, rule, drawn(net, per_frame, case == "lengths"), objective, engine="auto"))
    (exact, info), *others = found
    for weights, other in others:
        assert all(torch.equal(one, two) for one, two in zip(weights, exact, strict=True))
        assert (other.loss, other.updates) == (info.loss, info.updates)
        assert other.more["steps_back"] == (34 if case == "lengths" else T * B)


def gradients(net: Network) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(("per_frame", "lengths"), [(False, False), (True, False), (True, True)])
def test_the_gradient_is_that_of_a_run_whose_state_is_a_constant_at_each_border(per_frame, lengths):
    """Against a loop over all steps, written out, in double precision."""
    net = network("lstm").double()
    batch, objective = drawn(net, per_frame, lengths), PER_FRAME if per_frame else CLASSES
    learned(net, truncated(5, clip_norm=1e9), batch, objective, 1)
    found = gradients(net)
    net = network("lstm").double()
    state, outputs = net.initial_state(B), []
    for t in range(T):
        if t in (5, 10):
            state = state._replace(layers={k: type(v)(*(p.detach() for p in v)) for k, v in state.layers.items()})
        y, state = net.step(state, batch.x[t])
        outputs.append(y)
    objective.loss(objective.answers(torch.stack(outputs), batch), batch).backward()
    for name, expected in gradients(net).items():
        torch.testing.assert_close(found[name], expected, rtol=1e-10, atol=1e-14)
    whole = network("lstm").double()
    learned(whole, bptt(clip_norm=1e9), batch, objective, 1)
    name = "layers.hidden.w_rec" if "layers.hidden.w_rec" in found else next(k for k in found if "rec" in k)
    assert (gradients(whole)[name] - found[name]).norm() > 0.01 * found[name].norm()


def test_updates_per_window_are_a_training_loop_with_detached_states():
    batch = drawn(network("elman"), per_frame=True)
    found, _ = learned(network("elman"), truncated(5, "per window"), batch, PER_FRAME, 1)
    net = network("elman")
    optimizer, state = torch.optim.Adam(net.parameters(), lr=0.01, fused=True), None
    for begin, end in ((0, 5), (5, 10), (10, T)):
        sent, state = net.run(batch.x[begin:end], state)
        state = state._replace(layers={k: type(v)(*(p.detach() for p in v)) for k, v in state.layers.items()})
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(sent["readout"].flatten(0, 1), batch.target[begin:end].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    for one, two in zip(found, net.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def test_a_window_is_counted_in_frames_and_one_without_answers_only_runs_forward():
    net = network("elman")
    batch = drawn(net, per_frame=True, steps_per_frame=2)
    _, info = learned(net, truncated(2, "per window"), batch, PER_FRAME, 1)
    assert (info.updates, info.more) == (3, {"steps_back": T * B, "windows_back": 3 * B, "tape_steps": T * B})
    quiet = replace(batch, mask=batch.mask & (torch.arange(T)[:, None] >= 8))
    _, info = learned(net, truncated(2, "per window"), quiet, PER_FRAME, 1)
    assert (info.updates, info.more) == (1, {"steps_back": 4 * B, "windows_back": B, "tape_steps": 4 * B})
    last = drawn(net)
    _, info = learned(net, truncated(4), last, CLASSES, 1)
    assert (info.updates, info.more["steps_back"]) == (1, 4 * B)


def test_teacher_forcing_passes_over_the_borders():
    """Each frame hears the right answer of the one before, also if it is the last of the window before: then nothing is left
    out, since these units have no other memory."""
    layers = {
        "hidden": cells["dense"](cell_card("dense", 6), 5),
        "readout": LinearReadout(ReadoutCard(name="linear"), 6, O),
    }
    wires = (Wire(INPUT, "hidden"), Wire("readout", "hidden", 1, "softmax"), Wire("hidden", "readout"))
    found = []
    for rule in (bptt(teacher_forcing=True), truncated(5, teacher_forcing=True)):
        net = Network(layers, wires, "values", 2).double()
        net.reset_parameters(torch.Generator().manual_seed(0))
        learned(net, rule, drawn(net, per_frame=True), PER_FRAME, 1)
        found.append(gradients(net))
    for name, expected in found[0].items():
        torch.testing.assert_close(found[1][name], expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_its_cost_is_that_of_bptt_less_what_passes_the_borders(cell):
    net = make_net(cell, signal="values" if cell == "elman" else "spikes")
    forward = counts_of(net, run(net)[0]).forward()  # 4 samples of 6 steps
    whole = BPTT.count_training(net, forward, 8, 2)
    same = TruncatedBPTT.count_training(net, forward, 8, 2, steps_back=48, windows_back=8, tape_steps=48)
    assert (same.phases, same.stores) == (whole.phases, whole.stores)
    cut = TruncatedBPTT.count_training(net, forward, 8, 6, steps_back=48, windows_back=24, tape_steps=48)
    less = whole.phases["backward"]["hidden"].weight_reads - cut.phases["backward"]["hidden"].weight_reads
    assert less == 16 * 7 * 7  # two borders in each of 8 samples
    tape = {store.layer: store.words for store in cut.stores if store.kind == "tape"}
    assert tape == {"hidden": 8 * net["hidden"].operations().tape_values}  # 2 steps of 4 samples
    last = TruncatedBPTT.count_training(net, forward, 8, 2, steps_back=16, windows_back=8, tape_steps=16)
    assert last.phases["backward"]["readout"].weight_reads * 3 == whole.phases["backward"]["readout"].weight_reads


def test_it_refuses_one_answer_per_sample_for_updates_per_window_and_losses_of_whole_samples():
    net = network("elman")
    with pytest.raises(CannotRun) as caught:
        truncated(4, "per window").init(net, engines["torch"](), CLASSES, torch.Generator())
    assert str(caught.value) == 'update = "per window" needs targets in every frame; set it to "per batch"'

    class Bits:
        name, objective = "bits", objectives["evidence_lower_bound"]()

    assert (
        TruncatedBPTT.why_not_task(Bits())
        == "its loss needs whole samples, but this rule cuts them into windows; use bptt"
    )
