"""Counts of other tools for the same networks: `python -m benchmarks.count_peers` writes docs/count_peers.md.

Peers are optional (neurobench, syops); those not installed are omitted. Counts are per sample, for comparison by eye;
tests/hardware/workload/test_peers.py compares them exactly.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.network import Network

PAGE = Path(__file__).resolve().parents[1] / "docs" / "count_peers.md"
HEAD = """# Our counts compared with those of other tools

Made by `python -m benchmarks.count_peers`; do not edit. Multiply-accumulates or accumulates per sample: {shape}; {versions}.
`tests/hardware/workload/test_peers.py` has the exact comparisons: forward and backward products of Elman, LSTM, LIF and their
readout equal torch's; accumulates of spiking networks, dense or sparse, equal NeuroBench's effective ones.

| network | ours | torch, operations / 2 | NeuroBench: dense; effective | syops: all; AC; MAC |
|---|---|---|---|---|
"""
WHY = """
Differences:

* **torch** counts only matrix products, including those with zeros: it ignores spikes and missing synapses. The fused `nn.LSTM`
  on a CPU is a single call that it does not know and does not count.
* **NeuroBench** raises an error for `nn.RNN` and `nn.LSTM`, and counts nothing in a module whose weights are not in layers
  that it knows. Unrolled into cells its counts are right, with two differences for an LSTM: the three products of the gates
  are multiply-accumulates (here: elementwise), and a zero state is omitted from its dense count. Whether an operation is an
  accumulate is inferred from the input's values, so an LSTM with one-hot input has "accumulates".
* **syops** includes recurrent layers only in its total, together with biases and gates, counts nothing in modules it does not
  know, and counts synapses that do not exist (liquid state).
"""


class Unrolled(nn.Module):
    """A torch recurrent cell in a loop, from zeros, with a linear readout."""

    def __init__(self, cell: nn.RNNCellBase, outputs: int) -> None:
        super().__init__()
        self.cell, self.out = cell, nn.Linear(cell.hidden_size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        zeros = x.new_zeros(x.shape[1], self.cell.hidden_size)
        state = (zeros, zeros) if isinstance(self.cell, nn.LSTMCell) else zeros
        outputs = []
        for x_t in x:
            state = self.cell(x_t, state)
            outputs.append(self.out(state[0] if isinstance(state, tuple) else state))
        return torch.stack(outputs)


class Whole(nn.Module):
    """A torch recurrent layer and a linear readout."""

    def __init__(self, layer: nn.RNNBase, outputs: int) -> None:
        super().__init__()
        self.layer, self.out = layer, nn.Linear(layer.hidden_size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(x)[0])


class Replayed(nn.Module):
    """The matrix products of `network` as `nn.Linear` layers, driven by the hidden outputs [T, B, H] that it gave."""

    def __init__(self, network: Network, hidden: Tensor) -> None:
        super().__init__()
        weights = (network["hidden"].w_in, network["hidden"].w_rec, network["readout"].weight)
        self.into, self.back, self.out = (nn.Linear(w.shape[1], w.shape[0], bias=False) for w in weights)
        for layer, weight in zip((self.into, self.back, self.out), weights, strict=True):
            layer.weight.data = weight.detach().clone()
        self.hidden = hidden

    def forward(self, x: Tensor) -> Tensor:
        before, outputs = torch.zeros_like(self.hidden[0]), []
        for x_t, now in zip(x, self.hidden, strict=True):
            self.into(x_t)
            self.back(before)
            outputs.append(self.out(now))
            before = now
        return torch.stack(outputs)


def torch_macs(module: nn.Module, x: Tensor) -> tuple[int, int]:
    """Multiply-accumulates forward and backward, as torch's own counter sees them."""
    with FlopCounterMode(display=False) as forward:
        y = module(x)
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    return forward.get_total_flops() // 2, backward.get_total_flops() // 2


def neurobench_counts(module: nn.Module, x: Tensor) -> dict[str, float]:
    """Dense, Effective_MACs, Effective_ACs of one sample."""
    from neurobench.metrics.workload import SynapticOperations
    from neurobench.models import TorchModel

    model, metric = TorchModel(module), SynapticOperations()
    model.register_hooks()
    try:
        with torch.no_grad():
            found = metric(model, model(x), (torch.zeros(x.shape[1]),))
    finally:
        model.cleanup_hooks()
    return found


def syops_counts(module: nn.Module, x: Tensor) -> list[float]:
    """All, AC and MAC of one sample."""
    from syops import get_model_complexity_info

    class Positional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    found = get_model_complexity_info(
        Positional(), (1,), input_constructor=lambda _: {"x": x}, print_per_layer_stat=False, as_strings=False,
        ost=io.StringIO(),
    )  # fmt: skip
    return [float(n) / x.shape[1] for n in found[0][:3]]


def said(count: Callable[[], str]) -> str:
    try:
        return count()
    except ModuleNotFoundError:
        return "–"
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"


def versions() -> str:
    found = [f"torch {torch.__version__}"]
    for name in ("neurobench", "syops"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


def row(name: str, ours: str, module: nn.Module, x: Tensor) -> str:
    B = x.shape[1]

    def neurobench() -> str:
        found = neurobench_counts(module, x)
        return f"{found['Dense']:,.10g}; {found['Effective_MACs']:,.10g} MAC, {found['Effective_ACs']:,.10g} AC"

    cells = (
        said(lambda: f"{torch_macs(module, x)[0] / B:,.10g}"),
        said(neurobench),
        said(lambda: "; ".join(f"{n:,.10g}" for n in syops_counts(module, x))),
    )
    return " | ".join(["| " + name, ours, *cells]) + " |"


def main() -> int:
    from tests.hardware.nets import make_net, run

    T, B, I, H, O = 10, 4, 20, 30, 5  # noqa: E741
    rows = []

    def ours(cell: str, signal: str = "values"):
        network = make_net(cell, inputs=I, size=H, outputs=O, signal=signal)  # type: ignore[arg-type]
        activity, x, hidden = run(network, steps=T, samples=B)
        total = count_work(trained_work(network, activity)).total
        events = f", {total.synaptic_events / B:,.10g} AC" if total.synaptic_events else ""
        return network, x, hidden, f"{total.macs / B:,.10g} MAC{events}"

    for name, whole, cell in (("elman", nn.RNN, nn.RNNCell), ("lstm", nn.LSTM, nn.LSTMCell)):
        network, x, _, count = ours(name)
        rows.append(row(f"{network.title} as `nn.{whole.__name__}`", count, Whole(whole(I, H), O), x))
        rows.append(row(f"{network.title} as `nn.{cell.__name__}` in a loop", count, Unrolled(cell(I, H), O), x))
        rows.append(row(f"{network.title} , our implementation", count, network, x))
    one_hot = nn.functional.one_hot(torch.arange(T * B).reshape(T, B) % I, I).float()
    rows.append(row("LSTM as `nn.LSTMCell`, one-hot input", ours("lstm")[3], Unrolled(nn.LSTMCell(I, H), O), one_hot))
    for name in ("lif", "adaptive_lif", "liquid_state"):
        network, x, hidden, count = ours(name, "spikes")
        title = network.title
        rows.append(row(f"{title}, its products as `nn.Linear`", count, Replayed(network, hidden), x))
        rows.append(row(f"{title} , our implementation", count, network, x))
    shape = f"T={T}, I={I}, H={H}, O={O}"
    PAGE.write_text(HEAD.format(shape=shape, versions=versions()) + "\n".join(rows) + "\n" + WHY, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
