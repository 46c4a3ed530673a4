"""Samples of a trained energy model as images, and how far they are from the patterns that it was trained on."""

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.mosaic import mosaic
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Repeats
from neurorec.basics.seeds import torch_generator
from neurorec.models.energy.sampling import SamplingModel
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.environment import Environment
from neurorec.tasks.task import Task

ROW, ROWS = 8, 6  #: of images
DISTANCE = "distance to the nearest training pattern"


class SamplesDrawnSettings(Card):
    chains: Annotated[int, Field(ge=1, le=1000)]  #: each gives one sample
    sweeps: Repeats  #: from random states


@analyses.register("samples_drawn")
class SamplesDrawn(RunAnalysis):
    """Chains start from random states, and their last states are shown. Energies show whether they have forgotten the start."""

    about = "Samples drawn from a trained energy model, and their distance to the training patterns"
    sources = ()
    through_time = False
    Settings = SamplesDrawnSettings
    example = {"chains": 12, "sweeps": 5}  # noqa: RUF012
    gives = {  # noqa: RUF012
        DISTANCE: Value("mean share of inputs that differ, for the samples", higher_is_better=False),
        "energy above the data": Value("mean energy of the samples minus that of chains that start from test patterns"),
    }

    def why_not(self, network: Any, task: Task) -> str | None:
        if isinstance(task, Environment):
            return "its samples are episodes"
        if not isinstance(network, SamplingModel):
            return f"{network.title} does not sample at a temperature"
        side = math.isqrt(network.visible)
        return (
            None
            if side * side == network.visible
            else f"its {network.visible} visible units do not form a square image"
        )

    @torch.no_grad()
    def run(self, network: Any, task: EncodedTask, settings: SamplesDrawnSettings, seed: int) -> Found:
        generator, V = torch_generator(seed, "samples_drawn"), network.visible
        low, high = network.levels()
        random = low + (high - low) * torch.randint(2, (settings.chains, network.size), generator=generator)
        train, test = (task.split(split).x[-1] for split in ("train", "test"))
        shown = network.start(test[torch.arange(settings.chains) % len(test)][None])
        drawn, energies = _chains(network, random, settings.sweeps, generator)
        _, wanted = _chains(network, shown, settings.sweeps, generator)
        sweeps = range(settings.sweeps + 1)
        curve = Curves(
            f"Energy along the chains ({network.title})", "Mean over chains, from random states and from test patterns.",
            "sweep", "energy", {"from random states": series(sweeps, energies), "from test patterns": series(sweeps, wanted)},
        )  # fmt: skip
        figures = (
            mosaic(f"Samples ({network.title})", f"Each after {settings.sweeps:,} sweeps from its own random state.",
                   drawn[: ROWS * ROW, :V], ROW),
            mosaic("Training patterns", "The first ones, for comparison.", train[: ROWS * ROW], ROW),
            curve,
        )  # fmt: skip
        values = {DISTANCE: _nearest(drawn[:, :V], train), "energy above the data": energies[-1] - wanted[-1]}
        return Found(values, figures, {DISTANCE: ("test patterns", _nearest(test, train))})


def _chains(
    network: SamplingModel, states: Tensor, sweeps: int, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    """The last states, and the mean energy before and after every sweep."""
    energies = [float(network.energy(states).mean())]
    for _ in range(sweeps):
        states = network.sweep(states, generator)
        energies.append(float(network.energy(states).mean()))
    return states, energies


def _nearest(patterns: Tensor, train: Tensor) -> float:
    """Mean share of inputs by which patterns [B, V] differ from the nearest of the training patterns [K, V]."""
    return float(torch.cdist(patterns.double(), train.double(), p=0).min(1).values.mean()) / patterns.shape[1]
