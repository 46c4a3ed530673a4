"""Brian2 against the torch cells, spike for spike, and plasticity against its law."""

import logging
import multiprocessing

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines import on_brian2
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_layer import present
from neurorec.engines.on_brian2 import OnBrian2
from tests.nets import inputs, network, on_dyadic_grid

TAU_PRE_MS, TAU_POST_MS = 8.0, 4.0
PAIRING = EventEquations(
    input_state="dx/dt = -x / tau_pre : 1",
    neuron_state="dy/dt = -y / tau_post : 1\ndtheta/dt = 0 / tau_post : 1",
    at_input_spike="x += 1",
    at_neuron_spike="y += 1",
    on_pre="w = clip(w - 0.02 * y_post, 0, weight_max)",
    on_post="w = clip(w + 0.01 * x_pre, 0, weight_max)",
    times_ms={"tau_pre": TAU_PRE_MS, "tau_post": TAU_POST_MS},
    numbers={},
    weight_max=20.0,
    weight_sum=None,
)
BRIAN2 = OnBrian2("numpy")


def spiking_net(name):
    """Weights on a grid and double precision, so that no sum lies within rounding of the threshold."""
    more = {"competitive_lif": {"weight_sum": 9.0}, "liquid_state": {"input_gain": 2.0}}.get(name, {})
    net = on_dyadic_grid(network(name, I=6, H=9, v_threshold=0.77, **more))
    if name == "competitive_lif":
        net["hidden"].theta.copy_(torch.arange(9) / 32)
    return net.double()


def one_neuron(threshold=1.0):
    """Line 1 makes the neuron spike at once and once; line 0 is the synapse looked at."""
    net = network("competitive_lif", I=2, H=1, tau_mem_ms=8.0, tau_syn_ms=1.0, v_threshold=threshold, weight_sum=1.0)
    with torch.no_grad():
        net["hidden"].w_in.copy_(torch.tensor([[0.5, 10.0]]))
    return net["hidden"]


def change_of_weight(input_step, neuron_step, rule=PAIRING):
    x = torch.zeros(16, 1, 2)
    x[input_step, 0, 0] = x[neuron_step, 0, 1] = 1
    seen = present(BRIAN2, one_neuron(), x, rule)
    assert seen.spikes[:, 0, 0].nonzero().flatten().tolist() == [neuron_step]
    return float(seen.weights[0, 0]) - 0.5


@pytest.mark.parametrize("name", ["lif", "liquid_state", "competitive_lif"])
def test_brian2_gives_the_spikes_of_torch(name):
    net = spiking_net(name)
    x = inputs(net, 25, 4).double()
    spikes = net["hidden"](x)[0]
    seen = present(BRIAN2, net["hidden"], x)
    assert 0.02 < spikes.mean() < 0.5
    assert torch.equal(seen.spikes.double(), spikes)
    assert torch.equal(seen.counts, spikes.sum(0).long())
    assert torch.equal(seen.weights, net["hidden"].w_in.detach())


def test_a_sample_leaves_nothing_behind_for_the_next():
    net = spiking_net("lif")
    x = inputs(net, 12, 3).double()
    alone = present(BRIAN2, net["hidden"], x[:, 2:]).spikes
    assert torch.equal(present(BRIAN2, net["hidden"], x).spikes[:, 2:], alone)


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_input_before_spike_strengthens_exponentially(lag):
    expected = 0.01 * (1 - 1 / TAU_PRE_MS) ** (lag + 1)  # the input of a step acts one step before its spike counts
    assert change_of_weight(4, 4 + lag) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("lag", [1, 2, 6])
def test_input_after_spike_weakens_exponentially(lag):
    expected = -0.02 * (1 - 1 / TAU_POST_MS) ** (lag - 1)
    assert change_of_weight(4 + lag, 4) == pytest.approx(expected, rel=1e-9)


def test_what_happened_in_one_sample_does_not_pair_with_the_next():
    x = torch.zeros(3, 2, 2)
    x[2, 0, 0] = x[0, 1, 1] = 1
    assert float(present(BRIAN2, one_neuron(), x, PAIRING).weights[0, 0]) == 0.5


def test_without_input_nothing_happens_and_without_samples_nothing_runs():
    cell = one_neuron()
    assert present(BRIAN2, cell, torch.zeros(3, 2, 2), PAIRING).spikes.sum() == 0
    assert present(BRIAN2, cell, torch.zeros(3, 0, 2), PAIRING).spikes.shape == (3, 0, 1)
    assert present(BRIAN2, cell, torch.zeros(0, 2, 2), PAIRING).counts.tolist() == [[0], [0]]


def test_a_cell_without_event_equations_is_refused():
    with pytest.raises(CannotRun) as caught:
        present(BRIAN2, network("elman")["hidden"], torch.zeros(2, 1, 5))
    assert str(caught.value) == "event engines cannot run Elman: it declares no event equations"


def test_values_are_refused_where_spikes_are_wanted():
    with pytest.raises(InputError) as caught:
        present(BRIAN2, one_neuron(), torch.full((2, 1, 2), 0.5))
    assert str(caught.value) == (
        "event engines: input lines carry spikes, 0 or 1 per step (got 0.5); encode values first, for example with the "
        "encoder regular_rate"
    )


def test_neurons_that_spike_at_rest_are_refused():
    with pytest.raises(CannotRun) as caught:
        present(BRIAN2, one_neuron(threshold=-1.0), torch.zeros(2, 1, 2))
    assert str(caught.value) == (
        "event engines cannot run competitive LIF: v_leak 0 must be below v_threshold -1, or neurons spike before the next "
        "sample arrives"
    )


def test_without_a_compiler_numpy_runs_and_says_so_once(monkeypatch, caplog):
    from brian2.codegen.runtime.cython_rt import CythonCodeObject

    monkeypatch.setattr(CythonCodeObject, "is_available", classmethod(lambda cls: False))
    on_brian2.code_target.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger="neurorec"):
            assert [on_brian2.code_target() for _ in range(3)] == ["numpy"] * 3
    finally:
        on_brian2.code_target.cache_clear()
    assert [record.message for record in caplog.records] == [
        "Brian2 runs NumPy code, several times slower: no working C++ compiler was found"
    ]


def test_brian2_preferences_are_left_as_they_were():
    from brian2 import prefs

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(prefs, "codegen.target", "cython")
        patch.setitem(prefs, "codegen.runtime.cython.cache_dir", "somewhere/else")
        present(BRIAN2, one_neuron(), torch.zeros(2, 1, 2))
        assert prefs["codegen.target"] == "cython"
        assert prefs["codegen.runtime.cython.cache_dir"] == "somewhere/else"


def _weights_in_a_worker(target):
    x = torch.zeros(6, 2, 2)
    x[1, :, 0] = x[2, :, 1] = 1
    return present(OnBrian2(target), one_neuron(), x, PAIRING).weights.tolist()


@pytest.mark.slow
def test_two_fresh_workers_compile_into_one_cache_and_agree_with_numpy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(_weights_in_a_worker, ["cython", "cython"], chunksize=1)
    assert found == [_weights_in_a_worker("numpy")] * 2
    assert any((tmp_path / "neurorec" / "brian2").iterdir())
