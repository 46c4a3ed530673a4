"""The Ising model on a square lattice, sampled from low to high temperatures, compared with exact results."""

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import AnyFigure, Curves, Found, Picture, series
from neurorec.analysis.ising_exact import T_CRITICAL, internal_energy, spontaneous_magnetisation
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, Repeats
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.models.energy.ising import Ising, IsingCard

NEAR = 0.1  #: share of the critical temperature within which finite lattices differ from the infinite one
Temperature = Annotated[float, Field(ge=0.1, le=100)]


class IsingLatticeSettings(Card):
    side: Annotated[int, Field(ge=3, le=1000)]
    temperatures: Annotated[Distinct[Temperature], Field(min_length=1)]
    dynamics: Literal["metropolis", "glauber"]
    before: Repeats  #: sweeps before averaging
    sweeps: Repeats  #: that are averaged


@analyses.register("ising_lattice")
class IsingLattice(Analysis):
    """One chain per temperature, started with all spins up. Errors are differences from the infinite lattice (Onsager 1944;
    Yang 1952), except within a tenth of the critical temperature, where finite lattices differ most."""

    about = "Energy and magnetisation of the Ising model against temperature, sampled and exact"
    sources = ("onsager1944", "yang1952")
    Settings = IsingLatticeSettings
    example = {"side": 8, "temperatures": [1.5, 4.0], "dynamics": "glauber", "before": 20, "sweeps": 50}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "error of the energy": Value("largest absolute error, per spin", "J", False),
        "error of the magnetisation": Value(
            "largest absolute error below the critical temperature, per spin", "", False
        ),
        "temperature of the steepest energy": Value(
            "at which the specific heat, from the fluctuations of the energy, is largest"
        ),
        "magnetisation at the highest temperature": Value("mean absolute value, per spin", "", False),
    }

    def run(self, settings: IsingLatticeSettings, seed: int) -> Found:
        temperatures, spins = sorted(settings.temperatures), settings.side**2
        seen = [chain(settings, temperature, seed) for temperature in temperatures]
        energy = np.array([each.mean() for each, _, _ in seen]) / spins
        moduli = np.array([np.abs(each).mean() for _, each, _ in seen]) / spins
        heat = [each.var() / temperature**2 for (each, _, _), temperature in zip(seen, temperatures, strict=True)]
        exact, ordered = list(map(internal_energy, temperatures)), list(map(spontaneous_magnetisation, temperatures))
        far = np.abs(np.array(temperatures) / T_CRITICAL - 1) >= NEAR
        cold = far & (np.array(temperatures) < T_CRITICAL)
        values = {
            "error of the energy": float(np.abs(energy - exact)[far].max(initial=0)) if far.any() else float("nan"),
            "error of the magnetisation": float(np.abs(moduli - ordered)[cold].max(initial=0))
            if cold.any()
            else float("nan"),
            "temperature of the steepest energy": temperatures[int(np.argmax(heat))],
            "magnetisation at the highest temperature": float(moduli[-1]),
        }
        return Found(values, (*_curves(settings, temperatures, energy, moduli), *_pictures(temperatures, seen)))


def chain(settings: IsingLatticeSettings, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies and sums of spins after each averaged sweep, and the last spins [side, side]."""
    lattice, side = load_kernels("lattice"), settings.side
    spins, chances = np.ones((side, side), np.int8), chances_up(temperature, settings.dynamics)
    stream = numpy_generator(seed, f"ising {side} {temperature!r}").integers(2**63, dtype=np.uint64)
    energies, sums = np.zeros((2, settings.before + settings.sweeps), np.int64)
    lattice.sweep_lattice(spins, chances, stream, 0, energies, sums)
    return energies[settings.before :], sums[settings.before :], spins


def chances_up(temperature: float, dynamics: Literal["metropolis", "glauber"]) -> np.ndarray:
    """[2, 5] the probability that a spin is 1 after its update, by its value and the sum of its neighbours."""
    model = Ising(IsingCard(name="ising", max_sweeps=1, temperature=temperature, dynamics=dynamics), 9)
    fields = torch.tensor([-4.0, -2, 0, 2, 4])
    return torch.stack([model.chance_up(torch.full((5,), spin), fields) for spin in (-1.0, 1.0)]).numpy()


def _curves(settings: IsingLatticeSettings, at: list[float], energy: np.ndarray, moduli: np.ndarray) -> list[AnyFigure]:
    smooth = np.linspace(at[0], at[-1], 200).tolist()
    name, label = f"{settings.side} x {settings.side} spins", "temperature (J)"
    about = f"The critical temperature of the infinite lattice is {T_CRITICAL:.3f} J."
    return [
        Curves(f"Magnetisation, {settings.dynamics}", about, label, "mean absolute magnetisation per spin",
               {name: series(at, moduli), "infinite, exact": series(smooth, map(spontaneous_magnetisation, smooth))}),
        Curves(f"Energy, {settings.dynamics}", about, label, "energy per spin (J)",
               {name: series(at, energy), "infinite, exact": series(smooth, map(internal_energy, smooth))}),
    ]  # fmt: skip


def _pictures(at: list[float], seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[AnyFigure]:
    """The lattice at the lowest temperature, at that nearest to the critical one, and at the highest."""
    nearest = min(range(len(at)), key=lambda n: abs(at[n] - T_CRITICAL))
    return [
        Picture(f"Spins at T = {at[n]:g}", f"The last state; the mean spin is {seen[n][2].mean():+.2f}.", "column", "row",
                seen[n][2].astype(float).tolist(), "spin")
        for n in sorted({0, nearest, len(at) - 1})
    ]  # fmt: skip
