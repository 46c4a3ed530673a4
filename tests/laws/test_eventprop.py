"""EventProp's gradients: exact for spike times in continuous time, and on the grid of steps exact as dt -> 0."""

import numpy as np
import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.learning.exact_spike_times import ExactLayer, TimedSpike
from neurorec.learning.spike_adjoint import AdjointEngine
from neurorec.models.architecture import READOUT
from neurorec.models.cells.lif import LIF
from neurorec.models.wires import INPUT, Wire
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from tests.hardware.nets import wired
from tests.nets import inputs, network, on_dyadic_grid

END_MS, TAU_READOUT = 40.0, 5.0
STEP = 1e-6  #: of the finite differences, in weights and in ms


def exact_layer(I=4, H=6, seed=0, recurrent=2.0, **changes) -> ExactLayer:  # noqa: E741
    net = network("lif", I=I, H=H, seed=seed, input_gain=6.0, recurrent_gain=recurrent, **changes).double()
    return ExactLayer(net["hidden"].event_form())


def input_spikes(seed: int, count: int = 20, lines: int = 4) -> list[tuple[float, int]]:
    rng = np.random.default_rng(seed)
    times = sorted(rng.choice(np.arange(1, 121), count, replace=False) / 4)  # on the grid of all dt below
    return list(zip(times, rng.integers(0, lines, count).tolist(), strict=True))


def own(events: list[TimedSpike]) -> list[TimedSpike]:
    return [event for event in events if event.own]


def differences(weight: np.ndarray, entries, loss) -> np.ndarray:
    """Central differences of the loss in some entries of a weight."""
    found = []
    for entry in entries:
        kept, sides = weight[entry], []
        for moved in (STEP, -STEP):
            weight[entry] = kept + moved
            sides.append(loss())
        weight[entry] = kept
        found.append((sides[0] - sides[1]) / (2 * STEP))
    return np.array(found)


def some_entries(gradient: np.ndarray, count: int = 6) -> list[tuple[int, ...]]:
    """Entries of weights whose lines carry spikes."""
    able = [entry for entry in np.ndindex(gradient.shape) if gradient[entry]]
    return [able[k] for k in np.random.default_rng(5).permutation(len(able))[:count]]


def assert_exact(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("taus", "recurrent"), [((8.0, 4.0), 0.0), ((8.0, 4.0), 2.0), ((6.0, 6.0), 2.0), ((4.0, 8.0), 2.0)]
)
def test_gradients_of_spike_times_are_finite_differences(taus, recurrent):
    layer = exact_layer(recurrent=recurrent, tau_mem_ms=taus[0], tau_syn_ms=taus[1])
    layer.leak = 0.1
    given = input_spikes(1)
    events = layer.run(given, END_MS)
    share = np.random.default_rng(2).normal(size=len(own(events)))  # L: a random sum of all spike times
    assert len(share) > 8
    gradients = layer.gradients(events, share)

    def loss() -> float:
        spikes = own(layer.run(given, END_MS))
        assert [event.line for event in spikes] == [event.line for event in own(events)]
        return float(share @ [event.time_ms for event in spikes])

    for weight, gradient in ((layer.w_in, gradients.w_in), (layer.w_rec, gradients.w_rec)):
        entries = some_entries(gradient)
        assert_exact(np.array([gradient[entry] for entry in entries]), differences(weight, entries, loss))


def test_gradients_of_a_first_spike_loss_through_two_layers_are_finite_differences():
    low, high = exact_layer(I=4, H=6, recurrent=0.0), exact_layer(I=6, H=3, seed=3, recurrent=0.0)
    given = input_spikes(4)

    def forward():
        below = low.run(given, END_MS)
        above = high.run([(event.time_ms, event.line) for event in own(below)], END_MS)
        spikes = own(above)
        first = [next(k for k, event in enumerate(spikes) if event.line == n) for n in range(3)]
        times = torch.tensor([spikes[k].time_ms for k in first], dtype=torch.float64, requires_grad=True)
        loss = torch.nn.functional.cross_entropy(-times[None] / TAU_READOUT, torch.tensor([1]))
        return below, above, first, times, loss

    below, above, first, times, loss = forward()
    loss.backward()
    by_time = np.zeros(len(own(above)))
    by_time[first] = times.grad
    of_high = high.gradients(above, by_time)
    of_low = low.gradients(below, of_high.inputs)
    for layer, gradients in ((low, of_low), (high, of_high)):
        entries = some_entries(gradients.w_in)
        found = np.array([gradients.w_in[entry] for entry in entries])
        assert_exact(found, differences(layer.w_in, entries, lambda: float(forward()[-1].detach())))


def mean_potential(dt_ms: float, seed: int, recurrent: float):
    """Of a leaky readout until END_MS: the gradients in continuous time, those of the rule, and whether the same neurons spike
    in the same order."""
    changes = {"dt_ms": dt_ms, "input_gain": 5.0, "recurrent_gain": recurrent}
    cell = network("lif", I=4, H=6, seed=seed, **changes).double()["hidden"]
    w_out, given = np.random.default_rng(seed).normal(size=6), input_spikes(seed)
    layer = ExactLayer(cell.event_form())
    events = layer.run(given, END_MS)
    left = {id(e): np.exp(-(END_MS - e.time_ms) / TAU_READOUT) / (END_MS * TAU_READOUT) for e in own(events)}
    exact = layer.gradients(events, [-w_out[e.line] * left[id(e)] for e in own(events)])
    T = round(END_MS / dt_ms)
    x = torch.zeros(T, 1, 4, dtype=torch.float64)
    for time, line in given:
        x[round(time / dt_ms), 0, line] += 1
    z, _ = AdjointEngine().unroll(cell, x)
    remaining = (1 - (1 - dt_ms / TAU_READOUT) ** (T - torch.arange(T, dtype=torch.float64))) / END_MS
    (remaining[:, None] * z[:, 0] * torch.from_numpy(w_out)).sum().backward()
    same = [int(n) for _, n in z[:, 0].nonzero()] == [event.line for event in own(events)]
    return exact, cell, same


