"""Fixed points of a trained rate network: search from visited states, linearisation, phase portrait."""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Arrow, Found, Points, series
from neurorec.analysis.whole_state import Step, flat_step, jacobians, spikes_why_not, visited
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Repeats
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask

EXACT = 1e-10  #: largest |F(s) - s| of a fixed point
SAME = 1e-5  #: fixed points closer than this are one
DAMPING = (0.0, 1e-6, 1e-4, 1e-2, 1.0)
SHOWN = 8  #: trajectories in the phase portrait
FIELD = 13  #: arrows of the field per axis


class FixedPointsSettings(Card):
    input: Literal[
        "zero", "mean", "last"
    ]  #: held constant: zero, the mean over the test samples, or each sample's last frame
    starts: Annotated[int, Field(ge=1, le=10_000)]
    iterations: Repeats


@analyses.register("fixed_points")
class FixedPoints(RunAnalysis):
    """States s = F(s, x) at a constant input x. From states that test samples visit, Gauss-Newton steps minimise the speed
    |F(s, x) - s|^2 / 2; where it does not become zero, there is a slow point, which is not counted. Eigenvalues of dF/ds inside
    the unit circle are stable directions: a stable point has no others, a saddle has both kinds."""

    about = "Fixed points of a trained rate network at constant input, their stability, and a phase portrait"
    sources = ("sussillo2013",)
    Settings = FixedPointsSettings
    example = {"input": "mean", "starts": 20, "iterations": 30}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "fixed points": Value("number of different fixed points found"),
        "stable": Value("number of stable ones"),
        "saddles": Value("number of those with both stable and unstable directions"),
        "largest residual": Value("largest |F(s) - s| of all fixed points", "", False),
        "slowest decay": Value(
            "largest modulus of an eigenvalue below 1, over all fixed points: what is kept per step"
        ),
    }

    def why_not(self, network: Network, task: Any) -> str | None:
        return super().why_not(network, task) or spikes_why_not(network)

    def run(self, network: Network, task: EncodedTask, settings: FixedPointsSettings, seed: int) -> Found:
        network = network.double().requires_grad_(False)
        step, start = flat_step(network)
        batch = task.split("test").take(torch.arange(min(200, task.split("test").size)))
        inputs = batch.x.double()
        orbits = visited(step, start(inputs.shape[1]), inputs)
        held = _held(inputs, settings.input)
        states = orbits.flatten(0, 1)
        chosen = torch.randperm(len(states), generator=torch_generator(seed, "fixed points"))[: settings.starts]
        x = held.repeat(len(orbits), 1)[chosen]
        found, given = fixed_points(step, states[chosen], x, settings.iterations)
        J = jacobians(step, found, given)
        moduli = torch.linalg.eigvals(J).abs()
        stable = (moduli < 1).all(1)
        residual = (step(found, given) - found).norm(dim=1)
        below = moduli[moduli < 1]
        values = {
            "fixed points": float(len(found)), "stable": float(stable.sum()),
            "saddles": float(((moduli < 1).any(1) & ~stable).sum()),
            "largest residual": float(residual.max()) if len(found) else float("nan"),
            "slowest decay": float(below.max()) if len(below) else float("nan"),
        }  # fmt: skip
        figures = (portrait(step, orbits, held.mean(0), found, stable), spectrum(J, stable))
        return Found(values, figures)


def _held(inputs: Tensor, kind: str) -> Tensor:
    """[B, I]: the constant input of each sample."""
    if kind == "zero":
        return torch.zeros_like(inputs[0])
    return inputs.mean((0, 1)).expand_as(inputs[0]) if kind == "mean" else inputs[-1]


def fixed_points(step: Step, states: Tensor, x: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """The different fixed points [K, N] to which these states [B, N] lead, and their inputs [K, I]. Each step takes the damping
    that reduces the speed most."""
    eye = torch.eye(states.shape[1], dtype=states.dtype)
    for _ in range(iterations):
        miss = step(states, x) - states
        A = jacobians(step, states, x) - eye
        normal, gradient = A.mT @ A, A.mT @ miss[..., None]
        best, least = states, miss.norm(dim=1)
        for damping in DAMPING:
            move, failed = torch.linalg.solve_ex(normal + damping * eye, gradient)
            tried = states - move[..., 0]
            speed = (step(tried, x) - tried).norm(dim=1)
            better = (speed < least) & (failed == 0)
            best, least = torch.where(better[:, None], tried, best), torch.where(better, speed, least)
        states = best
    exact = (step(states, x) - states).norm(dim=1) < EXACT
    return different(states[exact], x[exact])


def different(states: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """One of each group of equal states with equal inputs."""
    kept: list[int] = []
    both = torch.cat([states, x], 1)
    for n in range(len(both)):
        if not kept or bool(((both[kept] - both[n]).norm(dim=1) > SAME).all()):
            kept.append(n)
    return states[kept], x[kept]


def portrait(step: Step, orbits: Tensor, x: Tensor, found: Tensor, stable: Tensor) -> Points:
    """Orbits of samples and fixed points in the plane of largest variance of the visited states, with the motion of points of
    this plane at the mean of the held inputs."""
    flat = orbits.flatten(0, 1)
    centre = flat.mean(0)
    _, sizes, axes = torch.linalg.svd(flat - centre, full_matrices=False)
    plane = axes[:2]
    share = float((sizes[:2] ** 2).sum() / (sizes**2).sum())

    def seen(states: Tensor) -> Tensor:
        return (states - centre) @ plane.T

    at = seen(flat)
    grid = torch.cartesian_prod(*(torch.linspace(float(a.min()), float(a.max()), FIELD, dtype=a.dtype) for a in at.T))
    motion = seen(step(centre + grid @ plane, x.expand(len(grid), -1))) - grid
    arrows = tuple(Arrow(*map(float, (*p, *m))) for p, m in zip(grid, motion, strict=True))
    groups = {}
    for name, which in (("stable fixed point", stable), ("unstable fixed point", ~stable)):
        if bool(which.any()):
            groups[name] = series(*seen(found[which]).T)
    paths = {f"sample {n}": series(*seen(orbits[:, n]).T) for n in range(min(SHOWN, orbits.shape[1]))}
    return Points(
        "Phase portrait",
        f"Test samples and fixed points in the first two principal components, which hold {share:.0%} of the variance. Arrows: "
        "motion in one step at constant input.",
        "first component", "second component", groups, paths, arrows,
    )  # fmt: skip


def spectrum(J: Tensor, stable: Tensor) -> Points:
    """Eigenvalues at every fixed point, in the complex plane."""
    angle = torch.linspace(0, 2 * torch.pi, 121)
    groups = {}
    for name, which in (("at stable points", stable), ("at unstable points", ~stable)):
        if bool(which.any()):
            values = torch.linalg.eigvals(J[which]).flatten()
            groups[name] = series(values.real, values.imag)
    outside = int((torch.linalg.eigvals(J).abs() > 1).sum())
    return Points(
        "Eigenvalues at the fixed points", f"{outside} lie outside the unit circle and are unstable directions.", "real part",
        "imaginary part", groups, {"unit circle": series(angle.cos(), angle.sin())}, equal_axes=True,
    )  # fmt: skip
