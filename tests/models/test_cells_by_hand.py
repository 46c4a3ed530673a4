"""Cells against what others compute: torch's own RNN, LSTM and GRU, the stated wiring of reservoirs, steps done by hand."""

import pytest
import torch
from pydantic import ValidationError

from neurorec.models.cell import cells
from tests.nets import inputs, network


def test_elman_is_torchs_rnn():
    net = network("elman", I=4, H=6).double()
    torchs = torch.nn.RNN(4, 6).double()
    with torch.no_grad():
        net["hidden"].bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
        torchs.weight_ih_l0.copy_(net["hidden"].w_in)
        torchs.weight_hh_l0.copy_(net["hidden"].w_rec)
        torchs.bias_ih_l0.copy_(net["hidden"].bias)
        torchs.bias_hh_l0.zero_()
    x = inputs(net, 9, 3).double()
    torch.testing.assert_close(net["hidden"](x)[0], torchs(x)[0])


def test_lstm_is_torchs_lstm():
    net = network("lstm", I=4, H=6).double()
    assert net["hidden"].bias[6:12].eq(1.0).all()  # the forget gates start open
    torchs = torch.nn.LSTM(4, 6).double()
    with torch.no_grad():
        net["hidden"].bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
        torchs.weight_ih_l0.copy_(net["hidden"].w_in)
        torchs.weight_hh_l0.copy_(net["hidden"].w_rec)
        torchs.bias_ih_l0.copy_(net["hidden"].bias)
        torchs.bias_hh_l0.zero_()
    x = inputs(net, 9, 3).double()
    outputs, state = net["hidden"](x)
    theirs, (h, c) = torchs(x)
    torch.testing.assert_close(outputs, theirs)
    torch.testing.assert_close(state.c, c[0])
    torch.testing.assert_close(state.h, h[0])


def test_lstm_is_the_lectures_lstm():
    """f, i, o = sigma(W [h, x] + b); C' = tanh(W_C [h, x] + b_C); C = f C + i C'; h = o tanh(C)."""
    hidden = network("lstm", I=4, H=6).double()["hidden"]
    torch.nn.init.uniform_(hidden.bias, -1, 1, generator=torch.Generator().manual_seed(0))
    joint = torch.cat([hidden.w_rec, hidden.w_in], 1).chunk(4)
    w_i, w_f, w_c, w_o = (
        lambda seen, w=w, b=b: seen @ w.T + b for w, b in zip(joint, hidden.bias.chunk(4), strict=True)
    )
    x = torch.rand(9, 3, 4, generator=torch.Generator().manual_seed(1)).double()
    h, c = torch.zeros(3, 6).double(), torch.zeros(3, 6).double()
    for t, x_t in enumerate(x):
        seen = torch.cat([h, x_t], 1)
        c = torch.sigmoid(w_f(seen)) * c + torch.sigmoid(w_i(seen)) * torch.tanh(w_c(seen))
        h = torch.sigmoid(w_o(seen)) * torch.tanh(c)
        torch.testing.assert_close(hidden(x)[0][t], h)


def test_chrono_initialisation_spreads_the_memories_of_lstm_cells_up_to_the_longest_lag():
    hidden = network("lstm", I=4, H=2000, forget_bias=None, longest_lag=50)["hidden"]
    inward, forget, candidate, outward = hidden.bias.detach().double().chunk(4)
    memories = forget.exp()  # 1..49, uniform
    assert 1 <= float(memories.min()) < 1.2
    assert 48.8 < float(memories.max()) <= 49.001
    assert float(memories.mean()) == pytest.approx(25, abs=4 * 48 / (12 * 2000) ** 0.5)
    assert torch.equal(inward, -forget)
    assert not candidate.any()
    assert not outward.any()
    assert "tallec2018" in hidden.sources_of(hidden.card)
    assert "tallec2018" not in hidden.sources_of(network("lstm")["hidden"].card)


@pytest.mark.parametrize(("start", "came"), [({}, "neither"), ({"forget_bias": 1.0, "longest_lag": 9}, "both")])
def test_an_lstm_starts_in_one_of_two_ways(start, came):
    with pytest.raises(ValidationError, match=f"give either forget_bias or longest_lag \\(got {came}\\)"):
        cells["lstm"].Card(name="lstm", size=2, input_gain=1.0, recurrent_gain=1.0, **start)


