"""How far gradients reach back: the norm of a backpropagated error against the number of steps."""

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.whole_state import tensors_of
from neurorec.basics.cards import Card
from neurorec.basics.seeds import torch_generator
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask

SMALLEST = 1e-300  #: a gradient that is exactly zero would have no logarithm


class GradientFlowSettings(Card):
    samples: Annotated[int, Field(ge=1, le=10_000)]
    most_steps: Annotated[int, Field(ge=2, le=10_000)]  #: of the end of each sample; earlier ones are left out


@analyses.register("gradient_flow")
class GradientFlow(RunAnalysis):
    """g_k = |d(u . y_T) / d s_{T-k}|: an error of unit size at the last output y_T, in a random direction u, backpropagated to
    the state s that the hidden layers carried from step T-k to the next. Geometric mean over test samples. In networks that
    spike, the derivative of a spike is the surrogate that the training used."""

    about = "Norm of the backpropagated error against the number of steps: vanishing or exploding gradients, measured"
    sources = ("bengio1994",)
    Settings = GradientFlowSettings
    example = {"samples": 4, "most_steps": 20}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "growth per step": Value("factor by which the norm changes per step: slope of its logarithm over all lags"),
        "share at the longest lag": Value("norm at the longest lag, relative to that at lag 1"),
        "longest lag": Value("number of steps between the error and the earliest state", "steps"),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        reason = super().why_not(network, task)
        if reason is not None:
            return reason
        kinds = (layer for layer in network.hidden.values() if isinstance(layer, Cell))
        return next(
            (f"{cell.title} has neither a derivative nor a surrogate" for cell in kinds if not cell.differentiable),
            None,
        )

    def run(self, network: Network, task: EncodedTask, settings: GradientFlowSettings, seed: int) -> Found:
        batch = task.split("test")
        batch = ending(batch.take(torch.arange(min(settings.samples, batch.size))), settings.most_steps)
        norms = gradient_norms(network.double(), batch.x.double(), torch_generator(seed, "gradient flow"))
        logs = norms.clamp_min(SMALLEST).log().mean(1)
        lags = torch.arange(1, len(logs) + 1, dtype=torch.float64)
        centred = lags - lags.mean()
        slope = float((centred * logs).sum() / (centred**2).sum())
        longest, share = len(logs), math.exp(float(logs[-1] - logs[0]))
        figure = Curves(
            "Gradient norm against lag",
            f"{math.exp(slope):.4f} per step on average; at lag {longest}, {share:.2g} of it is left.",
            "lag (steps)", "norm relative to lag 1",
            {network.title: series(lags, (logs - logs[0]).exp())}, log_y=True, level=1.0,
        )  # fmt: skip
        values = {"growth per step": math.exp(slope), "share at the longest lag": share, "longest lag": float(longest)}
        return Found(values, (figure,))


def ending(batch: Batch, most_steps: int) -> Batch:
    """The last steps of each sample, as many as the shortest has."""
    T, B, _ = batch.x.shape
    ends = torch.full((B,), T) if batch.lengths is None else batch.lengths
    steps = int(min(most_steps, int(ends.min())))
    rows = ends - steps + torch.arange(steps)[:, None]  # [steps, B]
    return Batch(batch.x[rows, torch.arange(B)], None, torch.ones(steps, dtype=torch.bool))


def gradient_norms(network: Network, x: Tensor, generator: torch.Generator) -> Tensor:
    """[T, B]: the norm at lags 1 to T, from x [T, B, I]; the last is that of the initial state."""
    state, states, y = network.initial_state(x.shape[1]), [], x
    for x_t in x:
        state = _apart(state)
        states.append(state)
        y, state = network.step(state, x_t)
    direction = torch.nn.functional.normalize(torch.randn(y.shape, generator=generator, dtype=y.dtype), dim=1)
    hidden = [NetworkState({name: each.layers[name] for name in network.hidden}, each.delayed) for each in states]
    parts = [list(tensors_of(each)) for each in hidden]
    flat = [tensor for each in parts for tensor in each]
    found = iter(torch.autograd.grad((y * direction).sum(), flat, allow_unused=True))
    norms = []
    for each in parts:
        gradients = [gradient for _ in each if (gradient := next(found)) is not None]
        norms.append(torch.cat(gradients, 1).norm(dim=1) if gradients else y.new_zeros(y.shape[0]))
    return torch.stack(norms[::-1])


def _apart(state: NetworkState) -> NetworkState:
    """The same state in tensors of its own, so that their gradient is that of what is carried, not of what was sent."""

    def copy(tensor: Tensor) -> Tensor:
        return tensor.clone() if tensor.requires_grad else tensor.clone().requires_grad_()

    layers: dict[str, Any] = {name: type(layer)(*map(copy, layer)) for name, layer in state.layers.items()}
    return NetworkState(layers, {wire: copy(sent) for wire, sent in state.delayed.items()})
