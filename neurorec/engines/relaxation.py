"""Relaxes energy models: sweep after sweep until nothing changes. A sweep counts as a step.

For density objectives, the answers are log probabilities (an estimate of log Z uses the same seed), and the observed activity
is that of drawing one new sample from each given sample, by `max_sweeps` sweeps that start there.
"""

import numpy as np
import torch
from torch import Tensor

from neurorec.engines.activity import RASTER_SAMPLES, Activity, LayerActivity
from neurorec.engines.lif_machine import relax_by_events
from neurorec.models.energy.model import EnergyModel, Relaxed
from neurorec.models.energy.sampling import SamplingModel
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

UNITS = "units"  #: name of the only layer of an energy model


class Relaxation:
    """Returns the state in which a model settles. Every relaxation draws its order of updates from the same seed."""

    title = "relaxation"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def relax(self, model: EnergyModel, x: Tensor) -> Relaxed:
        if model.by_events:
            return relax_by_events(model, model.start(x), self.seed)  # type: ignore[arg-type]
        return model.relax(model.start(x), torch.Generator().manual_seed(self.seed))

    def answers(self, model: EnergyModel, batch: Batch, objective: Objective) -> Tensor:
        if objective.of_density:
            return self._log_probability(model, model.start(batch.x)[:, : model.visible])  # type: ignore[arg-type]
        return self.relax(model, batch.x).states[:, : model.visible]

    def _log_probability(self, model: SamplingModel, visible: Tensor) -> Tensor:
        """[B, 1]; or [B, 2] with the standard error of log Z, if that is an estimate."""
        generator = torch.Generator().manual_seed(self.seed)
        partition = model.partition(generator)
        found = model.log_weight_or_bound(visible, generator) - partition.value
        error = torch.full_like(found, partition.standard_error)
        return torch.stack([found, error], 1) if partition.standard_error else found[:, None]

    def observe(self, model: EnergyModel, batch: Batch, objective: Objective) -> tuple[Tensor, Activity]:
        seen = self.relax(model, batch.x)
        T = int(seen.sweeps.max()) if len(seen.sweeps) else 0
        running = (torch.arange(T)[:, None] < seen.sweeps.cpu()).sum(1).numpy()
        layers = {INPUT: _input(batch.x.shape[2], seen, T), UNITS: _units(model.size, seen, T)}
        of_density = isinstance(objective, Objective) and objective.of_density
        y = self.answers(model, batch, objective) if of_density else seen.states[:, : model.visible]
        return y, Activity(batch.size, T, layers, running, batch.size * T - int(seen.sweeps.sum()))


def _silent(size: int, T: int, samples: int) -> LayerActivity:
    none, steps = np.zeros(size, np.int64), np.zeros((T, size), np.int64)
    return LayerActivity("values", none, none, np.zeros((T, min(RASTER_SAMPLES, samples), size), bool), steps, steps)


def _units(size: int, seen: Relaxed, T: int) -> LayerActivity:
    """What the units send. Spikes are heard in the next sweep, so that those of the last one are not passed on."""
    if seen.sent is None:
        return _silent(size, T, len(seen.sweeps))
    sent = seen.sent.cpu().numpy()
    steps, heard = sent.sum(1), sent.sum(1)
    heard[-1:] = 0
    return LayerActivity("spikes", steps.sum(0), heard.sum(0), sent[:, :RASTER_SAMPLES].copy(), steps, heard)


def _input(size: int, seen: Relaxed, T: int) -> LayerActivity:
    """For units that send spikes, a sample arrives as one event per input, which sets a unit's state or switches on its
    current; else as values."""
    silent = _silent(size, T, len(seen.sweeps))
    if seen.sent is None:
        return silent
    steps, raster = np.zeros((T, size), np.int64), np.zeros_like(silent.raster)
    steps[:1], raster[:1] = len(seen.sweeps), True
    return LayerActivity("spikes", steps.sum(0), steps.sum(0), raster, steps, steps)
