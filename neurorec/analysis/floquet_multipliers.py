"""Floquet multipliers of the cycle on which a trained rate network settles under constant drive."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, Points, series
from neurorec.analysis.whole_state import Step, flat_step, jacobians, spikes_why_not, visited
from neurorec.basics.cards import Card
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask

CLOSED = 1e-6  #: an orbit that returns within this share of its size is a cycle


class FloquetSettings(Card):
    settle: Annotated[int, Field(ge=1, le=10**6)]  #: frames after the sample, at constant input
    most_steps: Annotated[int, Field(ge=1, le=10**4)]  #: longest cycle that is looked for


@analyses.register("floquet_multipliers")
class FloquetMultipliers(RunAnalysis):
    """M = J(s_{p-1}) ... J(s_1) J(s_0), with J = ds_{t+1}/ds_t at constant input, over the p steps in which the state returns.
    Its eigenvalues are the Floquet multipliers: the factors by which small displacements change per turn. A cycle is stable if
    all are inside the unit circle.

    p is the first return within 1e-6 of the orbit's size. A rhythm whose period is no whole number of steps never returns
    exactly; p is then the closest return, `gap` says how close, and one multiplier is near 1: a shift along the cycle remains.
    """

    about = "Floquet multipliers of the cycle of a trained rate network under constant drive: how displacements decay per turn"
    sources = ("strogatz2015",)
    Settings = FloquetSettings
    example = {"settle": 20, "most_steps": 20}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "steps per turn": Value("number of steps after which the state returns; 1 for a fixed point", "steps"),
        "gap": Value("distance after a turn, relative to the size of the orbit; 0 if the cycle is closed", "", False),
        "largest multiplier": Value("largest modulus; near 1 for a shift along a cycle that is not closed"),
        "second multiplier": Value(
            "second largest modulus: share of a displacement across the cycle left after a turn"
        ),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        return super().why_not(network, task) or spikes_why_not(network)

    def run(self, network: Network, task: EncodedTask, settings: FloquetSettings, seed: int) -> Found:
        network = network.double().requires_grad_(False)
        step, start = flat_step(network)
        k = task.encoder.steps_per_frame
        inputs = task.split("test").take(torch.tensor([0])).x.double()
        held = inputs[-k:]
        state = visited(step, start(1), torch.cat([inputs, held.repeat(settings.settle, 1, 1)]))[-1]
        states = visited(step, state, held.repeat(-(-settings.most_steps // k), 1, 1))[:, 0]
        turn, gap = first_return(states)
        values = torch.linalg.eigvals(monodromy(step, states[:turn], held.repeat(-(-turn // k), 1, 1)[:turn, 0]))
        moduli = values.abs().sort(descending=True).values.tolist()
        angle = torch.linspace(0, 2 * torch.pi, 121)
        figure = Points(
            "Floquet multipliers",
            f"The state returns after {turn} steps, to {gap:.2g} of the orbit's size. The largest multipliers are "
            f"{', '.join(f'{each:.3g}' for each in moduli[:3])}.",
            "real part", "imaginary part", {"multipliers": series(values.real, values.imag)},
            {"unit circle": series(angle.cos(), angle.sin())}, equal_axes=True,
        )  # fmt: skip
        second = moduli[1] if len(moduli) > 1 else float("nan")
        found = {
            "steps per turn": float(turn),
            "gap": gap,
            "largest multiplier": moduli[0],
            "second multiplier": second,
        }
        return Found(found, (figure,))


def first_return(states: Tensor) -> tuple[int, float]:
    """The number of steps in which an orbit [T + 1, N] returns to its first state, and the distance that is left, relative to
    the orbit's size; for an orbit that rests, 1 and 0."""
    size = float((states - states.mean(0)).norm(dim=1).max())
    distances = (states[1:] - states[0]).norm(dim=1)
    if size <= CLOSED * float(states.norm(dim=1).max()):
        return 1, 0.0
    closed = (distances <= CLOSED * size).nonzero().flatten()
    turn = int(closed[0]) if len(closed) else int(distances.argmin())
    return turn + 1, float(distances[turn]) / size


def monodromy(step: Step, states: Tensor, x: Tensor) -> Tensor:
    """[N, N]: the derivative of the state after the steps from states [p, N] at inputs x [p, I], with respect to the first."""
    product = torch.eye(states.shape[1], dtype=states.dtype)
    for J in jacobians(step, states, x):
        product = J @ product
    return product
