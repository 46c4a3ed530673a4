"""The engine `fused` beyond the laws that every engine obeys: its fast paths, its threads, its memory, its refusals."""

import subprocess
import sys
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.fused import cache, threads, unroll
from neurorec.engines.fused.graph import Graph, NotElementwise, Symbol
from neurorec.engines.fused.record import record
from neurorec.models.cell import Cell
from tests.nets import inputs, network, on_dyadic_grid

SPIKING = ["lif", "adaptive_lif", "liquid_state", "competitive_lif"]


def on_grid(name, **changes):
    """A network that spikes, its weights on the dyadic grid; competitive neurons with thresholds of their own."""
    net = network(name, **changes)
    if name == "competitive_lif":
        net.cell.w_in.data *= 5
        net.cell.w_rec.data /= 200
        net.cell.theta.copy_(torch.arange(net.cell.size) / 64)
    return on_dyadic_grid(net)


def results(engine, net, x, state=None, dtype=torch.float32):
    """Spikes, final state, and the gradients of x, every weight and every part of the first state."""
    net = net.to(dtype)
    net.zero_grad(set_to_none=True)
    x = x.to(dtype).detach().requires_grad_(True)
    cell = net.cell
    start = cell.initial_state(x.shape[1]) if state is None else state
    start = type(start)(*(part.to(dtype).detach().requires_grad_(True) for part in start))
    for weight in cell.parameters():
        weight.requires_grad_(True)
    z, final = engines[engine]().unroll(cell, x, start)
    total = sum(
        (part * torch.linspace(-1, 2, part.numel()).reshape(part.shape).to(dtype)).sum() for part in (z, *final)
    )
    total.backward()
    wanted = {"x": x, **{f"first {k}": v for k, v in start._asdict().items()}, **dict(cell.named_parameters())}
    gradients = {key: torch.zeros_like(one) if one.grad is None else one.grad.clone() for key, one in wanted.items()}
    return z.detach(), final, gradients


def assert_agree(net, x, state=None, other="torch", dtype=torch.float32, tolerance=2e-6, spikes=True):
    z, final, gradients = results("fused", net, x, state)
    z_other, final_other, gradients_other = results(other, net, x, state, dtype)
    net.float()
    assert torch.equal(z, z_other.float())
    assert (z.mean() > 0) == spikes
    for part, part_other in zip(final, final_other, strict=True):
        torch.testing.assert_close(part, part_other.float(), rtol=1e-5, atol=1e-6)
    for key, gradient in gradients_other.items():
        error = (gradients[key] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-12)
        assert error < tolerance, f"{key}: off by {error:.1e} of its largest entry"


@pytest.mark.parametrize("T", [1, 17])
@pytest.mark.parametrize("name", SPIKING)
def test_every_gradient_also_of_a_given_first_state(name, T):
    net = on_grid(name, I=6, H=19, input_gain=6.0)
    start = net.cell.initial_state(5)
    generator = torch.Generator().manual_seed(1)
    drawn = {key: torch.round(torch.rand(5, 19, generator=generator) * 16) / 16 for key in start._fields}
    drawn["z"] = (drawn["z"] > 0.5).float()
    assert_agree(net, inputs(net, T, 5, share=0.5), type(start)(**drawn))


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_gradients_against_double_precision(name):
    net = on_grid(name, I=6, H=19, input_gain=6.0, tau_syn_ms=2.0, tau_mem_ms=2.0)
    assert_agree(net, inputs(net, 6, 5, share=0.5), dtype=torch.float64)


@pytest.mark.parametrize("slope", [0.2, 1.0, 8.0])
@pytest.mark.parametrize("name", SPIKING)
def test_a_compact_surrogate_skips_only_what_is_zero(name, slope):
    net = on_grid(name, I=9, H=140, input_gain=5.0, surrogate="triangle", slope=slope)
    assert_agree(net, inputs(net, 12, 19, share=0.3))


