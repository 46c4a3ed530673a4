"""The rhythm of a trained network under constant drive: its period, and whether it returns to its cycle after a kick."""

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Points, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Gain
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.tasks.encoded_task import EncodedTask

SPIKES = "z"  #: spikes in a cell's state are left as they are
SHOWN = 6  #: periods before and after the kick that are drawn


class LimitCycleSettings(Card):
    settle: Annotated[
        int, Field(ge=1, le=10**5)
    ]  #: frames after the sample, at constant input, until the rhythm is measured
    frames: Annotated[int, Field(ge=16, le=10**5)]  #: that are measured, before and after the kick
    kick: Gain  #: in standard deviations of each number of the state during the cycle


@analyses.register("limit_cycle")
class LimitCycle(RunAnalysis):
    """The last input of a test sample stays on, and the network runs freely. The cycle is the set of points (y_t, y_{t-P/4}) of
    the outputs, P being the period. Then every value of the hidden state is displaced at random. If the cycle is stable, the
    distance of the outputs to the set decays, and a shift of the phase remains."""

    about = "Period of a trained network's rhythm under constant drive, and its return to the cycle after a kick"
    sources = ("hinton_rnn",)
    Settings = LimitCycleSettings
    example = {"settle": 10, "frames": 40, "kick": 1.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "period": Value("from the strongest frequency of the outputs; none if they are constant", "frames"),
        "amplitude": Value("largest standard deviation of an output over time"),
        "distance after the kick": Value("largest distance to the cycle within a period of the kick, in amplitudes"),
        "distance that remains": Value(
            "mean distance to the cycle in the last quarter after the kick, in amplitudes", "", False
        ),
        "shift of the phase": Value("of the rhythm after the kick against the undisturbed one", "periods"),
    }

    def run(self, network: Network, task: EncodedTask, settings: LimitCycleSettings, seed: int) -> Found:
        network = network.double().requires_grad_(False)
        k = task.encoder.steps_per_frame
        batch = task.split("test").take(torch.tensor([0]))
        held = batch.x[-k:].double()  # the last frame
        state = network.run(batch.x.double())[1]
        state = network.run(held.repeat(settings.settle, 1, 1), state)[1]
        drive = held.repeat(settings.frames, 1, 1)
        free, y, spread = follow(network, drive, state, k)
        _, undisturbed, _ = follow(network, drive, free, k)
        _, kicked, _ = follow(network, drive, kick(free, spread, settings.kick, torch_generator(seed, "kick")), k)
        period, amplitude = rhythm(torch.cat([y, undisturbed]))
        values = {"period": period, "amplitude": amplitude}
        if period != period:
            return Found(values | {name: math.nan for name in self.gives if name not in values}, ())
        lag = max(1, round(period / 4))
        cycle, after = embedded(torch.cat([y, undisturbed]), lag), embedded(torch.cat([y[-lag:], kicked]), lag)
        distance = torch.cdist(after, cycle, compute_mode="donot_use_mm_for_euclid_dist").min(1).values / amplitude
        near, late = distance[: max(1, round(period))], distance[-(len(distance) // 4) :]
        values |= {
            "distance after the kick": float(near.max()), "distance that remains": float(late.mean()),
            "shift of the phase": shift(undisturbed[-len(late) :], kicked[-len(late) :], period),
        }  # fmt: skip
        return Found(values, drawn(y, kicked, distance, cycle, after, period))


def follow(
    network: Network, x: Tensor, state: NetworkState, k: int
) -> tuple[NetworkState, Tensor, dict[str, list[Tensor]]]:
    """The last state, the outputs per frame [F, O], and the standard deviation over time of each number of the hidden state."""
    outputs, seen = [], {name: [] for name in network.hidden}
    for x_t in x:
        y, state = network.step(state, x_t)
        outputs.append(y)
        for name, each in seen.items():
            each.append(torch.cat(list(state.layers[name]), 1))
    spread = {}
    for name, each in seen.items():
        sizes = [part.shape[1] for part in state.layers[name]]
        spread[name] = list(torch.stack(each).std(0).split(sizes, 1))
    return state, torch.stack(outputs)[:, 0].unflatten(0, (-1, k)).mean(1), spread


def kick(state: NetworkState, spread: dict[str, list[Tensor]], size: float, generator: torch.Generator) -> NetworkState:
    """Every number of the hidden state but spikes displaced by a normal random number times its spread."""
    layers = dict(state.layers)
    for name, spreads in spread.items():
        own = layers[name]
        moved = {}
        for field, part, sd in zip(own._fields, own, spreads, strict=True):
            noise = torch.randn(part.shape, generator=generator, dtype=part.dtype)
            moved[field] = part if field == SPIKES else part + size * sd * noise
        layers[name] = type(own)(**moved)
    return NetworkState(layers, state.delayed)


def rhythm(y: Tensor) -> tuple[float, float]:
    """Period (frames) and amplitude of outputs [F, O]: the frequency with most power; NaN for no rhythm."""
    varied = y - y.mean(0)
    sd = float(y.std(0).max())
    if sd < 1e-3:
        return math.nan, sd
    window = torch.hann_window(len(y), dtype=y.dtype)[:, None]
    power = torch.fft.rfft(varied * window, dim=0).abs().square().sum(1)
    top = int(power[1:-1].argmax()) + 1
    a, b, c = (float(power[n].clamp_min(1e-300).log()) for n in (top - 1, top, top + 1))
    offset = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c else 0.0
    return len(y) / (top + offset), sd


def embedded(y: Tensor, lag: int) -> Tensor:
    """[F - lag, 2 O]: each output beside what it was `lag` frames before."""
    return torch.cat([y[lag:], y[:-lag]], 1)


def shift(a: Tensor, b: Tensor, period: float) -> float:
    """By what share of a period the rhythm of b differs from that of a, from -0.5 to 0.5."""
    turn = torch.exp(2j * math.pi * torch.arange(len(a), dtype=a.dtype) / period)[:, None]
    output = int(a.std(0).argmax())
    first, second = ((each - each.mean(0)).mul(turn.conj()).sum(0)[output] for each in (a, b))
    return float((second * first.conj()).angle()) / (2 * math.pi)


def drawn(y: Tensor, kicked: Tensor, distance: Tensor, cycle: Tensor, after: Tensor, period: float) -> tuple[Any, ...]:
    """The outputs around the kick, the return to the cycle in the plane, and the distance over time."""
    shown = min(round(SHOWN * period), len(y), len(kicked))
    lines = {}
    for n in range(y.shape[1]):
        lines[f"output {n + 1}"] = series(range(-shown, shown), torch.cat([y[-shown:, n], kicked[:shown, n]]))
    over_time = Curves(
        "Outputs before and after a kick",
        f"The kick comes at frame 0; the period is {period:.2f} frames.",
        "frame",
        "output",
        lines,
    )
    O = y.shape[1]  # noqa: E741
    plane = Points(
        "Limit cycle", "The first output against itself a quarter of a period before; the path begins at the kick.",
        "output", "output a quarter of a period before",
        {"cycle": series(cycle[:, 0], cycle[:, O])}, {"after the kick": series(after[:shown, 0], after[:shown, O])},
    )  # fmt: skip
    end = float(distance[-(len(distance) // 4) :].mean())
    decay = Curves(
        "Distance to the cycle after a kick", f"At most {float(distance.max()):.3g} amplitudes, {end:.3g} at the end.", "frame",
        "distance (amplitudes)", {"kicked": series(range(len(distance)), distance)}, level=0.0,
    )  # fmt: skip
    return over_time, plane, decay
