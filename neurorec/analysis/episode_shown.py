"""An episode of a trained network that acts: its world, and its activity."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import AnyFigure, Curves, Found, Picture, Raster
from neurorec.basics.cards import Card
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.models.running import sent_in_step
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.environment import Environment


class EpisodeShownSettings(Card):
    episodes: Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True)
class Played:
    """B episodes: what environment draws of each frame, in order; rewards and running frames [F, B]; by layer, what it sent in
    every step, [T, B, H]."""

    drawn: list[Mapping[str, Tensor]]
    rewards: Tensor
    running: Tensor
    sent: dict[str, Tensor]


@analyses.register("episode_shown")
class EpisodeShown(RunAnalysis):
    """Episodes of their own, neither trained on nor scored, with the best action in every frame; the one of median reward is
    drawn."""

    about = "An episode of a network that acts: its world, and its activity"
    sources = ()
    of_episodes = True
    Settings = EpisodeShownSettings
    example = {"episodes": 3}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "median reward": Value("total reward of the median episode, which is the one drawn", "", True),
        "lowest reward": Value("total reward of the worst episode", "", True),
    }

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: EpisodeShownSettings, seed: int) -> Found:
        world: Environment = task.frames  # type: ignore[assignment]
        seen = played(network, world, task.encoder, settings.episodes, torch_generator(seed, f"{world.name} shown"))
        rewards = seen.rewards.sum(0).tolist()
        median = statistics.median_low(rewards)
        shown = rewards.index(median)
        frames = int(seen.running[:, shown].sum())
        lines = {name: ([*map(float, range(frames))], [float(each[name][shown]) for each in seen.drawn[:frames]])
                 for name in seen.drawn[0]}  # fmt: skip
        about = f"The episode of median reward, {median:g}, of {settings.episodes}."
        figures: list[AnyFigure] = [Curves("An episode", about, "frame", "", lines, level=0.0)]
        steps = frames * task.encoder.steps_per_frame
        figures += [of_layer(network, name, sent[:steps, shown]) for name, sent in seen.sent.items()]
        return Found({"median reward": float(median), "lowest reward": float(min(rewards))}, tuple(figures))


def played(
    network: Network, world: Environment, encoder: Encoder, episodes: int, generator: torch.Generator
) -> Played:  # fmt: skip
    """Complete episodes under the network's best actions."""
    seen, state = world.reset(episodes, generator), network.initial_state(episodes)
    drawn, rewards, running = [], [], []
    sent: dict[str, list[Tensor]] = {name: [] for name in network.hidden}
    while seen.running.any():
        outputs = []
        for x in encoder.encode(seen.observation[None], generator):
            of_layers, state = sent_in_step(network, state, x)
            outputs.append(of_layers[network.output])
            for name, steps in sent.items():
                steps.append(of_layers[name])
        drawn.append(world.drawn(seen))
        running.append(seen.running)
        reward, seen = world.step(seen, torch.stack(outputs).mean(0).argmax(1))
        rewards.append(torch.where(running[-1], reward, 0.0))
    return Played(
        drawn, torch.stack(rewards), torch.stack(running), {name: torch.stack(steps) for name, steps in sent.items()}
    )  # fmt: skip


def of_layer(network: Network, name: str, sent: Tensor) -> AnyFigure:
    """What a layer sent in one episode, [T, H]: its spikes, or its values."""
    about = f"What the layer {name} ({network[name].title}) sent."
    if network[name].output_signal == "spikes":
        steps, neurons = sent.nonzero().T.tolist()
        dt_ms = getattr(network[name].card, "dt_ms", 1.0)
        return Raster("Spikes in this episode", about, [dt_ms * step for step in steps], neurons)
    return Picture("Activity in this episode", about, "frame", "unit", sent.T.tolist(), "output")
