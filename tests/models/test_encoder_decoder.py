"""Encoder and decoder: what they are as equations, what passes between them, attention, and the count of their work."""

import itertools
from collections import Counter

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.reading_ends import Reading
from neurorec.basics.tree import Tree
from neurorec.engines.engine import choose_engine, engines
from neurorec.hardware.export import exporters
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.learning.gradient_counts import backward_counts
from neurorec.learning.rule import rules
from neurorec.models.cells.attention import Attention
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from tests.hardware.nets import counts_of, wired
from tests.nets import cell_card, on_dyadic_grid

CONTEXT = Wire("encoder", "decoder", along="reading")
BACK = Wire("readout", "decoder", 1, "winner")
WIRES = (Wire(INPUT, "encoder"), Wire(INPUT, "decoder"), CONTEXT, BACK, Wire("decoder", "readout"))
READ, LENGTHS = torch.tensor([4, 2, 3]), torch.tensor([7, 7, 3])  # the last sample writes nothing


def net(cell="elman"):
    return wired({"encoder": (cell, 6), "decoder": (cell, 4)}, WIRES, signal="spikes" if "lif" in cell else "values")


def attending():
    wires = (
        *WIRES[:4], Wire("decoder", "attention"), Wire("encoder", "attention", along="reading"),
        Wire("decoder", "readout"), Wire("attention", "readout"),
    )  # fmt: skip
    return wired(
        {"encoder": ("elman", 6), "decoder": ("elman", 4), "attention": ("attention", 6)}, wires, signal="values"
    )


def values(T=7, B=3):
    return torch.rand(T, B, 5, generator=torch.Generator().manual_seed(1)).double()