@pytest.mark.parametrize("name", SPIKING)
@pytest.mark.parametrize("share", [0.05, 0.4, 1.0])
def test_sparse_and_dense_input_of_any_value(name, share):
    net = on_grid(name, I=130, H=70, input_gain=5.0)
    x = inputs(net, 12, 17, share=share)
    assert_agree(net, x * torch.round(torch.rand(130, generator=torch.Generator().manual_seed(0)) * 8) / 8)
    assert_agree(net, x)


def test_busy_neurons_take_the_dense_product():
    net = on_grid("lif", I=20, H=40, input_gain=40.0, v_reset=0.75)
    x = inputs(net, 10, 16, share=0.9)
    assert results("fused", net, x)[0].mean() > 0.3
    assert_agree(net, x)


def test_steps_that_a_mask_leaves_out():
    """Sequences of unequal length: steps behind an end are masked in the loss, so their gradient of the spikes is zero."""
    net = on_grid("lif", I=6, H=19, input_gain=6.0)
    x, lengths = inputs(net, 11, 4, share=0.5), torch.tensor([11, 3, 7, 1])
    mask = (torch.arange(11)[:, None] < lengths).float()[..., None]
    found = []
    for engine in ("torch", "fused"):
        net.zero_grad()
        hidden, _ = engines[engine]().unroll(net.cell, x)
        (net.readout(hidden) * mask).square().sum().backward()
        found.append(net.cell.w_rec.grad.clone())
    torch.testing.assert_close(*found, rtol=2e-5, atol=1e-5)


def test_weights_that_are_not_trained_get_no_gradient():
    net = network("lif", input_gain=6.0)
    net.cell.freeze_recurrence()
    hidden, _ = engines["fused"]().unroll(net.cell, inputs(net, 9, 3))
    hidden.sum().backward()
    assert net.cell.w_rec.grad is None
    assert net.cell.w_in.grad.abs().sum() > 0


def test_nothing_is_kept_without_a_gradient():
    net = network("lif", input_gain=6.0)
    x = inputs(net, 9, 3)
    with torch.no_grad():
        quiet, _ = engines["fused"]().unroll(net.cell, x)
    assert not quiet.requires_grad
    assert torch.equal(quiet, engines["fused"]().unroll(net.cell, x)[0].detach())


