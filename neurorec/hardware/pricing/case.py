"""A net that can be priced, and changed before it is: trained and observed, or described."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.precision import Precision
from neurorec.hardware.pricing.bill import Cost, Setting, TrainingRun
from neurorec.hardware.pricing.inference_cost import estimate_cost
from neurorec.hardware.workload.description import Description, describe_cost
from neurorec.models.network import Network


@dataclass(frozen=True)
class TrainedNet:
    """A network with what was observed of it, and how it was trained."""

    network: Network
    activity: Activity
    training: TrainingRun | None = None
    setting: Setting = field(default_factory=Setting)

    def price(self, chip: Chip | str | Path) -> Cost:
        return estimate_cost(self.network, self.activity, chip, training=self.training, setting=self.setting)

    @property
    def dt_ms(self) -> float | None:
        return self.setting.dt_ms or getattr(self.network.cell.card, "dt_ms", None)

    @property
    def steps(self) -> int:
        return self.activity.steps

    @property
    def has_spikes(self) -> bool:
        return self.network.input_signal == "spikes" or self.network.cell.output_signal == "spikes"

    def with_setting(self, **changes) -> TrainedNet:
        return replace(self, setting=replace(self.setting, **changes))

    def with_sparsity(self, sparsity: float) -> TrainedNet:
        """Every line's spikes times 1 - sparsity, rounded to whole spikes."""
        share = 1 - sparsity
        thinned = {name: np.rint(getattr(self.activity, name) * share).astype(np.int64) for name in SPIKES}
        training = self.training
        if training is not None and training.rule == "stdp":  # its weight changes are caused by spikes
            training = replace(training, weight_updates=round(training.weight_updates * share))
        activity = replace(self.activity, **thinned, **NO_STEPS)
        return replace(self, activity=activity, training=training)

    def with_steps(self, steps: int, dt_ms: float) -> TrainedNet:
        """The same spikes in `steps` steps. The last step's, which are not fed back, follow its length."""
        seen = self.activity
        last = np.rint((seen.hidden_spikes - seen.recurrent_spikes) * (seen.steps / steps)).astype(np.int64)
        recurrent = np.maximum(seen.hidden_spikes - last, 0)
        skipped = round(seen.skipped_steps * steps / seen.steps)
        changed = replace(seen, steps=steps, recurrent_spikes=recurrent, skipped_steps=skipped, **NO_STEPS)
        return replace(self, activity=changed).with_setting(dt_ms=dt_ms)

    @property
    def most_spikes_per_step(self) -> float:
        """Of any line: spikes a sample and step."""
        most = max((int(getattr(self.activity, name).max(initial=0)) for name in SPIKES[:2]), default=0)
        return most / max(1, self.activity.sample_steps)


NO_STEPS: dict[str, Any] = dict.fromkeys(("input_steps", "hidden_steps", "recurrent_steps", "running"))
SPIKES = ("input_spikes", "hidden_spikes", "recurrent_spikes")


@dataclass(frozen=True)
class DescribedNet:
    """A description that nobody trained."""

    net: Description
    precision: Precision | None = None

    def price(self, chip: Chip | str | Path) -> Cost:
        return describe_cost(self.net, chip, precision=self.precision)

    @property
    def dt_ms(self) -> float | None:
        return self.net.dt_ms

    @property
    def steps(self) -> int:
        return self.net.steps

    @property
    def has_spikes(self) -> bool:
        return self.net.neuron == "lif" or (self.net.input is not None and self.net.input.signal == "spikes")

    def with_setting(self, **changes) -> DescribedNet:
        precision = changes.pop("precision", self.precision)
        return DescribedNet(self.net.model_copy(update=changes), precision)

    def with_sparsity(self, sparsity: float) -> DescribedNet:
        return self._with_rates(1 - sparsity, 1 - sparsity)

    def with_steps(self, steps: int, dt_ms: float) -> DescribedNet:
        """Rates a second stay; what is stated by step follows its length."""
        changed = self._with_rates(by_step=dt_ms / (self.net.dt_ms or dt_ms), by_time=1.0)
        return replace(changed, net=changed.net.model_copy(update={"steps": steps, "dt_ms": dt_ms}))

    @property
    def most_spikes_per_step(self) -> float:
        firing = [*self.net.layer, *([self.net.input] if self.net.input else [])]
        return max(
            (one.spikes_per_step or (one.rate_Hz or 0.0) * (self.net.dt_ms or 0.0) / 1e3 for one in firing), default=0.0
        )

    def _with_rates(self, by_step: float, by_time: float) -> DescribedNet:
        factors = {"spikes_per_step": by_step, "rate_Hz": by_time, "spikes_per_inference": by_time}

        def changed(firing):
            stated = {name: getattr(firing, name, None) for name in factors}
            new = {name: float(f"{value * factors[name]:.12g}") for name, value in stated.items() if value is not None}
            return firing.model_copy(update=new)

        net = self.net
        heard = changed(net.input) if net.input is not None else None
        return replace(
            self, net=net.model_copy(update={"layer": [changed(layer) for layer in net.layer], "input": heard})
        )


Case = TrainedNet | DescribedNet
