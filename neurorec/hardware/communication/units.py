"""Units shared among workers: traffic between them in an epoch.

The H units of the recurrent layer are assigned in order, in shares that differ by at most one; the readout is on
the first worker. A spike (or a value) is sent once to every other worker that holds a target of its unit. Spikes of the
last step reach only the readout. Input reaches every worker from outside and is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.hardware.communication.link_traffic import SPIKE_BYTES, WORD_BYTES, LinkTraffic
from neurorec.hardware.communication.ring import chunk_sizes
from neurorec.learning.rule import Messages


@dataclass(frozen=True)
class ObservedEpoch:
    """A network and its observed activity in one epoch of `samples` samples with `steps` steps.

    `spikes` [H] counts every unit's spikes in the epoch, `fed_back` [H] those before the last step; both are None
    if units send a value in every step.
    """

    name: str
    inputs: int
    hidden: int
    outputs: int
    steps: int
    samples: int
    trained_numbers: int
    spikes: np.ndarray | None = None
    fed_back: np.ndarray | None = None
    targets: np.ndarray | None = None  #: [H, H] bool, whether unit j reaches unit k; None: all-to-all

    @property
    def spikes_per_unit_and_step(self) -> float | None:
        """Activity: 0.05 means that one unit in twenty spikes per step."""
        if self.spikes is None:
            return None
        return float(self.spikes.sum() / (self.hidden * self.steps * self.samples))


@dataclass(frozen=True)
class Shares:
    """Assignment of units: `owner` [H]; `hears` and `reads` [H, P] are True for other workers that hold a recurrent
    target of a unit, or the readout."""

    owner: np.ndarray
    hears: np.ndarray
    reads: np.ndarray

    @property
    def workers(self) -> int:
        return self.hears.shape[1]


def deal_units(net: ObservedEpoch, workers: int) -> Shares:
    """Raises `InputError` if there are more workers than units."""
    if workers > net.hidden:
        raise InputError(f"{workers} workers for {net.hidden} units: some would have none; use at most {net.hidden}")
    owner = np.repeat(np.arange(workers), chunk_sizes(net.hidden, workers))
    holds = np.eye(workers, dtype=bool)[owner]  # [H, P]
    hears = np.ones_like(holds) if net.targets is None else (net.targets.astype(np.int64) @ holds) > 0
    reads = np.zeros_like(holds)
    reads[:, 0] = True
    return Shares(owner, hears & ~holds, reads & ~holds)


def units_traffic(net: ObservedEpoch, shares: Shares, messages: Messages, batch: int) -> LinkTraffic:
    """LinkTraffic of one epoch; `batch` samples run in parallel (one, for online rules)."""
    steps, everyone = net.steps * net.samples, shares.workers - 1
    last, fed_back = _sent_by_each(net)
    forward = fed_back[:, None] * (shares.hears | shares.reads) + (last - fed_back)[:, None] * shares.reads
    between = steps - net.samples  # every step but the last of each sample
    each = between * (shares.hears | shares.reads) + net.samples * shares.reads
    backward = forward if messages.errors_at_spikes else each * messages.errors
    along = each * (net.trained_numbers if messages.derivatives else 0)
    broadcast = {"none": 0, "one": 1, "outputs": net.outputs}[messages.signals] * steps
    message = WORD_BYTES if net.spikes is None else SPIKE_BYTES
    rounds = -(-net.samples // (1 if messages.online else batch)) * net.steps * (2 if messages.errors else 1)
    if everyone == 0:
        return LinkTraffic()
    total = int(forward.sum())
    return LinkTraffic(
        spikes=0 if net.spikes is None else total,
        forward_values=total if net.spikes is None else 0,
        errors=int(backward.sum() + along.sum()),
        signals=broadcast * everyone,
        busiest_bytes=_busiest(
            shares, forward * message + along * WORD_BYTES, backward * WORD_BYTES, broadcast * WORD_BYTES
        ),
        waits=rounds * everyone,
        waits_overlapped=rounds,
    )


def _sent_by_each(net: ObservedEpoch) -> tuple[np.ndarray, np.ndarray]:
    """Messages that each unit sends in the epoch, and those before the last step."""
    if net.spikes is None or net.fed_back is None:
        ones = np.ones(net.hidden, dtype=np.int64)
        return ones * net.steps * net.samples, ones * (net.steps - 1) * net.samples
    return net.spikes.astype(np.int64), net.fed_back.astype(np.int64)


def _busiest(shares: Shares, forward: np.ndarray, backward: np.ndarray, broadcast: int) -> int:
    """Bytes through the busiest worker in one direction: what is sent forward returns as errors."""
    P = shares.workers
    out_forward = np.bincount(shares.owner, weights=forward.sum(1), minlength=P).astype(np.int64)
    out_backward = np.bincount(shares.owner, weights=backward.sum(1), minlength=P).astype(np.int64)
    first = np.arange(P) == 0
    sent = out_forward + backward.sum(0) + first * broadcast * (P - 1)
    received = forward.sum(0) + out_backward + ~first * broadcast
    return int(max(sent.max(), received.max()))


def described(
    inputs: int, hidden: int, outputs: int, steps: int, samples: int, activity: float | None
) -> ObservedEpoch:
    """A network that was not run: H units with all-to-all connections, each spiking `activity` times per step on average
    (rounded to an integer per epoch), or sending values if that is None."""
    spikes = None if activity is None else np.full(hidden, round(activity * steps * samples), dtype=np.int64)
    fed_back = None if activity is None else np.full(hidden, round(activity * (steps - 1) * samples), dtype=np.int64)
    numbers = (inputs + hidden + outputs) * hidden + outputs
    return ObservedEpoch(f"{hidden} units", inputs, hidden, outputs, steps, samples, numbers, spikes, fed_back)
