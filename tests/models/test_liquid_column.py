"""The liquid column: dynamic synapses against their recursion and closed form, wiring, and a slow simulation per synapse."""

import math

import numpy as np
import pytest
import torch

from neurorec.models.cell import cells
from neurorec.models.cells.dynamic_synapse import DynamicSynapse
from neurorec.models.reservoirs.liquid_column import around, lattice
from tests.nets import cell_card, network


def synapse(use, depression_ms, facilitation_ms, dt_ms=1.0):
    made = DynamicSynapse(1, dt_ms).double()
    for name, value in (("use", use), ("depression_ms", depression_ms), ("facilitation_ms", facilitation_ms)):
        getattr(made, name).fill_(value)
    return made


def delivered(made, steps):
    """What spikes at these steps deliver."""
    facilitation, resources, found = torch.zeros(1, 1).double(), torch.ones(1, 1).double(), []
    for t in range(max(steps) + 1):
        z = torch.full((1, 1), float(t in steps)).double()
        sent, facilitation, resources = made.release(z, facilitation, resources)
        if t in steps:
            found.append(float(sent))
        else:
            assert float(sent) == 0
    return found


@pytest.mark.parametrize("values", [(0.5, 1100, 50), (0.05, 125, 1200), (0.25, 700, 20), (0.32, 144, 60)])
def test_irregular_spikes_deliver_what_the_recursion_of_the_paper_says(values):
    """u_1 = U, u_k = U + u_{k-1} (1 - U) e^(-d/F); R_1 = 1, R_k = 1 + (R_{k-1} - u_{k-1} R_{k-1} - 1) e^(-d/D)."""
    U, D, F = values
    steps, expected = [3, 4, 9, 40, 41, 200, 230], []
    u, R = U, 1.0
    for k, step in enumerate(steps):
        if k:
            d = step - steps[k - 1]
            u, R = U + u * (1 - U) * math.exp(-d / F), 1 + (R - u * R - 1) * math.exp(-d / D)
        expected.append(u * R)
    assert delivered(synapse(*values), steps) == pytest.approx(expected, rel=1e-12)


def test_regular_spikes_reach_the_steady_state_of_the_closed_form():
    """A depressing and a facilitating synapse at 5, 20 and 50 Hz."""
    every, T = torch.tensor([200, 50, 20]), 12_000
    U, D, F = (torch.tensor(values).double() for values in ([0.5, 0.05], [1100.0, 125.0], [50.0, 1200.0]))
    made = DynamicSynapse(2, 1.0).double()
    for name, values in (("use", U), ("depression_ms", D), ("facilitation_ms", F)):
        getattr(made, name).copy_(values)
    facilitation, resources, last = torch.zeros(3, 2).double(), torch.ones(3, 2).double(), U.expand(3, 2).clone()
    for t in range(T + 1):
        z = (t % every == 0).double()[:, None].expand(3, 2)
        sent, facilitation, resources = made.release(z, facilitation, resources)
        last = torch.where(z > 0, sent, last)
        if t == 0:
            assert torch.equal(sent, U.expand(3, 2))
    d = every[:, None].double()
    u = U / (1 - (1 - U) * torch.exp(-d / F))
    R = (1 - torch.exp(-d / D)) / (1 - (1 - u) * torch.exp(-d / D))
    torch.testing.assert_close(last, u * R, rtol=1e-4, atol=0)
    assert (last[:, 0] < U[0]).all()  # depression
    assert (last[:, 1] > U[1]).all()  # facilitation


def test_half_a_step_is_half_the_time():
    coarse, fine = delivered(synapse(0.4, 90, 30), [0, 7]), delivered(synapse(0.4, 90, 30, 0.5), [0, 14])
    assert coarse == pytest.approx(fine, rel=1e-12)


def column(H=135, seed=0, **changes):
    made = cells["liquid_column"](cell_card("liquid_column", H, **changes), 4)
    made.reset_parameters(torch.Generator().manual_seed(seed))
    return made


def test_the_lattice_is_filled_layer_by_layer():
    assert lattice(5, 2).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert lattice(135, 3).max(0).values.tolist() == [2, 2, 14]


def test_neurons_excite_or_inhibit_and_do_not_hear_themselves():
    made = column(inhibitory_share=0.2)
    w = made.w_rec
    assert made.excitatory == 108
    assert (w[:, :108] >= 0).all()
    assert (w[:, 108:] <= 0).all()
    assert not w.diagonal().any()
    assert (made.w_in >= 0).all()


