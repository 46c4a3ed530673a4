"""An attractor network of LIF neurons, the spiking counterpart of the Hopfield network."""

import math
from typing import Self

import torch
from pydantic import model_validator
from torch import Tensor

from neurorec.basics.numbers import PositiveGain, TimeMs
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard, Relaxed, energy_models
from neurorec.models.layer import StepOperations


class LIFAttractorCard(EnergyModelCard):
    dt_ms: TimeMs  #: `max_sweeps` steps of dt_ms are run
    tau_mem_ms: TimeMs
    tau_syn_ms: TimeMs
    refractory_ms: TimeMs
    cue_ms: TimeMs  #: for which the cue is applied, from the start
    read_ms: TimeMs  #: in which spikes are counted, at the end
    gain: PositiveGain  #: input of a neuron per unit of field, in units of the threshold
    cue_gain: PositiveGain  #: input of a neuron from its cue, likewise

    @model_validator(mode="after")
    def _cue_ends_before_reading(self) -> Self:
        duration_ms = self.max_sweeps * self.dt_ms
        if self.cue_ms + self.read_ms > duration_ms:
            raise ValueError(
                f"the cue ({self.cue_ms:g} ms) must end before spikes are counted (for {self.read_ms:g} ms), but "
                f"{self.max_sweeps} steps of {self.dt_ms:g} ms last {duration_ms:g} ms; raise max_sweeps"
            )
        return self


@energy_models.register("lif_attractor")
class LIFAttractor(Hopfield):
    """N LIF neurons with the weights of a Hopfield network, which the same rules store.

    A neuron that fires as it does in a field of 1 stands for +1, and a silent one for -1: with traces z near 1 and 0, the field
    is sum over j of w_ij (2 z_j - 1). Cues are applied as currents, and then removed; answers are read from the spikes of the
    last milliseconds. `energy` and `update` are those of the Hopfield network; during recall, the energy is that of the states
    that the traces stand for.
    """

    Card = LIFAttractorCard
    title = "LIF attractor network"
    output_signal = "spikes"
    descends = False
    equations = (
        "tau_mem dv_i/dt = -v_i + 1 + gain sum over j of w_ij (2 z_j - 1) + cue_gain x_i while the cue x is on;\n"
        "v_i > 1: spike, v_i = 0 for refractory_ms;\n"
        "tau_syn dz_j/dt = -z_j, and z_j += 1 / (r tau_syn) at a spike, with r the rate of a neuron in a field of 1;\n"
        "answer: +1 if the neuron fired at more than r / 2 in the last read_ms, else -1;\n"
        "E = -1/2 sum over i, j of w_ij s_i s_j"
    )
    sources = ("hopfield1982", "amit1985")
    example = {  # noqa: RUF012
        "max_sweeps": 60, "dt_ms": 1.0, "tau_mem_ms": 10.0, "tau_syn_ms": 20.0, "refractory_ms": 10.0, "cue_ms": 20.0,
        "read_ms": 30.0, "gain": 20.0, "cue_gain": 20.0,
    }  # fmt: skip
    card: LIFAttractorCard

    @property
    def dt_ms(self) -> float:
        return self.card.dt_ms

    @property
    def rate_per_ms(self) -> float:
        """r, of a neuron with constant input 1 + gain."""
        rise_ms = self.card.tau_mem_ms * math.log((1 + self.card.gain) / self.card.gain)
        return 1 / (self.card.refractory_ms + rise_ms)

    def relax(self, states: Tensor, generator: torch.Generator) -> Relaxed:
        """All steps, with `states` as cues. Membranes start at random, so that neurons do not fire together."""
        card, dt = self.card, self.card.dt_ms
        keep_v, keep_z = math.exp(-dt / card.tau_mem_ms), math.exp(-dt / card.tau_syn_ms)
        jump, silent_field = 1 / (self.rate_per_ms * card.tau_syn_ms), self.weight.sum(1)
        v = torch.rand(states.shape, generator=generator).to(states)
        z, wait = torch.zeros_like(v), torch.zeros_like(v, dtype=torch.int64)
        sent, energies = [], [self.energy(states)]
        for step in range(card.max_sweeps):
            drive = 1 + card.gain * (2 * z @ self.weight - silent_field)
            if step * dt < card.cue_ms:
                drive = drive + card.cue_gain * states
            v = torch.where(wait > 0, 0, drive + (v - drive) * keep_v)
            fires = v > 1
            v, z = torch.where(fires, 0, v), z * keep_z + jump * fires
            wait = torch.where(fires, round(card.refractory_ms / dt), (wait - 1).clamp_min(0))
            sent.append(fires)
            energies.append(self.energy(_signs(z > 1 / 2, states)))
        spikes = torch.stack(sent)
        counts = spikes[-max(1, round(card.read_ms / dt)) :].sum(0)
        answer = _signs(counts > self.rate_per_ms / 2 * card.read_ms, states)
        steps = torch.full((len(states),), card.max_sweeps, device=states.device)
        return Relaxed(answer, torch.stack(energies), steps, torch.zeros_like(steps, dtype=torch.bool), spikes)

    def operations(self) -> StepOperations:
        """Per neuron and step: the trace decays and rises (2), the field is scaled and shifted (2), the cue is scaled and added
        (2), the membrane moves (3), the threshold and the counter are compared and counted (3)."""
        N = self.size
        return StepOperations(
            input_fan_out=self._fan_out(0),
            recurrent_fan_out=self._fan_out(N - 1),
            recurrent_signal="spikes",
            neuron_updates=N,
            elementwise=12 * N,
            nonlinearities=0,
            state_values=3 * N,
            tape_values=0,
        )


def _signs(on: Tensor, like: Tensor) -> Tensor:
    return torch.where(on, 1.0, -1.0).to(like)
