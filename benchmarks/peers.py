"""Recurrent LIF layers of other libraries at the same size and activity, each as a function from input to spikes."""

import importlib.util
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from neurorec.models.cells.lif import LIF

Forward = Callable[[Tensor], Tensor]


def peers(cell: LIF) -> dict[str, tuple[nn.Module, Forward]]:
    """Those that are installed. Norse has the same equations, and gets the same weights; the others come near."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, module, build in (
            ("norse", "norse", _norse),
            ("snntorch", "snntorch", _snntorch),
            ("spikingjelly", "spikingjelly", _spikingjelly),
        ):
            if importlib.util.find_spec(module):
                found[name] = build(cell)
    return found | {"torch.nn.RNN": _rnn(cell)}


def _norse(cell: LIF) -> tuple[nn.Module, Forward]:
    import norse.torch as norse

    card = cell.card
    p = norse.LIFParameters(
        tau_mem_inv=torch.tensor(1 / card.tau_mem_ms), tau_syn_inv=torch.tensor(1 / card.tau_syn_ms),
        v_leak=torch.tensor(card.v_leak), v_th=torch.tensor(card.v_threshold), v_reset=torch.tensor(card.v_reset),
        method="super", alpha=torch.tensor(card.slope),
    )  # fmt: skip
    layer = norse.LIFRecurrent(cell.input_size, cell.size, p=p, dt=card.dt_ms, autapses=True)
    layer.input_weights.data.copy_(cell.w_in.data)
    layer.recurrent_weights.data.copy_(cell.w_rec.data)
    return layer, lambda x: layer(x)[0]


def _snntorch(cell: LIF) -> tuple[nn.Module, Forward]:
    import snntorch

    drive = nn.Linear(cell.input_size, cell.size, bias=False)
    drive.weight.data.copy_(cell.w_in.data)
    surrogate = snntorch.surrogate.fast_sigmoid(slope=cell.card.slope)
    neurons = snntorch.RLeaky(
        beta=1 - cell.tau_mem.rate, linear_features=cell.size, spike_grad=surrogate, reset_mechanism="zero"
    )

    def forward(x: Tensor) -> Tensor:
        spikes, mem = neurons.init_rleaky()
        outputs = []
        for x_t in x:
            spikes, mem = neurons(cell.tau_mem.rate * 3.6 * drive(x_t), spikes, mem)
            outputs.append(spikes)
        return torch.stack(outputs)

    return nn.ModuleList([drive, neurons]), forward


def _spikingjelly(cell: LIF) -> tuple[nn.Module, Forward]:
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    neurons = neuron.LIFNode(
        tau=cell.card.tau_mem_ms, surrogate_function=surrogate.ATan(), detach_reset=True, decay_input=True
    )
    container = layer.LinearRecurrentContainer(neurons, cell.size, cell.size, bias=False)
    drive = nn.Linear(cell.input_size, cell.size, bias=False)
    drive.weight.data.copy_(cell.w_in.data * 6)
    net = nn.Sequential(drive, container)
    functional.set_step_mode(container, "m")

    def forward(x: Tensor) -> Tensor:
        functional.reset_net(net)
        return net(x)

    return net, forward


def _rnn(cell: LIF) -> tuple[nn.Module, Forward]:
    net = nn.RNN(cell.input_size, cell.size, bias=False)
    return net, lambda x: net(x)[0]