def test_as_many_synapses_exist_as_distances_say():
    """The mean number over all pairs of places, from the probabilities; the bound is 5 standard deviations."""
    C = {"EE": 0.3, "EI": 0.2, "IE": 0.4, "II": 0.1}
    example = cells["liquid_column"].example
    paths = {name: {**example[name], "nearby": chance} for name, chance in C.items()}
    d = torch.cdist(lattice(135, 3), lattice(135, 3))
    near = torch.exp(-((d / 2) ** 2)).fill_diagonal_(0).sum() / (135 * 134)
    sizes, seeds = {"E": 108, "I": 27}, 20
    found = dict.fromkeys(C, 0)
    for seed in range(seeds):
        made = column(seed=seed, width=3, reach=2.0, inhibitory_share=0.2, **paths)
        for name in C:
            rows, columns = made._neurons(name[1]), made._neurons(name[0])
            found[name] += int(made.w_rec[rows, columns].count_nonzero())
    for name, chance in C.items():
        pairs = sizes[name[0]] * (sizes[name[1]] - (name[0] == name[1]))
        expected = seeds * pairs * chance * float(near)
        assert abs(found[name] - expected) < 5 * 2 * expected**0.5, name  # places of types vary, too


def test_mean_strengths_are_those_of_the_card():
    w = column(H=400, reach=100.0).w_rec
    strengths = w[:300, :300][w[:300, :300] > 0]
    assert float(strengths.mean()) == pytest.approx(30, rel=0.03)
    assert float(strengths.std()) == pytest.approx(30, rel=0.03)  # exponential


def test_drawn_times_are_positive_and_spread_around_their_mean():
    drawn = around(100.0, 0.5, 100_000, torch.Generator().manual_seed(0))
    assert float(drawn.min()) >= 5
    assert float(drawn.median()) == pytest.approx(100, rel=0.02)
    assert around(7.0, 0.0, 3, torch.Generator()).tolist() == [7, 7, 7]


def test_a_neuron_rests_after_a_spike():
    made = column(H=4, background_nA=1000.0, inhibitory_share=0.5, input_density=1.0)
    made.freeze_recurrence()
    z = made(torch.zeros(9, 1, 4))[0][:, 0]
    assert z[:, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]  # 3 ms
    assert z[:, 3].tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0]  # 2 ms


def test_every_spike_equals_that_of_a_simulation_synapse_by_synapse():
    H, T = 20, 150
    made = column(H=H, seed=3).double()
    x = (torch.rand(T, 1, 4, generator=torch.Generator().manual_seed(1)) < 0.05).double()
    z = made(x)[0][:, 0]
    assert 30 < int(z.sum()) < 2000
    assert torch.equal(z, torch.from_numpy(by_synapse(made, x[:, 0].numpy())))


def by_synapse(made, x):
    """Every synapse keeps its last spike, u and R after it, as in the paper; currents and potentials as in the cell."""
    card, H, E = made.card, made.size, made.excitatory
    w, w_in = made.w_rec.numpy(), made.w_in.numpy()
    last, u, R = {}, {}, {}
    v, exc, inh, rest = np.full(H, card.reset_mV), np.zeros(H), np.zeros(H), np.zeros(H)
    z, found = np.zeros(H), []
    for t, x_t in enumerate(x):
        exc, inh = exc + w_in @ x_t, inh.copy()
        for j in np.flatnonzero(z):  # spiked in step t - 1
            for i in np.flatnonzero(w[:, j]):
                kind = made.onto_exc if i < E else made.onto_inh
                U, D, F = (float(getattr(kind, name)[j]) for name in ("use", "depression_ms", "facilitation_ms"))
                if (i, j) in last:
                    d = t - 1 - last[i, j]
                    recovered = 1 + (R[i, j] * (1 - u[i, j]) - 1) * math.exp(-d / D)
                    u[i, j], R[i, j] = U + u[i, j] * (1 - U) * math.exp(-d / F), recovered
                else:
                    u[i, j], R[i, j] = U, 1.0
                last[i, j] = t - 1
                (exc if j < E else inh)[i] += w[i, j] * u[i, j] * R[i, j]
        z = np.zeros(H)
        for i in range(H):
            if rest[i] > 0:
                v[i], rest[i] = card.reset_mV, rest[i] - 1
                continue
            v[i] += card.dt_ms / card.tau_mem_ms * (card.background_nA - v[i] + exc[i] + inh[i])
            if v[i] > card.threshold_mV:
                z[i], v[i], rest[i] = 1, card.reset_mV, card.rest_exc_ms if i < E else card.rest_inh_ms
        exc, inh = exc * (1 - card.dt_ms / card.tau_exc_ms), inh * (1 - card.dt_ms / card.tau_inh_ms)
        found.append(z)
    return np.stack(found)


def test_a_reset_above_the_threshold_is_refused():
    with pytest.raises(ValueError, match=r"reset_mV must be below threshold_mV \(15\) \(got 16\)"):
        cell_card("liquid_column", 7, reset_mV=16.0)


def test_rate_engines_leave_it_to_the_plain_loop():
    from neurorec.engines.engine import choose_engine

    assert choose_engine("auto", network("liquid_column")["hidden"]).title == "torch"
