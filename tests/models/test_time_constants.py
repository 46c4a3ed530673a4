"""Learned time constants: where they start, where they may go, that they are trained, stored and counted."""

import pytest
import torch
from pydantic import ValidationError

from neurorec.engines.engine import engines
from neurorec.experiments.collect import rebuild_network
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.models.cells.time_constant import TimeConstant
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.experiments.tiny import in_this_process, write_study
from tests.nets import inputs, network

LEARNING = {"lif": 2, "adaptive_lif": 3, "leaky_integrator": 2}


@pytest.mark.parametrize("name", LEARNING)
def test_before_training_they_are_the_cards(name):
    """The rates differ by the roundings of a logistic function, and no potential of these spikes comes near enough to its
    threshold to notice."""
    learned, fixed = (network(name, learn_time_constants=choice, tau_mem_ms=7.0) for choice in (True, False))
    with torch.no_grad():
        for weight in (weight for net in (learned, fixed) for weight in net.parameters() if weight.dim() == 2):
            weight.copy_(torch.round(weight * 256) / 256)
    assert learned["hidden"].tau_mem.ms.tolist() == pytest.approx([7.0] * 7, rel=1e-6)
    assert fixed["hidden"].tau_mem.ms.tolist() == [7.0]
    x = inputs(fixed, 12, 3)
    torch.testing.assert_close(learned["hidden"](x)[0], fixed["hidden"](x)[0], rtol=1e-5, atol=1e-6)
    assert learned.parameter_count - fixed.parameter_count == LEARNING[name] * 7


def test_no_training_can_make_a_step_overshoot():
    tau = TimeConstant(dt_ms=0.5, tau_ms=10.0, size=5, learned=True)
    with torch.no_grad():
        tau.logit.copy_(torch.tensor([-30.0, -1.0, 0.0, 3.0, 80.0]))
    assert tau.ms.min() == 0.5
    assert tau.ms.tolist()[2] == 1.0  # sigmoid(0) is one half
    assert torch.isfinite(tau.ms).all()
    torch.testing.assert_close(tau.rate.double(), 0.5 / tau.ms)


@pytest.mark.parametrize("name", LEARNING)
def test_every_time_constant_gets_a_gradient_of_its_own(name):
    net = network(name, learn_time_constants=True, input_gain=6.0, tau_adapt_ms=8.0)
    outputs, _ = engines["fused"]().unroll(net["hidden"], inputs(net, 20, 4, share=0.5))
    (outputs * torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    logits = [parameter for key, parameter in net["hidden"].named_parameters() if key.endswith("logit")]
    assert len(logits) == LEARNING[name]
    for logit in logits:
        assert len(logit.grad[logit.grad != 0].unique()) > 2


@pytest.mark.parametrize("name", LEARNING)
def test_a_study_cites_their_sources_only_where_they_are_learned(name):
    cells = [network(name, learn_time_constants=choice)["hidden"] for choice in (False, True)]
    fixed, learned = (set(cell.sources_of(cell.card)) for cell in cells)
    assert learned - fixed == {"fang2021", "perez_nieves2021"}
    assert learned == set(cells[0].sources)


def test_a_card_cannot_learn_what_has_no_room_to_move():
    with pytest.raises(ValidationError, match=r"tau_syn_ms must be longer than dt_ms \(1\) to be learned \(got 1\)"):
        network("lif", tau_syn_ms=1.0, learn_time_constants=True)
    with pytest.raises(ValidationError, match=r"tau_mem_ms must be longer than dt_ms \(1\) to be learned \(got 1\)"):
        network("leaky_integrator", tau_mem_ms=1.0, learn_time_constants=True)
    network("lif", tau_syn_ms=1.0)


def test_a_study_trains_stores_and_prices_them(tmp_path):
    card = write_study(tmp_path)
    pair = tmp_path / "tiny.toml"
    pair.write_text(pair.read_text().replace("learn_time_constants = false", "learn_time_constants = true"))
    results = run_study(prepare_study(card, out=tmp_path / "out", jobs=1), make_executor=in_this_process)
    record = next(run for run in results.runs if run.half == "spiking" and run.control == "")
    network = rebuild_network(record, record.folder)
    assert network["hidden"].tau_mem.ms.std() > 0.01
    assert network["hidden"].tau_syn.ms.min() >= 1.0
    trained = train(load_pair(pair).spiking, load_task("store_recall", 0), "bptt", 0)
    assert torch.equal(trained.network["hidden"].tau_mem.logit, network["hidden"].tau_mem.logit)
    assert record.engine == "fused"