def test_gru_is_torchs_gru_with_the_reset_outside():
    hidden = network("gru", I=4, H=6, update_bias=0.5)["hidden"]
    assert hidden.bias[6:12].eq(0.5).all()
    torchs = torch.nn.GRUCell(4, 6)
    with torch.no_grad():
        hidden.bias.uniform_(-1, 1)
        hidden.candidate_bias.uniform_(-1, 1)
        torchs.weight_ih.copy_(hidden.w_in)
        torchs.weight_hh.copy_(hidden.w_rec)
        torchs.bias_ih.copy_(hidden.bias)
        torchs.bias_hh.zero_()
        torchs.bias_hh[12:] = hidden.candidate_bias
    x, h = torch.rand(9, 3, 4), torch.zeros(3, 6)
    outputs, _ = hidden(x)
    for t in range(9):
        h = torchs(x[t], h)
        torch.testing.assert_close(outputs[t], h, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("activation", "function"), [("tanh", torch.tanh), ("sigmoid", torch.sigmoid)])
def test_a_feed_forward_layer_is_a_function_of_this_step(activation, function):
    hidden = network("dense", I=4, H=6, activation=activation)["hidden"]
    torch.nn.init.uniform_(hidden.bias, -1, 1)
    x = torch.rand(9, 3, 4)
    torch.testing.assert_close(hidden(x)[0], function(x @ hidden.w_in.T + hidden.bias))
    assert not hidden.recurrent_weights()


def test_every_trained_recurrence_is_known_to_the_frozen_control():
    trained = {name for name in cells if any(w.requires_grad for w in network(name)["hidden"].recurrent_weights())}
    assert {"elman", "lstm", "gru", "lif", "adaptive_lif"} <= trained


def test_a_frozen_elman_forgets_at_once():
    net = network("elman")
    net["hidden"].freeze_recurrence()
    x = inputs(net, 6, 2)
    other = x.clone()
    other[:5] = 1 - other[:5]
    assert torch.equal(net["hidden"](x)[0][5], net["hidden"](other)[0][5])


def test_echo_state_has_its_stated_radius_density_and_leak():
    net = network("echo_state", I=2, H=200, spectral_radius=0.8, density=0.2, leak=0.25).double()
    assert float(torch.linalg.eigvals(net["hidden"].w_rec).abs().max()) == pytest.approx(
        0.8, abs=1e-4
    )  # it was scaled in single precision
    assert float((net["hidden"].w_rec != 0).float().mean()) == pytest.approx(0.2, abs=0.02)
    h = torch.full((1, 200), 0.5).double()
    x = torch.ones(1, 2).double()
    output, _ = net["hidden"].step(net["hidden"].initial_state(1)._replace(h=h), x)
    drive = x @ net["hidden"].w_in.T + net["hidden"].bias + h @ net["hidden"].w_rec.T
    torch.testing.assert_close(output, 0.75 * h + 0.25 * torch.tanh(drive))
    assert not any(weight.requires_grad for weight in net["hidden"].parameters())


def test_the_liquid_obeys_dales_law_without_self_connections():
    net = network("liquid_state", I=3, H=100, excitatory_share=0.7, density=0.3, inhibition=4.0)
    w = net["hidden"].w_rec
    assert (w[:, :70] >= 0).all()
    assert (w[:, 70:] <= 0).all()
    assert not w.diagonal().any()
    assert float((w != 0).float().mean()) == pytest.approx(0.3, abs=0.02)
    ratio = -w[:, 70:].sum() / 30 / (w[:, :70].sum() / 70)
    assert float(ratio) == pytest.approx(4.0, rel=0.1)


def test_one_lif_neuron_by_hand():
    """a = 1/8, b = 1/4, w = 2: jumps 2 each step; u = 0.25, then 0.65625; reset to 0.125 when above 0.5."""
    net = network("lif", I=1, H=1, v_threshold=0.5, v_reset=0.125)
    with torch.no_grad():
        net["hidden"].w_in.fill_(2.0)
        net["hidden"].w_rec.fill_(-1.0)
    state, x = net["hidden"].initial_state(1), torch.ones(1, 1)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item(), state.i.item()) == (0.0, 0.25, 1.5)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item(), state.i.item()) == (1.0, 0.125, 2.625)
    z, state = net["hidden"].step(state, x)  # the spike comes back: 2.625 + 2 - 1
    assert (z.item(), state.i.item()) == (1.0, 3.625 * 0.75)


def test_one_adaptive_neuron_by_hand():
    """The membrane reads the current of the step before; a spike lifts the threshold by 0.25, 1/64 of it relaxes a step."""
    net = network("adaptive_lif", I=1, H=1, v_threshold=0.5)
    with torch.no_grad():
        net["hidden"].w_in.fill_(8.0)
        net["hidden"].w_rec.zero_()
    state, x = net["hidden"].initial_state(1), torch.ones(1, 1)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item(), state.i.item(), state.b.item()) == (0.0, 0.0, 8.0, 0.5)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item(), state.i.item(), state.b.item()) == (1.0, 0.0, 14.0, 0.75)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.b.item()) == (1.0, 0.75 - 0.25 / 64 + 0.25)
