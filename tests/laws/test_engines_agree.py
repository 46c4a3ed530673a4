"""Engine A equals engine B: spikes identical, gradients equal to float rounding."""

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.on_norse import _norse
from neurorec.models.cell import cells
from tests.nets import inputs, network, on_dyadic_grid
from tests.rounding import OPERATIONS, assert_apart, assert_gradients_apart, gamma

SIZES = [(20, 4, 5, 7), (1, 1, 1, 1), (13, 3, 8, 33), (50, 2, 3, 16), (3, 0, 2, 5)]
fast = [name for name in engines if name != "torch"]
PAIRS = [(e, c) for e in fast for c in cells if engines[e]().why_not(network(c)["hidden"]) is None]


def run_both(engine, name, sizes, bits=14, **changes):
    T, B, I, H = sizes  # noqa: E741
    results = []
    for which in ("torch", engine):
        net = network(name, I=I, H=H, input_gain=6.0, **changes)
        on_dyadic_grid(net, bits)
        x = inputs(net, T, B, share=0.5)
        for weight in net["hidden"].parameters():
            weight.requires_grad_(True)
        x.requires_grad_(True)
        seen = engines[which]().run(net, x)
        wish = torch.linspace(-1, 1, seen.outputs.numel()).reshape(seen.outputs.shape)
        (seen.outputs * wish).sum().backward()
        results.append((seen, gradient(x), {key: gradient(weight) for key, weight in net.named_parameters()}))
    return results


def gradient(tensor):
    """Its gradient; where nothing depends on it, zeros (an engine may say that in either way)."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


@pytest.mark.parametrize("bits", [8, 14], ids=["coarse grid", "fine grid"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize(("engine", "name"), PAIRS)
def test_spikes_state_and_gradients(engine, name, sizes, bits):
    """Weights are multiples of 2^-8, or of 2^-14: as good as any, and sums of up to 64 of them are exact."""
    T, B, _, H = sizes
    (one, x_one, grads_one), (two, x_two, grads_two) = run_both(engine, name, sizes, bits)
    rounded = cells[name].output_signal == "values"
    plain, found = ((run.sent["hidden"], *run.state.layers["hidden"]) for run in (one, two))
    for part, other in zip(plain, found, strict=True):
        apart = 2 * gamma(T * (H + OPERATIONS)) * largest(part) if rounded else 0.0
        assert_apart(part, other, apart, "outputs or final state")
    assert_gradients_apart({"x": x_two, **grads_two}, {"x": x_one, **grads_one}, T, B, H)


def largest(part):
    return float(part.detach().abs().max()) if part.numel() else 0.0


@pytest.mark.parametrize(("engine", "name"), PAIRS)
def test_the_comparison_is_about_something(engine, name):
    (one, _, grads), _ = run_both(engine, name, (50, 2, 3, 16))
    assert one.sent["hidden"].abs().mean() > 0.02
    assert cells[name].output_signal == "values" or one.sent["hidden"].mean() < 0.9
    for key, gradient in grads.items():
        assert gradient.abs().sum() > 0, key


@pytest.mark.parametrize("slope", [1.0, 10.0])
def test_norse_uses_our_slope_not_its_own(slope):
    _, (_, _, grads) = run_both("norse", "lif", (20, 3, 4, 8), slope=slope)
    (_, _, plain), _ = run_both("norse", "lif", (20, 3, 4, 8), slope=slope)
    assert_gradients_apart(grads, plain, 20, 3, 8)
    _, (_, _, other) = run_both("norse", "lif", (20, 3, 4, 8), slope=slope * 2)
    assert not torch.allclose(grads["layers.hidden.w_in"], other["layers.hidden.w_in"], rtol=1e-2)


def test_norse_itself_is_left_as_it_was():
    lif = _norse("lif")
    original = lif.lif_step.__globals__["threshold"]
    run_both("norse", "lif", (3, 2, 2, 4))
    assert lif.lif_step.__globals__["threshold"] is original


def test_no_silent_fallback():
    with pytest.raises(CannotRun) as caught:
        choose_engine("norse", network("lstm")["hidden"])
    assert str(caught.value) == (
        "engine norse cannot run LSTM: it declares no equivalent Norse step; use --engine auto"
    )
    with pytest.raises(InputError, match='engine "nors" is not known \\(did you mean "norse"\\?\\)'):
        choose_engine("nors", network("lif")["hidden"])


def test_auto_prefers_the_fastest_engine_that_can():
    assert choose_engine("auto", network("lif")["hidden"]).title == "fused"
    assert choose_engine("auto", network("lif")["hidden"].double()).title == "norse"
    assert choose_engine("auto", network("lstm")["hidden"]).title == "torch"
