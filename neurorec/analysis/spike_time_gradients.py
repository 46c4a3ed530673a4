"""Gradients of spike times in continuous time, against finite differences, and on grids of steps, against those."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Distinct, Gain, PositiveGain, TimeMs
from neurorec.basics.seeds import numpy_generator, torch_generator
from neurorec.learning.exact_spike_times import ExactLayer, TimedSpike
from neurorec.learning.spike_adjoint import AdjointEngine
from neurorec.models.cells.lif import LIF, LIFCard

STEP = 1e-6  #: of a weight, for finite differences
MOST_SILENT = 20  #: layers in a row
GRID_MS = 0.25  #: input spikes lie on multiples of this, and so on every grid of steps that divides it


class SpikeTimeGradientsSettings(Card):
    networks: Annotated[int, Field(ge=1, le=1000)]  #: the results are medians over so many, or the worst
    neurons: Annotated[int, Field(ge=1, le=200)]
    inputs: Annotated[int, Field(ge=1, le=200)]
    input_spikes: Annotated[int, Field(ge=1, le=10_000)]
    end_ms: TimeMs
    tau_mem_ms: TimeMs
    tau_syn_ms: TimeMs
    tau_readout_ms: TimeMs
    input_gain: PositiveGain
    recurrent_gain: Gain
    entries: Annotated[int, Field(ge=1, le=1000)]  #: weights of each matrix that are varied for finite differences
    steps_per_grid: Annotated[Distinct[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=2)]
    """Steps per 0.25 ms, from the coarsest grid to the finest."""


@analyses.register("spike_time_gradients")
class SpikeTimeGradients(Analysis):
    """Random LIF layers; the loss is the mean potential of a leaky readout, a function of the spike times.

    Its gradient with respect to all weights is computed in continuous time (`learning/exact_spike_times.py`), by finite
    differences of simulations in continuous time, and on grids of steps (`learning/spike_adjoint.py`, as the rule `eventprop`).
    The error is the length of the difference of two gradients, relative to the gradient in continuous time.
    """

    about = "Gradients of spike times: the adjoint method against finite differences, and on a grid of steps as dt -> 0"
    sources = ("wunderlich2021",)
    Settings = SpikeTimeGradientsSettings
    example = {  # noqa: RUF012
        "networks": 2, "neurons": 4, "inputs": 3, "input_spikes": 10, "end_ms": 20.0, "tau_mem_ms": 8.0, "tau_syn_ms": 4.0,
        "tau_readout_ms": 5.0, "input_gain": 8.0, "recurrent_gain": 1.0, "entries": 3, "steps_per_grid": [4, 32],
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "finite differences": Value(
            "largest difference from the gradient in continuous time, relative to it", "", False
        ),
        "coarsest grid": Value("error of the gradient, median over networks", "", False),
        "finest grid": Value("error of the gradient, median over networks", "", False),
        "order": Value("power of dt with which the error falls, from the coarsest grid to the finest"),
    }

    def run(self, settings: SpikeTimeGradientsSettings, seed: int) -> Found:
        rng, generator = numpy_generator(seed, "spike times"), torch_generator(seed, "weights")
        differences, errors = [], []
        for _ in range(settings.networks):
            problem = _spiking_problem(settings, rng, generator)
            differences.append(problem.against_differences(rng))
            errors.append([problem.grid_error(GRID_MS / steps) for steps in settings.steps_per_grid])
        dts = [GRID_MS / steps for steps in settings.steps_per_grid]
        medians = np.median(np.array(errors), 0)
        order = float(np.log(medians[0] / medians[-1]) / np.log(dts[0] / dts[-1]))
        figure = Curves(
            "Gradients on a grid of steps",
            f"Their error falls from {medians[0]:.2g} to {medians[-1]:.2g}, as dt^{order:.2f}.",
            "dt (ms)", "relative error of the gradient",
            {"median": series(dts, medians), "largest": series(dts, np.max(errors, 0))}, log_x=True, log_y=True,
        )  # fmt: skip
        values = {
            "finite differences": max(differences), "coarsest grid": float(medians[0]), "finest grid": float(medians[-1]),
            "order": order,
        }  # fmt: skip
        return Found(values, (figure,))


class _Problem:
    """A random layer with its input and readout."""

    def __init__(
        self, settings: SpikeTimeGradientsSettings, rng: np.random.Generator, generator: torch.Generator
    ) -> None:
        self.settings, self.generator = settings, generator
        slots = round(settings.end_ms / GRID_MS)
        times = np.sort(rng.integers(1, slots, settings.input_spikes)) * GRID_MS
        self.given = list(zip(times.tolist(), rng.integers(0, settings.inputs, len(times)).tolist(), strict=True))
        self.readout = rng.standard_normal(settings.neurons)
        first = self._cell(GRID_MS)
        first.reset_parameters(generator)
        self.weights = [weight.detach().clone() for weight in first.parameters()]
        self.layer = ExactLayer(first.event_form())  # type: ignore[arg-type]
        events = self.layer.run(self.given, settings.end_ms)
        by_time = [
            -self.readout[s.line] * self._left(s) / (settings.end_ms * settings.tau_readout_ms) for s in own(events)
        ]
        gradients = self.layer.gradients(events, by_time)
        self.exact, self.order = (gradients.w_in, gradients.w_rec), [s.line for s in own(events)]
        self.size = max(1e-12, float(np.linalg.norm(np.concatenate([part.ravel() for part in self.exact]))))

    def against_differences(self, rng: np.random.Generator) -> float:
        """The largest difference in some entries, relative to the largest entry; those where a spike appears are left out."""
        worst = 0.0
        for weight, gradient in zip((self.layer.w_in, self.layer.w_rec), self.exact, strict=True):
            for number in rng.permutation(weight.size)[: self.settings.entries]:
                entry = np.unravel_index(number, weight.shape)
                kept, sides = weight[entry], []
                for moved in (STEP, -STEP):
                    weight[entry] = kept + moved
                    sides.append(self._loss())
                weight[entry] = kept
                off = abs((sides[0] - sides[1]) / (2 * STEP) - gradient[entry]) / max(1e-12, np.abs(gradient).max())
                worst = max(worst, float(np.nan_to_num(off)))
        return worst

    def grid_error(self, dt_ms: float) -> float:
        """The error of the gradient by the rule's own steps."""
        settings, cell = self.settings, self._cell(dt_ms)
        with torch.no_grad():
            for weight, value in zip(cell.parameters(), self.weights, strict=True):
                weight.copy_(value)
        T = round(settings.end_ms / dt_ms)
        x = torch.zeros(T, 1, settings.inputs, dtype=torch.float64)
        for time, line in self.given:
            x[round(time / dt_ms), 0, line] += 1
        z, _ = AdjointEngine().unroll(cell, x)
        left = (1 - dt_ms / settings.tau_readout_ms) ** (T - torch.arange(T, dtype=torch.float64))
        ((1 - left)[:, None] * z[:, 0] * torch.from_numpy(self.readout / settings.end_ms)).sum().backward()
        found = [weight.grad.numpy() for weight in cell.parameters()]  # type: ignore[union-attr]
        off = np.concatenate([(one - other).ravel() for one, other in zip(found, self.exact, strict=True)])
        return float(np.linalg.norm(off) / self.size)

    def _loss(self) -> float:
        """The mean potential; NaN if the neurons spike in another order."""
        spikes = own(self.layer.run(self.given, self.settings.end_ms))
        if [spike.line for spike in spikes] != self.order:
            return float("nan")
        return sum(self.readout[spike.line] * (1 - self._left(spike)) for spike in spikes) / self.settings.end_ms

    def _left(self, spike: TimedSpike) -> float:
        return float(np.exp(-(self.settings.end_ms - spike.time_ms) / self.settings.tau_readout_ms))

    def _cell(self, dt_ms: float) -> LIF:
        settings = self.settings
        card = LIFCard(
            name="lif", size=settings.neurons, dt_ms=dt_ms, tau_mem_ms=settings.tau_mem_ms, tau_syn_ms=settings.tau_syn_ms,
            v_threshold=1.0, v_leak=0.0, v_reset=0.0, reset="zero", learn_time_constants=False, surrogate="superspike",
            slope=1.0, input_gain=settings.input_gain, recurrent_gain=settings.recurrent_gain,
        )  # fmt: skip
        return LIF(card, settings.inputs).double()


def _spiking_problem(
    settings: SpikeTimeGradientsSettings, rng: np.random.Generator, generator: torch.Generator
) -> _Problem:
    """The next layer that spikes."""
    for _ in range(MOST_SILENT):
        problem = _Problem(settings, rng, generator)
        if problem.order:
            return problem
    raise RunFailed(
        f"spike_time_gradients: {MOST_SILENT} layers in a row did not spike; raise input_gain (now {settings.input_gain:g}) "
        f"or input_spikes (now {settings.input_spikes})"
    )


def own(events: Sequence[TimedSpike]) -> list[TimedSpike]:
    """The spikes of the layer itself."""
    return [event for event in events if event.own]
