"""A reservoir that predicts the next value of a chaotic series runs on its own output: how long it stays close."""

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.chaotic_systems import systems
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card, check_card
from neurorec.basics.least_squares import solve_ridge_by_qr
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.numbers import CountOrZero, PositiveGain, Repeats, at_least
from neurorec.basics.seeds import numpy_generator, torch_generator
from neurorec.models.cell import Cell, cells

TinyPenalty = Annotated[float, Field(gt=0, le=1e12), at_least(1e-24)]  #: series without noise need hardly any
SHOWN = 1000  #: steps in the figure


class FreeRunningSeriesCard(Card):
    system: str
    size: Annotated[int, Field(ge=2, le=5_000)]
    cell: dict[str, Any]  #: its name and keys, without its size
    washout: CountOrZero
    steps: Repeats  #: on which the readout is fitted, after the washout
    penalty: TinyPenalty
    starts: Annotated[int, Field(ge=1, le=10_000)]  #: free runs
    spacing: Repeats  #: steps between the starts of free runs
    horizon: Repeats  #: steps after which the error is taken
    longest: Repeats  #: steps of a free run
    tolerance: PositiveGain  #: error, in standard deviations of the series, up to which a prediction is valid


class Forecast(NamedTuple):
    """True and predicted values [longest, starts, D], standardised; and the values at which the runs started."""

    true: Tensor
    predicted: Tensor
    last: Tensor  #: [starts, D]


@analyses.register("free_running_series")
class FreeRunningSeries(Analysis):
    """The readout is fitted by ridge regression while the series itself drives the reservoir (teacher forcing). Then the output
    becomes the next input, from states that the true series has led to. All in double precision.

    The error is the root mean square over runs, divided by the standard deviation of the series. A run is valid up to the first
    step at which the length of its error exceeds `tolerance` standard deviations; the median over runs is given.
    """

    about = "How long a reservoir that runs on its own output stays close to a chaotic series"
    sources = ("jaeger2001", "jaeger2004")
    Settings = FreeRunningSeriesCard
    example = {  # noqa: RUF012
        "system": "mackey_glass_17", "size": 20, "cell": {"name": "echo_state", "spectral_radius": 0.8, "density": 0.5,
        "leak": 0.5, "input_scale": 0.5, "bias_scale": 0.2}, "washout": 50, "steps": 200, "penalty": 1e-10, "starts": 5,
        "spacing": 20, "horizon": 10, "longest": 30, "tolerance": 0.4,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "error at the horizon": Value(
            "root mean squared error of free runs, in standard deviations of the series", "", False
        ),
        "valid time": Value("for which a prediction is valid, median over free runs", "Lyapunov times", True),
        "valid steps": Value("for which a prediction is valid, median over free runs", "steps", True),
    }

    @classmethod
    def settings(cls, given: Any, where: str = "settings") -> FreeRunningSeriesCard:
        found = super().settings(given, where)
        systems[found.system]
        _cell_card(found, where)
        return found

    def run(self, settings: FreeRunningSeriesCard, seed: int) -> Found:
        system = systems[settings.system]
        runs = forecast(settings, seed)
        constant = runs.last.expand(runs.true.shape)
        (error, steps), (worse, fewer) = (_measured(y, runs, settings) for y in (runs.predicted, constant))
        values = {
            "error at the horizon": error,
            "valid time": steps * system.exponent,
            "valid steps": steps,
        }
        shown = slice(0, min(SHOWN, settings.longest))
        lines = {"true": runs.true, "predicted": runs.predicted}
        figure = Curves(
            f"{system.title}: the first free run of {settings.size} units",
            f"Half of {settings.starts} runs stay within {settings.tolerance:g} standard deviations for {steps:g} steps.",
            "steps since the last true input", "standard deviations from the mean",
            {name: series(range(1, 1 + len(y[shown])), y[shown, 0, 0].clamp(-5, 5)) for name, y in lines.items()},
        )  # fmt: skip
        of_constant = {"error at the horizon": worse, "valid time": fewer * system.exponent, "valid steps": fewer}
        return Found(values, (figure,), {name: ("persistence", value) for name, value in of_constant.items()})


def _measured(y: Tensor, runs: Forecast, settings: FreeRunningSeriesCard) -> tuple[float, float]:
    """Error at the horizon and median valid steps of predictions y."""
    apart = (y - runs.true).square().sum(2) / y.shape[2]  # [longest, starts]; variances are 1
    over = ~(apart.sqrt() <= settings.tolerance)  # also where a run diverged
    valid = torch.where(over.any(0), over.double().argmax(0), len(over))
    return float(apart[settings.horizon - 1].mean().sqrt()), float(valid.double().quantile(0.5))


@torch.no_grad()
def forecast(settings: FreeRunningSeriesCard, seed: int) -> Forecast:
    """Free runs of a reservoir drawn with `seed`, on a series drawn with `seed`."""
    fitted, tested = settings.washout + settings.steps, settings.starts * settings.spacing
    total = fitted + tested + settings.longest + 1
    refuse_memory(
        8 * total * (2 * settings.size + 8), f"a forecast over {total:,} steps", "use fewer steps, starts or units"
    )
    values = torch.from_numpy(systems[settings.system].generate(total, numpy_generator(seed, settings.system)))
    values = (values - values[:fitted].mean(0)) / values[:fitted].std(0, correction=0)
    cell = _drawn_cell(settings, values.shape[1], seed)
    states, _ = cell(values[: fitted + tested, None])
    features = _with_one(states[:, 0])
    learned = slice(settings.washout, fitted)
    weights = solve_ridge_by_qr(features[learned], values[1:][learned], settings.penalty)
    at = fitted - 1 + settings.spacing * torch.arange(1, settings.starts + 1)  # the last true input of each run
    state, y, predicted = type(cell.initial_state(1))(states[at, 0]), features[at] @ weights.T, []
    for _ in range(settings.longest):
        predicted.append(y)
        output, state = cell.step(state, y)
        y = _with_one(output) @ weights.T
    true = values[at[None, :] + torch.arange(1, settings.longest + 1)[:, None]]
    return Forecast(true, torch.stack(predicted), values[at])


def _drawn_cell(settings: FreeRunningSeriesCard, inputs: int, seed: int) -> Cell:
    cell = cells[settings.cell["name"]](_cell_card(settings, "settings"), inputs)
    cell.reset_parameters(torch_generator(seed, "free-running series"))
    return cell.double()


def _with_one(states: Tensor) -> Tensor:
    return torch.cat([states, states.new_ones(len(states), 1)], 1)


def _cell_card(settings: Any, where: str) -> Any:
    kind = cells[settings.cell.get("name", "")]
    return check_card({**settings.cell, "size": settings.size}, kind.Card, f"{where}: cell")
