"""The chaos game: states of affine contractions, coloured by the symbol that comes next."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, Points, series
from neurorec.basics.cards import Card
from neurorec.models.network import Network
from neurorec.models.reservoirs.contractions import Contractions
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.symbol_sequence import NextOfSequence
from neurorec.tasks.task import Task

ROUNDING = 1e-12  #: of distances in double precision, at most


class ChaosGameSettings(Card):
    states: Annotated[
        int, Field(ge=2, le=3000)
    ]  #: examined and drawn: the first ones that are scored in the test split


@analyses.register("chaos_game")
class ChaosGame(RunAnalysis):
    """The states after each symbol of the test split. Two states after the same last L symbols differ by at most ratio^L."""

    about = "States of affine contractions in the plane, coloured by the next symbol"
    sources = ("tino2001",)
    Settings = ChaosGameSettings
    example = {"states": 40}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "distance over bound": Value(
            "largest distance between two states, in any coordinate, relative to ratio^L, where L is the number of last "
            "symbols that they share", "", False,
        ),
        "same next symbol": Value("share of states whose nearest other state has the same next symbol", "", True),
    }  # fmt: skip

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        if reason is None and not isinstance(next(iter(network.layers.values())), Contractions):
            return "its first layer is not one of affine contractions"
        if reason is None and not isinstance(task.objective, NextOfSequence):
            return "the task is not to predict the next symbol of a sequence"
        return reason

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: ChaosGameSettings, seed: int) -> Found:
        objective: Any = task.objective
        batch, layer = task.split("test"), network[next(iter(network.layers))].double()
        scored = batch.frame_mask.T  # one window after another
        states = layer(batch.x.double())[0].transpose(0, 1)[scored][: settings.states]
        following = batch.answers.T[scored][: settings.states]
        pasts = last_symbols(batch.x.argmax(2))[scored][: settings.states]
        distance = (states[:, None] - states).abs().amax(2)
        bound = (layer.card.ratio ** common_suffix(pasts).double()).clamp_min(ROUNDING)
        near = distance + torch.eye(len(states)) * 2
        same = (following[near.argmin(1)] == following).double().mean()
        shares = following.bincount(minlength=task.outputs) / len(following)
        groups = {
            f"{symbol} next": series(*states[following == k, :2].T)
            for k, symbol in enumerate(objective.symbols)
            if bool((following == k).any())
        }
        figure = Points(
            f"Chaos game ({task.name})",
            f"Each of the {len(states)} points is the state after one symbol; symbols are at the corners. The nearest other "
            f"state has the same next symbol in {float(same):.0%} of cases.",
            "first coordinate", "second coordinate", groups, equal_axes=True,
        ) if states.shape[1] > 1 else None  # fmt: skip
        values = {"distance over bound": float((distance / bound).max()), "same next symbol": float(same)}
        chance = ("two states at random", float(shares.double().square().sum()))
        return Found(values, (figure,) if figure else (), {"same next symbol": chance})


def last_symbols(symbols: Tensor) -> Tensor:
    """[B, F, F]: for each place of sequences [F, B], the symbols up to it, the latest first; -1 before the first one."""
    F = len(symbols)
    at = torch.arange(F)[:, None] - torch.arange(F)
    return torch.where(at >= 0, symbols.T[:, at.clamp_min(0)], -1)


def common_suffix(pasts: Tensor) -> Tensor:
    """[N, N] number of latest symbols that two of the pasts [N, L] (the latest first) have in common, until one ends."""
    found = torch.zeros(len(pasts), len(pasts), dtype=torch.int64)
    alike = torch.ones_like(found, dtype=torch.bool)
    for symbols in pasts.T:
        alike &= (symbols[:, None] == symbols) & (symbols >= 0)[:, None]
        found += alike
    return found