@pytest.mark.parametrize("recurrent", [0.0, 1.0])
def test_on_the_grid_of_steps_gradients_converge_to_those_in_continuous_time(recurrent):
    errors = []
    for dt_ms in (1 / 16, 1 / 128, 1 / 1024):
        exact, cell, same = mean_potential(dt_ms, 3, recurrent)
        found = torch.cat([cell.w_in.grad.flatten(), cell.w_rec.grad.flatten()]).numpy()
        expected = np.concatenate([exact.w_in.ravel(), exact.w_rec.ravel()])
        errors.append(float(np.linalg.norm(found - expected) / np.linalg.norm(expected)))
    assert same
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3
    assert errors[2] < 0.02


def movable(cell: LIF, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The law in discrete time by automatic differentiation: a fraction f = -du/d of a spike of step t lies in step t + 1."""
    state, mem, syn, c = cell.start(x.shape[1]), cell.tau_mem.rate, cell.tau_syn.rate, cell.card
    z, v, i, moved, sent = state.z, state.v, state.i, torch.zeros_like(state.z), []
    for t, x_t in enumerate(x):
        jump = i + x_t @ cell.w_in.T + (0 if cell.w_rec is None else z @ cell.w_rec.T)
        u = v + mem * (c.v_leak - v + jump)
        fired = ((u > c.v_threshold) & (t < lengths)[:, None]).to(u.dtype)
        f = -(u - u.detach()) / torch.where(fired > 0, u - v, 1).detach() * fired
        z = fired - f + moved
        v = (1 - fired) * u + fired * (c.v_reset - f * (mem * (c.v_leak - c.v_reset + jump)).detach())
        i, moved = (1 - syn) * jump, f
        sent.append(torch.where((t < lengths)[:, None], z, 0))
    return torch.stack(sent)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("name", ["lif", "feedforward_lif"])
def test_the_adjoint_equations_are_those_of_spikes_that_move(name, compiled):
    net = network(name, input_gain=6.0, recurrent_gain=2.0, v_leak=0.1, v_reset=-0.2).double()
    cell, x, lengths = net["hidden"], inputs(net, 25, 4).double(), torch.tensor([25, 0, 9, 24])
    share = torch.randn(25, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = []
    for run in (lambda given: AdjointEngine(compiled).unroll(cell, given, None, lengths)[0],
                lambda given: movable(cell, given, lengths)):  # fmt: skip
        given = x.clone().requires_grad_()
        z = run(given)
        found.append((z.detach(), *torch.autograd.grad((z * share).sum(), [given, *cell.parameters()])))
    assert found[0][0].sum() > 50
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lengths", [None, [20, 0, 7]])
def test_layers_run_as_by_their_own_steps(lengths, dtype, compiled):
    net = on_dyadic_grid(network("lif", input_gain=6.0, recurrent_gain=2.0, v_reset=-0.25)).to(dtype)
    x, ends = inputs(net, 20, 3).to(dtype), None if lengths is None else torch.tensor(lengths)
    expected, after = net["hidden"](x, None, ends)
    found, last = AdjointEngine(compiled).unroll(net["hidden"], x, None, ends)
    assert torch.equal(found, expected)
    assert found.sum() > 20
    for one, other in zip(last, after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_gradient_passes_through_layers_readout_and_objective():
    """Two layers and a readout: the gradient of the whole is that of movable spikes."""
    chain = (Wire(INPUT, "low"), Wire("low", "high"), Wire("low", READOUT), Wire("high", READOUT))
    net = wired({"low": ("lif", 6), "high": ("feedforward_lif", 5)}, chain).double()
    with torch.no_grad():
        for name in ("low", "high"):
            net[name].w_in *= 3
    x = inputs(net, 20, 4, share=0.5).double()
    batch = Batch(x, torch.tensor([0, 1, 2, 1]), torch.arange(20) >= 12)
    objective = objectives["classification"]()
    objective.loss(AdjointEngine().answers(net, batch, objective), batch).backward()
    found = {name: weight.grad.clone() for name, weight in net.named_parameters()}
    net.zero_grad()
    whole = torch.full((4,), 20)
    low = movable(net["low"], x, whole)
    high = movable(net["high"], low, whole)
    y, _ = net[READOUT](torch.cat([low, high], -1))
    loss = objective.loss(objective.answers(y, batch), batch)
    loss.backward()
    expected = engines["torch"]().answers(net, batch, objective)
    torch.testing.assert_close(loss.detach(), objective.loss(expected, batch).detach())
    for name, weight in net.named_parameters():
        assert weight.grad.abs().sum() > 0, name
        torch.testing.assert_close(found[name], weight.grad, rtol=1e-8, atol=1e-12)
