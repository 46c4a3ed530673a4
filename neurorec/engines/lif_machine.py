"""Restricted Boltzmann machines of LIF neurons as event networks: clamping, gated plasticity, samples.

The neurons are those of `sampling_neurons.py`, but their synapses carry currents, so that weights may have either sign. A spike
of weight w lifts the potential by w spreads on average while its source is on. Cues set `clamp` of the visible neurons, and the
global signal sets `phase` of all neurons: 1 with data, -1 without, 0 while the network settles.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from neurorec.engines import sampling_neurons as single
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, PoissonDrive, SpikeTrain
from neurorec.engines.on_plastic import run_network
from neurorec.models.energy.lif_restricted_boltzmann import LIFRestrictedBoltzmann
from neurorec.models.energy.model import Relaxed

EQUATIONS = """
dv/dt = (g_leak * (v_leak - v) + g_exc * (v_exc - v) + g_inh * (v_inh - v) + inward) / c_mem : 1 (unless refractory)
dg_exc/dt = -g_exc / tau_syn : 1
dg_inh/dt = -g_inh / tau_syn : 1
ds/dt = -s / tau_syn : 1
du/dt = -u / tau_syn : 1
bias : 1
clamp : 1
phase : 1
"""
INWARD = "inward = rest_nA + steady_nA * (bias + clamp) + synapse_nA * u : 1"
ARRIVES = "u_post += w * (1 - s_pre)"
CHANGE = "w = clip(w + rate * phase_post * {trace}, -weight_max, weight_max)"
CLAMPED = 12.0  #: bias of a clamped neuron, in units of the spread, of either sign
CALIBRATION_MS = 20_000.0
SETTLING, WITH_DATA, WITHOUT = 0.0, 1.0, -1.0


@dataclass(frozen=True)
class Schedule:
    """Cues (2 V + 1 lines: on and off for each visible neuron, and release) and signals (settling, with data, without)."""

    cues: SpikeTrain
    signals: SpikeTrain
    steps: int


def steps_of(duration_ms: float) -> int:
    return max(1, round(duration_ms / single.DT_MS))


def schedule(patterns: np.ndarray, settle_ms: float, learn_ms: float) -> Schedule:
    """Each pattern [S, V] in turn: clamped for settle_ms + learn_ms, and as long without data."""
    S, settle, half = len(patterns), steps_of(settle_ms), steps_of(settle_ms) + steps_of(learn_ms)
    starts = 2 * half * np.arange(S)
    signals = [(starts, 0), (starts + settle, 1), (starts + half, 0), (starts + half + settle, 2)]
    times = np.concatenate([at for at, _ in signals])
    lines = np.concatenate([np.full(S, line) for _, line in signals])
    order = np.argsort(times, kind="stable")
    return Schedule(_cues(patterns, starts, starts + half), SpikeTrain(times[order], lines[order]), 2 * half * S)


def _cues(patterns: np.ndarray, starts: np.ndarray, ends: np.ndarray, known: np.ndarray | None = None) -> SpikeTrain:
    """Neurons of `known` [V] (None: all) are clamped to each pattern from its start, and released at its end."""
    S, V = patterns.shape
    lines = np.arange(V) if known is None else np.flatnonzero(known)
    shown = np.where(patterns[:, lines] > 0, lines, lines + V)
    times = np.concatenate([np.repeat(starts, len(lines)), ends])
    sent = np.concatenate([shown.ravel(), np.full(S, 2 * V)])
    order = np.lexsort((sent, times))
    return SpikeTrain(times[order], sent[order])


def machine_network(
    model: LIFRestrictedBoltzmann,
    planned: Schedule,
    rate: float = 0.0,
    bias_rate: float = 0.0,
    weight_max: float = np.inf,
) -> EventNetwork:
    """The machine with its weights and biases; rates of 0 leave them as they are."""
    weight, V, H = model.weight.double().numpy(), model.visible, model.hidden
    fitted, lines = _fitted(), np.arange(V)
    numbers = {
        **single.NUMBERS, "rest_nA": float(single.current_nA(np.array(fitted.v_half_mV))),
        "steady_nA": fitted.spread_mV * single.conductance_uS(), "synapse_nA": fitted.spread_mV / single.potential_per_uS(),
        "rate": rate, "bias_rate": bias_rate, "weight_max": min(weight_max, 1e6),
    }  # fmt: skip
    populations = {
        "visible": _population(model.visible_bias.double().numpy()),
        "hidden": _population(model.hidden_bias.double().numpy()),
        "cues": EventPopulation(2 * V + 1, planned.cues),
        "signals": EventPopulation(3, planned.signals),
    }
    held = np.repeat([CLAMPED, -CLAMPED, 0.0], V)
    signal = np.array([[SETTLING], [WITH_DATA], [WITHOUT]])
    projections = {
        "up": _plastic("visible", "hidden", weight),
        "down": _plastic("hidden", "visible", np.ascontiguousarray(weight.T)),
        "cues": EventProjection(
            "cues", "visible", held, np.r_[lines, lines + V, np.full(V, 2 * V)], np.r_[lines, lines, lines],
            on_pre="clamp_post = w",
        ),
        "to visible": EventProjection("signals", "visible", signal.repeat(V, 1), on_pre="phase_post = w"),
        "to hidden": EventProjection("signals", "hidden", signal.repeat(H, 1), on_pre="phase_post = w"),
    }  # fmt: skip
    return EventNetwork(single.DT_MS, populations, projections, {"tau_syn": single.TAU_SYN_MS}, numbers)


def _population(bias: np.ndarray) -> EventPopulation:
    background = single.BACKGROUND_US * single.BACKGROUND_HZ * single.TAU_SYN_MS / 1000.0
    return EventPopulation(
        len(bias), "v > v_threshold", INWARD + EQUATIONS, reset="v = v_reset", after="s = 1\nbias += bias_rate * phase",
        refractory_ms=single.REFRACTORY_MS,
        start={"v": single.NUMBERS["v_leak"], "g_exc": background, "g_inh": background, "bias": bias},
        drives=tuple(PoissonDrive(f"g_{sign}", single.BACKGROUND_US, single.BACKGROUND_HZ) for sign in ("exc", "inh")),
    )  # fmt: skip


def _plastic(source: str, target: str, weight: np.ndarray) -> EventProjection:
    return EventProjection(
        source,
        target,
        weight,
        on_pre=f"{ARRIVES}\n{CHANGE.format(trace='s_post')}",
        on_post=CHANGE.format(trace="s_pre"),
    )


@cache
def _fitted() -> single.ActivationFit:
    return single.calibrate(CALIBRATION_MS, 0)


def relax_by_events(model: LIFRestrictedBoltzmann, states: Tensor, seed: int) -> Relaxed:
    """Samples [B, N], one after another, each for `max_sweeps` steps that begin with the visible neurons clamped."""
    clamped = min(model.card.max_sweeps - 1, steps_of(model.card.clamped_ms))
    sent, on = _run_samples(model, states[:, : model.visible].cpu().numpy(), None, clamped, seed)
    found, steps = torch.from_numpy(on[-1]).to(states), len(sent)
    energies = torch.stack([model.energy(states), *[model.energy(found)] * steps])
    taken = torch.full((len(states),), steps)
    return Relaxed(found, energies, taken, torch.zeros_like(taken, dtype=torch.bool), torch.from_numpy(sent))


def share_on(model: LIFRestrictedBoltzmann, patterns: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """[S, V] share of time that each visible neuron is on, in the second half of each pattern's steps, with the neurons of
    `known` [V] clamped to the pattern [S, V]."""
    steps = model.card.max_sweeps
    _, on = _run_samples(model, patterns, known, steps - 1, seed)
    return on[steps // 2 :, :, : model.visible].mean(0)


def _run_samples(
    model: LIFRestrictedBoltzmann, patterns: np.ndarray, known: np.ndarray | None, clamped: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes, and whether neurons are on, [steps, S, N], of patterns that are run one after another."""
    S, steps = len(patterns), model.card.max_sweeps
    starts = steps * np.arange(S)
    still = SpikeTrain(np.zeros(0, np.int64), np.zeros(0, np.int64))
    planned = Schedule(_cues(patterns, starts, starts + clamped, known), still, steps * S)
    seen = run_network(machine_network(model, planned), steps * S, seed, ("visible", "hidden"))
    sent, on = [], []
    for name, size in (("visible", model.visible), ("hidden", model.hidden)):
        fired = np.zeros((steps * S, size), bool)
        fired[seen.spikes[name]] = True
        sent.append(fired)
        on.append(single.is_on(seen.spikes[name], size, steps * S))
    by_sample = (np.concatenate(parts, 1).reshape(S, steps, -1).transpose(1, 0, 2) for parts in (sent, on))
    return tuple(by_sample)  # type: ignore[return-value]