def spikes(T=7, B=3):
    x = (torch.rand(T, B, 5, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    return x * (torch.arange(T)[:, None, None] < LENGTHS[:, None])


@pytest.mark.parametrize("looks", [False, True], ids=["context", "attention"])
def test_it_reads_and_then_writes_by_its_equations(looks):
    made, x = (attending() if looks else net()).double(), values()
    sent, _ = made.run(x, lengths=LENGTHS, structure=Reading(READ))
    for b, (read, end) in enumerate(zip(READ.tolist(), LENGTHS.tolist(), strict=True)):
        state, h = made["encoder"].initial_state(1), []
        for t in range(read):
            z, state = made["encoder"].step(state, x[t, b : b + 1])
            h.append(z[0])
        state, back = made["decoder"].initial_state(1), torch.zeros(3).double()
        for t in range(read, end):
            d, state = made["decoder"].step(state, torch.cat([x[t, b], h[-1], back])[None])
            lines = d[0]
            if looks:
                memory = torch.stack(h)
                weights = (memory @ made["attention"].w_in @ torch.cat([d[0], h[-1]])).softmax(0)
                lines = torch.cat([d[0], weights @ memory])
            y = made["readout"].weight @ lines + made["readout"].bias
            torch.testing.assert_close(sent["readout"][t, b], y)
            back = torch.nn.functional.one_hot(y.argmax(), 3).double()
        torch.testing.assert_close(sent["encoder"][:read, b], torch.stack(h))
        assert not sent["encoder"][read:, b].any()
        assert not sent["decoder"][:read, b].any()
        assert not sent["readout"][end:, b].any()


def test_forcing_it_with_its_own_answers_changes_nothing_and_with_others_does():
    made, x, reading = net().double(), values(), Reading(READ)
    free = made.run(x, structure=reading)[0]["readout"]
    own = torch.nn.functional.one_hot(free.argmax(2), 3).double()
    torch.testing.assert_close(made.run(x, structure=reading, forced={"readout": own})[0]["readout"], free)
    other = made.run(x, structure=reading, forced={"readout": 1 - own})[0]["readout"]
    first = READ, torch.arange(3)
    torch.testing.assert_close(other[first], free[first])  # nothing was written before
    assert not torch.allclose(other[6], free[6], atol=1e-3)


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_neurons_pass_only_the_spikes_of_the_last_frame_of_reading(engine):
    made, x = on_dyadic_grid(net("lif")), spikes()
    sent = engines[engine]().run(made, x, LENGTHS, structure=Reading(READ)).sent
    assert torch.equal(sent["encoder"], made["encoder"](x, lengths=READ)[0])
    for b in (0, 1):
        state, back = made["decoder"].initial_state(1), torch.zeros(3)
        for t in range(int(READ[b]), 7):
            lines = torch.cat([x[t, b], sent["encoder"][READ[b] - 1, b], back])
            z, state = made["decoder"].step(state, lines[None])
            assert torch.equal(sent["decoder"][t, b], z[0])
            back = torch.nn.functional.one_hot(sent["readout"][t, b].argmax(), 3).float()
    assert sent["decoder"].any()


def test_a_frame_of_several_steps_is_repeated():
    sent = torch.arange(8.0)[:, None, None].expand(8, 2, 1)
    found = Reading(torch.tensor([4, 6]), 2).context(sent, 5)
    assert found[:, :, 0].T.tolist() == [[2, 3, 2, 3, 2], [4, 5, 4, 5, 4]]


@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_counts_equal_brute_force(cell):
    made, x = net(cell), spikes()
    seen = engines["torch"]().run(made, x, LENGTHS, structure=Reading(READ))
    operations = counts_of(made, seen.activity)
    walked, back = walk(made, x, {name: sent.detach() for name, sent in seen.sent.items()})
    backward = backward_counts(made, operations.forward())
    for name in ("encoder", "decoder", "readout"):
        counted = operations.layers[name]
        assert {key: getattr(counted, key) for key in walked[name]} == dict(walked[name])
        assert backward[name].weight_reads == back[name]
    assert operations.layers["decoder"].synaptic_events > 0 or cell == "elman"
    assert operations.per_step is None


def walk(made, x, sent):
    """Every step in which a layer runs, every line and synapse; and the synapses through which errors return."""
    counted, back = {name: Counter() for name in made.layers}, Counter()
    for b, t in itertools.product(range(3), range(7)):
        writes = t >= READ[b]
        for name in made.layers if t < LENGTHS[b] else ():
            if (name in made.writers) != writes:
                continue
            size, first, into = made[name].size, t == (READ[b] if writes else 0), counted[name]
            at = {"time": t, "reading": int(READ[b]) - 1}
            lines = [
                (wire, wire.source, at[wire.along] - wire.delay, made.size_of(wire.source))
                for wire in made.wires_into(name)
            ]
            lines += [(Wire(name, name, 1), name, t - 1, size)] * (name != "readout")
            for wire, source, then, count in lines:
                back[name] += size * count * (source != INPUT and not (wire.delay and first))
                if made.signal_of(source) == "values":
                    into.update(macs=size * count, weight_reads=size * count, activation_reads=count)
                elif not (wire.delay and first):
                    heard = int(sent[source][then, b].sum()) if source != INPUT else int(x[then, b].sum())
                    into.update(synaptic_events=size * heard, weight_reads=size * heard, address_reads=heard)
            into.update(neuron_updates=size * (name != "readout"))
    return counted, back


def test_attention_weights_what_was_read_and_nothing_else():
    cell = Attention(cell_card("attention", 2), 3).double()
    cell.reset_parameters(torch.Generator().manual_seed(0))
    sent = torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(1)).double()
    weights = cell.weights(cell.remember(sent, torch.tensor([4, 1])), torch.ones(2, 3).double())
    torch.testing.assert_close(weights.sum(1), torch.ones(2).double())
    assert weights[1].tolist() == [1, 0, 0, 0]
    assert (weights[0] > 0).all()
    with pytest.raises(InputError, match=r"attention to 5 units needs the size 5 \(got 2\)"):
        cell.remember(torch.zeros(4, 2, 5), torch.tensor([4, 1]))


def test_what_cannot_be_done_is_refused():
    made = net("lif")
    assert rules["bptt"].why_not(made) is None
    assert "first reads and then writes" in str(rules["eprop"].why_not(made))
    assert "has a delay or applies a function" in str(exporters["nir"]().why_not(made))
    batch = Batch(spikes(), None, torch.ones(7, dtype=torch.bool))
    with pytest.raises(CannotRun, match="the samples do not say where reading ends"):
        choose_engine("torch", made).run_batch(made, batch)
    with pytest.raises(InputError, match="sample 2 is read for 4 of its 3 steps; reading takes at least one frame"):
        made.run(spikes(), lengths=LENGTHS, structure=Reading(torch.tensor([4, 2, 4])))
    with pytest.raises(InputError, match="first reads and then writes, and has no next step; use run"):
        made.step(made.initial_state(1), torch.zeros(1, 5))
    with pytest.raises(InputError, match=r"first reads and then writes, so give a Reading \(got Tree\)"):
        made.run(spikes(), structure=Tree.chain(7, 3))
    with pytest.raises(
        InputError,
        match=r"wire encoder -> readout: a layer that writes .decoder, readout. may hear one that reads only through",
    ):
        wired({"encoder": ("elman", 6), "decoder": ("elman", 4)}, (*WIRES, Wire("encoder", "readout")), signal="values")


def test_chips_refuse_attention_because_its_work_is_not_counted():
    made = attending()
    seen = engines["torch"]().run(made, values().float(), structure=Reading(READ))
    for chip in ("cmos_45nm", "cortex_m4"):  # the second has a reason for everything else that it does not offer
        cost = estimate_cost(made, seen.activity, chip)
        assert not cost.can_run
        assert "the work of every step grows with what was read before, which is not counted" in str(cost.why_not)
