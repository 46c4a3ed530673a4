"""What was observed while a network ran: exact integer counts over all samples, and a few rasters to look at."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from neurorec.models.network import Network


@dataclass(frozen=True)
class Activity:
    """Counts over `samples` samples of `steps` time steps each. All counts are exact integers, summed over samples.

    For a layer that sends values, its spike counts are zero: a value is sent on every line in every step.
    """

    samples: int
    steps: int
    input_spikes: np.ndarray  #: [I] spikes per input line (zeros where the input carries values)
    hidden_spikes: np.ndarray  #: [H] spikes per recurrent unit
    recurrent_spikes: np.ndarray  #: [H] those of them that were fed back: all but those of each sample's last step
    spikes_per_step: np.ndarray  #: [T] spikes of the whole layer
    input_raster: np.ndarray  #: [T, S, I] bool, of the first S samples
    raster: np.ndarray  #: [T, S, H] bool, of the first S samples
    skipped_steps: int = 0  #: behind the ends of samples that are shorter than others, summed over samples
    input_steps: np.ndarray | None = None  #: [T, I] spikes per step and input line; None in older records
    hidden_steps: np.ndarray | None = None  #: [T, H] spikes per step and unit

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def spikes_per_sample(self) -> float:
        return float(self.hidden_spikes.sum() / max(1, self.samples))

    @property
    def silent_share(self) -> float:
        """Share of units that never spiked."""
        return float((self.hidden_spikes == 0).mean())


RASTER_SAMPLES = 3


def observe(network: Network, x: Tensor, hidden: Tensor, lengths: Tensor | None = None) -> Activity:
    """Activity of a run of `network` with input x [T, B, I] and hidden outputs [T, B, H], of samples of given lengths."""
    T, B, _ = x.shape
    ends = np.full(B, T) if lengths is None else lengths.cpu().numpy()
    t = np.arange(T)[:, None, None]
    spiking_input = network.input_signal == "spikes"
    spiking = network.cell.output_signal == "spikes"
    x_seen, h_seen = x.detach().cpu().numpy() != 0, hidden.detach().cpu().numpy() != 0
    if not spiking_input:
        x_seen = np.zeros_like(x_seen)
    elif lengths is not None:
        x_seen = x_seen & (t < ends[:, None])
    if not spiking:
        h_seen = np.zeros_like(h_seen)
    input_steps, hidden_steps = x_seen.sum(1, dtype=np.int64), h_seen.sum(1, dtype=np.int64)
    return Activity(
        samples=B,
        steps=T,
        input_spikes=input_steps.sum(0),
        hidden_spikes=hidden_steps.sum(0),
        recurrent_spikes=(h_seen & (t < ends[:, None] - 1)).sum((0, 1), dtype=np.int64),
        spikes_per_step=hidden_steps.sum(1),
        input_raster=x_seen[:, :RASTER_SAMPLES],
        raster=h_seen[:, :RASTER_SAMPLES],
        skipped_steps=int(B * T - ends.sum()),
        input_steps=input_steps,
        hidden_steps=hidden_steps,
    )
