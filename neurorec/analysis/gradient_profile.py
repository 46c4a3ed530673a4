"""How far gradients reach down: the norm of the error in each layer of a deep network, before and after training."""

import copy
import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.seeds import torch_generator
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.starts import given_start
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.objective import Objective

SMALLEST = 1e-300  #: a gradient that is exactly zero would have no logarithm


class GradientProfileSettings(Card):
    samples: Annotated[int, Field(ge=1, le=10_000)]


@analyses.register("gradient_profile")
class GradientProfile(RunAnalysis):
    """|dL/dh_l|, L the loss on training samples and h_l the outputs of hidden layer l over all steps, in the order in which the
    layers run. The network before training is the same one with its initial weights, drawn again."""

    about = "Norm of the error in each layer of a deep network, before and after training"
    sources = ("bengio1994", "he2016")
    Settings = GradientProfileSettings
    example = {"samples": 4}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "first over last layer, untrained": Value("norm of the error in the first hidden layer relative to the last"),
        "first over last layer, trained": Value("norm of the error in the first hidden layer relative to the last"),
        "hidden layers": Value("number of hidden layers", "layers"),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        reason = super().why_not(network, task)
        if reason is None and any(len(component) > 1 for component in network.components):
            return "some of its layers feed back into each other, so they have no order"
        if reason is None and not all(
            isinstance(each, Cell) and each.differentiable for each in network.hidden.values()
        ):
            return "some of its layers have neither a derivative nor a surrogate"
        return reason

    def run(self, network: Network, task: EncodedTask, settings: GradientProfileSettings, seed: int) -> Found:
        batch = task.split("train")
        batch = batch.take(torch.arange(min(settings.samples, batch.size)))
        untrained = copy.deepcopy(network)
        untrained.reset_parameters(torch_generator(seed, "weights"))
        norms = {
            name: layer_errors(each, batch, task.objective)
            for name, each in (("untrained", untrained), ("trained", network))
        }
        shares = {name: float((each[0] / each[-1]).clamp_min(SMALLEST)) for name, each in norms.items()}
        layers = range(1, len(norms["trained"]) + 1)
        figure = Curves(
            "Norm of the error by layer",
            f"In the first hidden layer, |dL/dh| is {shares['untrained']:.2g} times that in the last before training, "
            f"and {shares['trained']:.2g} times after it.",
            "hidden layer, counted from the input", "norm relative to the last layer",
            {name: series(layers, (each / each[-1]).clamp_min(SMALLEST)) for name, each in norms.items()},
            log_y=True, level=1.0,
        )  # fmt: skip
        values = {f"first over last layer, {name}": share for name, share in shares.items()}
        return Found({**values, "hidden layers": float(len(layers))}, (figure,))


def layer_errors(network: Network, batch: Batch, objective: Objective) -> Tensor:
    """[L] norm of dL/dh of each hidden layer, in double precision."""
    network = network.double().requires_grad_(True)
    start = given_start(network, None if batch.start is None else batch.start.double())
    sent, _ = network.run(batch.x.double(), start, batch.lengths)
    loss = objective.loss(objective.answers(sent[network.output], batch), batch)
    names = [name for (name,) in network.components if name in network.hidden]
    found = torch.autograd.grad(loss, [sent[name] for name in names], allow_unused=True)
    errors = [math.nan if each is None else float(each.norm()) for each in found]
    return torch.tensor(errors, dtype=torch.float64)
