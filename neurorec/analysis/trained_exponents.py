"""Lyapunov exponents of a trained rate network while it works on its task."""

from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.exponents import exponents
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.whole_state import flat_step, jacobians, spikes_why_not
from neurorec.basics.cards import Card
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask


class TrainedExponentsSettings(Card):
    steps: Annotated[int, Field(ge=1, le=10**6)]
    before: Annotated[int, Field(ge=0, le=10**6)]  #: steps that are not measured


@analyses.register("trained_exponents")
class TrainedExponents(RunAnalysis):
    """All exponents along test samples, which follow each other without a reset of the state. A network that is driven by its
    input forgets where it started if the largest exponent is negative (echo states); tangents cover all layers."""

    about = "Lyapunov exponents of a trained rate network driven by the samples of its task"
    sources = ("benettin1980", "engelken2023")
    Settings = TrainedExponentsSettings
    example = {"steps": 50, "before": 10}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "largest exponent": Value("growth rate of small perturbations", "1/step"),
        "memory": Value(
            "steps until a small perturbation has shrunk by e: -1 / largest exponent; none if it grows", "steps"
        ),
        "expanding directions": Value("number of positive exponents"),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        return super().why_not(network, task) or spikes_why_not(network)

    def run(self, network: Network, task: EncodedTask, settings: TrainedExponentsSettings, seed: int) -> Found:
        network = network.double().requires_grad_(False)
        step, start = flat_step(network)
        inputs = task.split("test").x.double().transpose(0, 1).flatten(0, 1)  # one sample after the other
        at = iter(range(settings.before + settings.steps))

        def carry(state: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
            x = inputs[next(at) % len(inputs)][None]
            return step(state[None], x)[0], jacobians(step, state[None], x)[0] @ Q

        first = start(1)[0]
        found = exponents(
            carry, first, len(first), settings.steps, before=settings.before, every=1, dt=1.0,
            generator=torch_generator(seed, "trained exponents"),
        )  # fmt: skip
        largest = found.values[0]
        figure = Curves(
            "Lyapunov spectrum", f"The largest of {len(first)} exponents is {largest:.4f} per step.", "index",
            "exponent (1/step)", {network.title: series(range(1, len(first) + 1), found.values)}, level=0.0,
        )  # fmt: skip
        values = {
            "largest exponent": largest, "memory": -1 / largest if largest < 0 else float("nan"),
            "expanding directions": float(sum(value > 0 for value in found.values)),
        }  # fmt: skip
        return Found(values, (figure,))