@pytest.mark.parametrize("pool", [True, False], ids=["torch's workers", "threads of its own"])
def test_threads_never_change_spikes_and_the_same_call_gives_the_same_bits(monkeypatch, pool):
    if not pool:
        monkeypatch.setattr(threads, "_torch_pool", lambda: None)
    net = network("lif", I=30, H=40, input_gain=6.0)
    x = inputs(net, 20, 37)
    one, _, gradients = results("fused", net, x)
    torch.set_num_threads(3)
    first, again = results("fused", net, x), results("fused", net, x)
    assert torch.equal(one, first[0])
    for key in gradients:
        assert torch.equal(first[2][key], again[2][key])
        torch.testing.assert_close(gradients[key], first[2][key], rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("pool", [True, False], ids=["torch's workers", "threads of its own"])
def test_a_batch_is_shared_whole_and_errors_come_back(monkeypatch, pool):
    if not pool:
        monkeypatch.setattr(threads, "_torch_pool", lambda: None)
    torch.set_num_threads(4)
    for batch in (0, 1, 8, 61, 200):
        ranges = threads.share(batch, lambda low, high, part: (low, high))
        assert [row for low, high in ranges for row in range(low, high)] == list(range(batch))
        assert len(ranges) == threads.count_threads(batch)

    def fails(low, high, part):
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part"):
        threads.share(200, fails)


def kept_bytes(engine, net, x):
    """Bytes that autograd keeps for the way back, each memory once; weights and input, which exist anyway, left out."""
    kept = {}
    known = {tensor.untyped_storage().data_ptr() for tensor in (x, *net.parameters())}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden, _ = engines[engine]().unroll(net.cell, x)
    assert hidden.requires_grad
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize(
    ("name", "learned", "kept", "rows"),
    [("lif", False, 1, 0), ("adaptive_lif", False, 1, 0), ("leaky_integrator", False, 0, 0), ("lif", True, 3, 2),
     ("adaptive_lif", True, 4, 3), ("leaky_integrator", True, 2, 2), ("competitive_lif", False, 1, 0)],
)  # fmt: skip
def test_no_more_is_kept_than_the_derivative_needs(name, learned, kept, rows):
    """Beside u - threshold, one number for each learned rate: what that rate multiplies."""
    recorded = record(network(name, learn_time_constants=learned).cell)
    assert (len(recorded.kept), len(recorded.learned)) == (kept, rows)
    with torch.no_grad():
        assert len(record(network(name, learn_time_constants=learned).cell).learned) == 0


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_it_keeps_one_number_and_some_bits_a_step(name):
    net = network(name, I=70, H=64)
    x = inputs(net, 30, 8, share=0.1)
    ours = kept_bytes("fused", net, x)
    assert ours <= 30 * 8 * (64 * 4 + 64 // 8 + 128 // 8) + 8 * 64 * 4  # u - threshold, bits, and the first spikes
    assert ours < kept_bytes("norse", net, x) / 2.5


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_beyond_its_limit_it_keeps_less_than_a_tenth_of_what_norse_keeps(monkeypatch, name):
    monkeypatch.setattr(unroll, "KEEP_BYTES", 0)
    net = network(name, I=70, H=64)
    x = inputs(net, 96, 8, share=0.1)
    assert kept_bytes("fused", net, x) < kept_bytes("norse", net, x) / 10


@pytest.mark.parametrize("name", SPIKING)
def test_working_out_again_changes_nothing(monkeypatch, name):
    net = on_grid(name, I=6, H=19, input_gain=6.0)
    x = inputs(net, 50, 5, share=0.5)
    z, final, gradients = results("fused", net, x)
    monkeypatch.setattr(unroll, "KEEP_BYTES", 0)
    z_again, final_again, gradients_again = results("fused", net, x)
    assert torch.equal(z, z_again)
    assert all(torch.equal(one, two) for one, two in zip(final, final_again, strict=True))
    for key, gradient in gradients.items():
        error = (gradients_again[key] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-12)
        assert error < 2e-6, key
    assert_agree(net, x, tolerance=1e-5)


class StepState(NamedTuple):
    z: Tensor
    v: Tensor


class MadeUp(Cell):
    """A neuron this package does not have: its own leak for each neuron, and the threshold taken off at a spike."""

    title, output_signal = "made-up neuron", "spikes"

    def __init__(self, like):
        super().__init__(like.card, like.input_size)
        self.w_in, self.w_rec, self.spike = like.w_in, like.w_rec, like.spike
        self.register_buffer("leak", torch.linspace(1, 4, like.size) / 16)

    def initial_state(self, batch):
        return StepState(self._zeros(batch), self._zeros(batch))

    def step(self, state, x):
        drive = nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        v = state.v - self.leak * state.v + drive * 0.5
        z = self.spike(v - 1.0)
        return z, StepState(z, v - z.detach())

    reset_parameters = operations = recurrent_weights = None


MadeUp.__abstractmethods__ = frozenset()


def test_a_new_neuron_needs_no_kernel():
    cell = MadeUp(on_grid("lif", I=6, H=19, input_gain=6.0).cell)
    assert engines["fused"]().why_not(cell) is None
    net = nn.Module()
    net.cell = cell
    assert_agree(net, (torch.rand(15, 5, 6, generator=torch.Generator().manual_seed(0)) < 0.5).float())


def changed(step):
    cell = network("lif").cell
    cell.__class__ = type("Changed", (type(cell),), {"step": step})
    return cell


def test_it_says_what_it_cannot_run():
    why_not = engines["fused"]().why_not
    assert (
        why_not(network("lif").cell.double()) == "its w_in is float64 on cpu; this engine computes float32 on the cpu"
    )
    assert (
        why_not(network("lif").cell.to("meta"))
        == "its w_in is float32 on meta; this engine computes float32 on the cpu"
    )
    assert why_not(network("elman").cell) == "its recurrent lines carry values; this engine follows spikes"
    with pytest.raises(CannotRun) as caught:
        choose_engine("fused", network("lstm").cell)
    assert str(caught.value) == (
        "engine fused cannot run LSTM: its recurrent lines carry values; this engine follows spikes; use --engine auto"
    )
    net = network("lif")
    with pytest.raises(CannotRun, match="engine fused computes float32 on the cpu; its input is float64 on cpu"):
        engines["fused"]().unroll(net.cell, inputs(net, 3, 2).double())


def two_changing(self, state, x):
    j = nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
    z = self.spike(state.v * j)
    return z, type(state)(z, state.v, j)


def test_a_product_of_two_changing_quantities_is_kept_for_the_way_back():
    net = on_grid("lif", I=6, H=19, input_gain=6.0)
    net.cell.__class__ = type("Changed", (type(net.cell),), {"step": two_changing})
    assert len(record(net.cell).kept) == 3
    start = net.cell.initial_state(5)
    assert_agree(net, inputs(net, 15, 5, share=0.5), start._replace(v=start.v + 0.75))


def unequal_drives(self, state, x):
    j = nn.functional.linear(x, self.w_in) * 2 + nn.functional.linear(state.z, self.w_rec)
    z = self.spike(state.v + j)
    return z, type(state)(z, state.v, j)


def other_function(self, state, x):
    j = torch.tanh(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec))
    z = self.spike(state.v + j)
    return z, type(state)(z, state.v, j)


def two_spikes(self, state, x):
    z = self.spike(self.spike(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)))
    return z, type(state)(z, state.v, state.i)


