"""Memory capacity of a reservoir: how much of its past input a linear readout recovers from its present state."""

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card, check_card
from neurorec.basics.least_squares import solve_ridge
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.numbers import CountOrZero, Penalty, Repeats
from neurorec.basics.seeds import torch_generator
from neurorec.models.cell import cells

HALF = 0.5


class MemoryCapacityCard(Card):
    size: Annotated[int, Field(ge=2, le=5_000)]
    cell: dict[str, Any]  #: its name and keys, without its size
    washout: CountOrZero
    steps: Repeats  #: on which readouts are fitted, and again on which they are tested
    lags_per_unit: Annotated[float, Field(gt=0, le=100)]
    penalty: Penalty


class Remembered(NamedTuple):
    capacity: float
    by_lag: Tensor  #: [lags] squared correlation of readout and past input, from lag 1


@analyses.register("memory_capacity")
class MemoryCapacity(Analysis):
    """The input is independent and uniform in [-1, 1]. One readout per lag k >= 1 is fitted by ridge regression to return the
    input of k steps ago; the capacity is the sum over lags of the squared correlation on later data (Jaeger 2001).

    It cannot exceed the number of units, apart from chance correlations of about one per `steps` for every lag. For a linear
    cycle of N units with weight r it is N - (1 - r^2N) (Rodan and Tino 2011).
    """

    about = "Memory capacity of a reservoir: the sum over lags of how well a linear readout recovers past inputs"
    sources = ("jaeger2001", "rodan2011", "white2004")
    Settings = MemoryCapacityCard
    example = {  # noqa: RUF012
        "size": 10, "cell": {"name": "cycle_reservoir", "activation": "linear", "weight": 0.9, "leak": 1.0,
        "input_scale": 0.5, "bias_scale": 0.0}, "washout": 50, "steps": 300, "lags_per_unit": 2.0, "penalty": 1e-12,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "memory capacity": Value("sum over lags of the squared correlation", "steps", higher_is_better=True),
        "capacity above the number of units": Value(
            "positive values are not allowed by theory", "steps", higher_is_better=False
        ),
        "lags half remembered": Value("lags before the first with a squared correlation below 0.5", "steps", True),
    }

    @classmethod
    def settings(cls, given: Any, where: str = "settings") -> MemoryCapacityCard:
        found = super().settings(given, where)
        _cell_card(found, where)
        return found

    def run(self, settings: MemoryCapacityCard, seed: int) -> Found:
        remembered = remembers(settings, seed)
        by_lag, N = remembered.by_lag, settings.size
        forgotten = (by_lag < HALF).nonzero()
        values = {
            "memory capacity": remembered.capacity,
            "capacity above the number of units": remembered.capacity - N,
            "lags half remembered": float(forgotten[0]) if len(forgotten) else float(len(by_lag)),
        }
        title = cells[settings.cell["name"]].title
        figure = Curves(
            f"What {N} units remember: {title}", f"The area under the curve is the memory capacity, {remembered.capacity:.1f}.",
            "lag (steps)", "squared correlation", {title: series(range(1, len(by_lag) + 1), by_lag)}, share=True,
        )  # fmt: skip
        return Found(values, (figure,), {"memory capacity": ("readout of the present input alone", 0.0)})


def remembers(settings: MemoryCapacityCard, seed: int) -> Remembered:
    """The capacity of one reservoir drawn with `seed`, in double precision."""
    N, lags = settings.size, max(1, round(settings.lags_per_unit * settings.size))
    total = settings.washout + lags + 2 * settings.steps
    refuse_memory(8 * total * (N + 2 * lags), f"a memory capacity over {total:,} steps", "use fewer steps or lags")
    generator = torch_generator(seed, "memory capacity")
    cell = cells[settings.cell["name"]](_cell_card(settings, "settings"), 1)
    cell.reset_parameters(generator)
    cell.double()
    inputs = 2 * torch.rand(total, 1, 1, generator=generator, dtype=torch.float64) - 1
    start = settings.washout + lags
    with torch.no_grad():
        states = cell(inputs)[0][start:, 0]
    features = torch.cat([states, states.new_ones(len(states), 1)], 1)
    past = inputs[:, 0, 0].unfold(0, lags + 1, 1)[settings.washout :, :lags].flip(1)  # column k - 1: lag k
    fitted, later = slice(0, settings.steps), slice(settings.steps, None)
    weights = solve_ridge(features[fitted], past[fitted], settings.penalty)
    by_lag = squared_correlation(features[later] @ weights.T, past[later])
    return Remembered(float(by_lag.sum()), by_lag)


def squared_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Of the columns of [T, K] and [T, K]: [K]; 0 for a constant column."""
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0).square() / (a.square().sum(0) * b.square().sum(0)).clamp_min(1e-300)


def _cell_card(settings: MemoryCapacityCard, where: str) -> Any:
    kind = cells[settings.cell.get("name", "")]
    return check_card({**settings.cell, "size": settings.size}, kind.Card, f"{where}: cell")
