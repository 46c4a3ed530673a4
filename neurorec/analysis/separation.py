"""The separation property of a liquid: different inputs lead to different states, and larger differences to larger ones."""

from itertools import pairwise
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card, check_card
from neurorec.basics.errors import InputError, RunFailed
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.numbers import Distinct, Gain, Potential, RateHz, TimeMs
from neurorec.basics.seeds import torch_generator
from neurorec.models.cell import Cell, cells

KERNEL_MS = 5.0  #: every spike at time s becomes exp(-((t - s) / KERNEL_MS)^2)
CLOSE = 0.01  #: by which the distance of a pair may differ from the one wanted
CANDIDATES, ROUNDS = 64, 200


class SeparationCard(Card):
    size: Annotated[int, Field(ge=2, le=2_000)]
    cell: dict[str, Any]  #: of spiking neurons: its name and keys, without its size and dt_ms
    dt_ms: TimeMs
    start: Annotated[list[Potential], Field(min_length=2, max_length=2)]  #: first potentials are uniform between these
    rate_Hz: RateHz  #: of the input, one Poisson spike train
    length_ms: TimeMs
    distances: Distinct[
        Gain
    ]  #: between the two spike trains of a pair; 0 for the same train, from different potentials
    pairs: Annotated[int, Field(ge=1, le=1_000)]  #: per distance
    filter_ms: TimeMs  #: the state is the spikes filtered exponentially
    settle_ms: Gain  #: start of the time over which means are taken


@analyses.register("separation")
class Separation(Analysis):
    """The distance between two spike trains is that of their convolutions with a Gaussian, in the L2 norm with time in
    seconds, divided by the length of the trains; that between two states is Euclidean. Means are over pairs (Maass et al.
    2002, figure 2).

    The second train of a pair is the first with its spikes moved at random, and some of them drawn again, such that the
    distance is within 0.01 of the one wanted.
    """

    about = (
        "Distance between the states of a liquid for pairs of inputs, as a function of the distance between the inputs"
    )
    sources = ("maass2002",)
    Settings = SeparationCard
    example = {  # noqa: RUF012
        "size": 20, "cell": {"name": "liquid_state", "tau_mem_ms": 20.0, "tau_syn_ms": 5.0, "v_threshold": 1.0, "v_leak": 0.0,
        "v_reset": 0.0, "reset": "zero", "surrogate": "superspike", "slope": 5.0, "input_gain": 8.0, "recurrent_gain": 1.0,
        "excitatory_share": 0.8, "density": 0.2, "input_density": 0.5, "inhibition": 4.0}, "dt_ms": 1.0, "start": [0.0, 1.0],
        "rate_Hz": 40.0, "length_ms": 200.0, "distances": [0.0, 0.4, 0.8], "pairs": 5, "filter_ms": 30.0, "settle_ms": 50.0,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "least increase": Value(
            "smallest increase of the state distance from one input distance to the next", "", True
        ),
        "least over noise": Value(
            "state distance at the smallest input distance, relative to that for equal inputs", "", True
        ),
        "largest over smallest": Value(
            "state distance at the largest input distance, relative to that at the smallest", ""
        ),
        "rate": Value("mean rate of the neurons", "Hz"),
    }

    @classmethod
    def settings(cls, given: Any, where: str = "settings") -> SeparationCard:
        found = super().settings(given, where)
        _drawn_cell(found, 0, where)
        if len(found.distances) < 2 or found.distances != sorted(found.distances) or found.distances[0] != 0:
            raise InputError(f"{where}: distances must ascend from 0 (got {found.distances})")
        if found.settle_ms >= found.length_ms:
            raise InputError(
                f"{where}: settle_ms must be below length_ms {found.length_ms:g} (got {found.settle_ms:g})"
            )
        return found

    @torch.no_grad()
    def run(self, settings: SeparationCard, seed: int) -> Found:
        generator, cell = torch_generator(seed, "separation"), _drawn_cell(settings, seed)
        steps = round(settings.length_ms / settings.dt_ms)
        refuse_memory(
            16 * steps * settings.pairs * settings.size, f"{settings.pairs:,} pairs", "use fewer pairs or units"
        )
        curves, rates = [], []
        for distance in settings.distances:
            pairs = [pair_of_trains(settings, distance, generator) for _ in range(settings.pairs)]
            seen = [spikes_of(cell, settings, steps, [pair[k] for pair in pairs], generator) for k in (0, 1)]
            apart = filtered(seen[0] - seen[1], settings)
            curves.append(apart.square().sum(2).sqrt().mean(1))
            rates.append(float(torch.stack(seen).mean()) * 1000 / settings.dt_ms)
        means = [float(curve[round(settings.settle_ms / settings.dt_ms) :].mean()) for curve in curves]
        steps_up = [after - before for before, after in pairwise(means)]
        values = {
            "least increase": min(steps_up),
            "least over noise": means[1] / max(means[0], 1e-12),
            "largest over smallest": means[-1] / max(means[1], 1e-12),
            "rate": sum(rates) / len(rates),
        }
        times = [(t + 1) * settings.dt_ms for t in range(steps)]
        lines = {f"d(u, v) = {d:g}": series(times, curve) for d, curve in zip(settings.distances, curves, strict=True)}
        figure = Curves(
            f"Distance of states: {cell.title}", f"Mean over {settings.pairs} pairs of inputs at each distance.", "time (ms)",
            "distance", dict(reversed(lines.items())),
        )  # fmt: skip
        return Found(values, (figure,))