def other_product(self, state, x):
    z = self.spike(nn.functional.linear(x, self.w_in) + nn.functional.linear(state.v, self.w_rec))
    return z, type(state)(z, state.v, state.i)


def no_recurrence(self, state, x):
    z = self.spike(nn.functional.linear(x, self.w_in) + state.z)
    return z, type(state)(z, state.v, state.i)


def compares(self, state, x):
    return self.spike(state.v if state.v > 0 else state.i), state


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (compares, "recording its step failed: '>' not supported between instances of 'Symbol' and 'int'"),
        (unequal_drives, "it does not simply add its input drive and its recurrent drive"),
        (other_function, "it uses torch.tanh"),
        (two_spikes, "its output is not one spike, kept as the first field of its state"),
        (other_product, "it multiplies something other than its input or its last spikes by a matrix"),
        (no_recurrence, "it uses its input or its last spikes other than by one matrix each"),
    ],
)
def test_it_says_which_step_it_cannot_record(step, reason):
    with pytest.raises(NotElementwise) as caught:
        record(changed(step))
    assert str(caught.value) == reason


def test_symbols_refuse_what_has_no_node():
    graph = Graph()
    symbol = Symbol(graph, graph.add("state", 0))
    for action, reason in [
        (lambda: symbol.exp(), "it uses .exp"),
        (lambda: symbol.pow(3), "it raises to the power 3"),
        (lambda: symbol * torch.ones(2, 2), "it combines its state with a Tensor that is no number and no [H] tensor"),
    ]:
        with pytest.raises(NotElementwise) as caught:
            action()
        assert str(caught.value) == reason


def test_numba_loads_only_when_it_is_used():
    code = (
        "import sys\n"
        "from neurorec.engines.engine import choose_engine\n"
        "from tests.nets import network\n"
        "import neurorec.engines\n"
        "assert choose_engine('auto', network('lif').cell).title == 'fused'\n"
        "print(sorted({'numba', 'llvmlite'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_compiled_code_is_kept_where_it_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache.cache_folder().parent == tmp_path / "cache" / "neurorec"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    assert cache.cache_folder().parent.parent == tmp_path / "temporary"
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="set XDG_CACHE_HOME to one that can"):
        cache.cache_folder()


def test_loading_leaves_numba_as_it_was():
    import numba

    before = numba.config.CACHE_DIR
    cache.load_loops.cache_clear()
    assert isinstance(cache.load_loops().forward_rows, SimpleNamespace | object)
    assert before == numba.config.CACHE_DIR
