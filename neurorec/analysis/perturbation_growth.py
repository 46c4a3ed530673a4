"""What becomes of a small perturbation of a trained network: of one spike more or less, or of a small kick."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.gradient_flow import ending
from neurorec.basics.cards import Card
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.tasks.encoded_task import EncodedTask

KICK = 1e-6  #: length of the kick of a state of values
SPIKES = "z"  #: name of the spikes of the last step in a cell's state


class PerturbationSettings(Card):
    samples: Annotated[int, Field(ge=1, le=10_000)]
    steps: Annotated[int, Field(ge=2, le=10_000)]  #: that are followed; the perturbation comes before them
    before: Annotated[int, Field(ge=1, le=10_000)]


@analyses.register("perturbation_growth")
class PerturbationGrowth(RunAnalysis):
    """Two copies of the network receive the same test sample; in one, the state of the first hidden layer is perturbed. If it
    spikes, the last spike of one neuron is flipped, and the distance is the number of neurons that differ in a step. This is
    defined for finite perturbations, also where resets leave no derivative. Otherwise, the state is kicked by 1e-6, and the
    distance is that of the outputs of the hidden layers, relative to the kick."""

    about = "Growth of a small perturbation of a trained network: one spike more or less, or a small kick"
    sources = ()
    Settings = PerturbationSettings
    example = {"samples": 4, "steps": 5, "before": 3}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "largest distance": Value("mean over samples, at its maximum over time; the perturbation has the distance 1"),
        "distance at the end": Value("mean over samples after the last step"),
        "share forgotten": Value("share of samples whose copies are closer at the end than one part in a million"),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        reason = super().why_not(network, task)
        if reason is not None:
            return reason
        spiking = [layer for layer in network.hidden.values() if layer.output_signal == "spikes"]
        blind = [layer.title for layer in spiking if SPIKES not in type(layer.initial_state(1))._fields]
        return f'the state of {blind[0]} has no field "{SPIKES}" for the last spikes' if blind else None

    def run(self, network: Network, task: EncodedTask, settings: PerturbationSettings, seed: int) -> Found:
        network = network.double().requires_grad_(False)
        batch = task.split("test")
        batch = ending(batch.take(torch.arange(min(settings.samples, batch.size))), settings.before + settings.steps)
        x = batch.x.double()
        before = min(settings.before, len(x) - 1)
        distances = distances_after(network, x, before, torch_generator(seed, "perturbation"))
        mean, end = distances.mean(1), distances[-1]
        figure = Curves(
            "Distance after a perturbation",
            f"It starts at 1, is at most {float(mean.max()):.3g}, and is {float(mean[-1]):.3g} after {len(mean)} steps.",
            "steps after the perturbation", "mean distance",
            {network.title: series(range(1, len(mean) + 1), mean)}, level=1.0,
        )  # fmt: skip
        values = {
            "largest distance": float(mean.max()), "distance at the end": float(mean[-1]),
            "share forgotten": float((end < 1e-6).double().mean()),
        }  # fmt: skip
        return Found(values, (figure,))


def distances_after(network: Network, x: Tensor, before: int, generator: torch.Generator) -> Tensor:
    """[T - before, B]: the distance of the two copies in each step after the perturbation."""
    B = x.shape[1]
    both = x.repeat(1, 2, 1)
    state = network.run(both[:before])[1]
    state = NetworkState({**state.layers, **_perturbed(network, state, B, generator)}, state.delayed)
    sent = network.run(both[before:], state)[0]
    found = x.new_zeros(len(x) - before, B)
    for name, layer in network.hidden.items():
        spiking = layer.output_signal == "spikes"
        apart = sent[name][:, B:] - sent[name][:, :B]
        found += apart.abs().sum(2) if spiking else (apart / KICK).square().sum(2).sqrt()
    return found


def _perturbed(network: Network, state: NetworkState, B: int, generator: torch.Generator) -> dict[str, Any]:
    """The first hidden layer's state, with the second half of the samples perturbed."""
    name, layer = next(iter(network.hidden.items()))
    own = state.layers[name]
    if layer.output_signal == "spikes":
        which = torch.randint(layer.size, (B,), generator=generator)
        z = getattr(own, SPIKES).clone()
        z[B + torch.arange(B), which] = 1 - z[B + torch.arange(B), which]
        return {name: own._replace(**{SPIKES: z})}
    kicks = torch.cat([torch.randn(part[:B].shape, generator=generator, dtype=part.dtype) for part in own], 1)
    parts = iter((KICK * torch.nn.functional.normalize(kicks, dim=1)).split([part.shape[1] for part in own], 1))
    return {name: type(own)(*(torch.cat([part[:B], part[B:] + next(parts)]) for part in own))}