def distance_of(u: Tensor, v: Tensor, length_ms: float) -> Tensor:
    """Distances of spike trains with spikes at u [n] and v [..., m], in ms."""
    square = overlap(u, u).sum((-1, -2)) + overlap(v, v).sum((-1, -2)) - 2 * overlap(u, v).sum((-1, -2))
    return square.clamp_min(0).sqrt() / (length_ms / 1000)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Integrals of the products of the Gaussians at a [..., n] and b [..., m], with time in s: [..., n, m]."""
    size = KERNEL_MS / 1000 * (torch.pi / 2) ** 0.5
    return size * torch.exp(-((a[..., :, None] - b[..., None, :]) ** 2) / (2 * KERNEL_MS**2))


def pair_of_trains(settings: SeparationCard, distance: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two spike trains at this distance: times of spikes in ms, on the grid of steps."""
    length, dt = settings.length_ms, settings.dt_ms
    for _ in range(ROUNDS):
        u = poisson_train(settings, generator)
        if distance == 0:
            return u, u
        moved = torch.randn(CANDIDATES, len(u), generator=generator)
        moved *= 30 ** torch.rand(CANDIDATES, 1, generator=generator)  # by 1 to 30 ms
        again = (
            torch.rand(CANDIDATES, len(u), generator=generator) < torch.rand(CANDIDATES, 1, generator=generator) ** 2
        )
        fresh = length * torch.rand(CANDIDATES, len(u), generator=generator)
        v = torch.where(again, fresh, (u + moved).clamp(0, length - dt))
        v = (v / dt).floor() * dt
        near = ((distance_of(u, v, length) - distance).abs() < CLOSE).nonzero()
        if len(near):
            return u, v[near[0, 0]]
    raise RunFailed(f"no pair of spike trains at a distance of {distance:g} was found; use smaller distances")


def poisson_train(settings: SeparationCard, generator: torch.Generator) -> Tensor:
    steps = round(settings.length_ms / settings.dt_ms)
    spikes = torch.rand(steps, generator=generator) < settings.rate_Hz * settings.dt_ms / 1000
    return spikes.nonzero()[:, 0].double() * settings.dt_ms


def spikes_of(
    cell: Cell, settings: SeparationCard, steps: int, trains: list[Tensor], generator: torch.Generator
) -> Tensor:
    """Spikes [T, B, H] for one train each, from random potentials."""
    x = torch.zeros(steps, len(trains), 1)
    for b, train in enumerate(trains):
        x[(train / settings.dt_ms).round().long(), b] = 1
    low, high = settings.start
    v = low + (high - low) * torch.rand(len(trains), cell.size, generator=generator)
    return cell(x, cell.initial_state(len(trains))._replace(v=v))[0]


def filtered(values: Tensor, settings: SeparationCard) -> Tensor:
    """values [T, B, H], each decaying with filter_ms."""
    state, found, kept = torch.zeros_like(values[0]), torch.empty_like(values), 1 - settings.dt_ms / settings.filter_ms
    for t, value in enumerate(values):
        state = kept * state + value
        found[t] = state
    return found


def _drawn_cell(settings: SeparationCard, seed: int, where: str = "settings") -> Cell:
    kind = cells[settings.cell.get("name", "")]
    card = check_card({**settings.cell, "size": settings.size, "dt_ms": settings.dt_ms}, kind.Card, f"{where}: cell")
    cell = kind(card, 1)
    if cell.output_signal != "spikes" or "v" not in cell.initial_state(1)._fields:
        raise InputError(f"{where}: {cell.title} has no membrane potentials; use a cell of spiking neurons")
    cell.reset_parameters(torch_generator(seed, "separation cell"))
    return cell
