"""Digits completed from their upper half by associative memories and Boltzmann machines, and by their spiking counterparts."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Found, Picture
from neurorec.analysis.half_digits import HalfDigits, half_digits, in_rows, nearest, regressed
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, LearningRate, Repeats, Share, Units
from neurorec.basics.seeds import torch_generator
from neurorec.engines.lif_machine import share_on
from neurorec.learning.persistent_contrastive_divergence import (
    PersistentContrastiveDivergence,
    PersistentContrastiveDivergenceCard,
)
from neurorec.learning.pseudo_inverse import PseudoInverse
from neurorec.models.energy.dense_hopfield import DenseHopfield, DenseHopfieldCard
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.lif_attractor import LIFAttractor, LIFAttractorCard
from neurorec.models.energy.lif_restricted_boltzmann import LIFRestrictedBoltzmann, LIFRestrictedBoltzmannCard
from neurorec.models.energy.model import EnergyModel, EnergyModelCard
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives

SHOWN = 12
ATTRACTOR = {
    "max_sweeps": 200, "dt_ms": 1.0, "tau_mem_ms": 10.0, "tau_syn_ms": 20.0, "refractory_ms": 10.0, "cue_ms": 150.0,
    "read_ms": 50.0, "gain": 20.0, "cue_gain": 20.0,
}  # fmt: skip


class DigitCompletionSettings(Card):
    stored: Annotated[
        Distinct[Annotated[int, Field(ge=1, le=60)]], Field(min_length=1)
    ]  #: candidates, chosen on validation
    hidden: Units
    epochs: Repeats
    learning_rate: LearningRate
    learning_rate_decay: Share
    sweeps: Annotated[int, Field(ge=2, le=10_000)]  #: with the known half clamped; the second half of them is averaged
    lif_steps: Annotated[int, Field(ge=100, le=10**5)]  #: of 0.1 ms, likewise
    images: Annotated[int, Field(ge=1, le=1000)]  #: of the test split


@analyses.register("digit_completion")
class DigitCompletion(Analysis):
    """Hopfield networks store some training images by the pseudo-inverse, dense associative memories store all of them, and the
    restricted Boltzmann machine learns all of them by persistent contrastive divergence. The spiking networks have the same
    weights: the attractor network receives the known half as a current that ends before its answer is read, and LIF neurons of
    the machine are clamped by currents."""

    about = "Digits whose lower half is hidden: how many pixels are completed correctly"
    sources = ("personnaz1985", "demircigil2017", "tieleman2008", "petrovici2016", "sklearn_digits")
    Settings = DigitCompletionSettings
    example = {  # noqa: RUF012
        "stored": [5], "hidden": 8, "epochs": 1, "learning_rate": 0.1, "learning_rate_decay": 1.0, "sweeps": 4,
        "lif_steps": 100, "images": 20,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "Hopfield network": Value("overlap of hidden pixels with the truth", higher_is_better=True),
        "LIF attractor network": Value("the same", higher_is_better=True),
        "dense associative memory": Value("the same, with exponential energy", higher_is_better=True),
        "restricted Boltzmann machine": Value("the same", higher_is_better=True),
        "LIF Boltzmann machine": Value("the same", higher_is_better=True),
        "mean image": Value("the same", higher_is_better=True),
        "nearest training image": Value("the same", higher_is_better=True),
        "ridge regression": Value("the same", higher_is_better=True),
        "images stored": Value("by the Hopfield network, chosen on validation"),
    }

    def run(self, settings: DigitCompletionSettings, seed: int) -> Found:
        data, generator = half_digits(seed), torch_generator(seed, "digit completion")
        truth = data.test[: settings.images]
        memories = {count: hopfield(data, count, generator) for count in sorted(settings.stored)}
        best = max(
            memories, key=lambda count: data.overlap(settle(memories[count], data, data.validation), data.validation)
        )
        machine = learned(data, settings, generator)
        answers = {
            "Hopfield network": settle(memories[best], data, truth),
            "LIF attractor network": attracted(memories[best], data, truth, generator),
            "dense associative memory": settle(dense(data), data, truth),
            "restricted Boltzmann machine": sampled(machine, data, truth, settings.sweeps, generator),
            "LIF Boltzmann machine": by_lif_neurons(machine, data, truth, settings.lif_steps, seed),
            "mean image": data.cue(truth),
            "nearest training image": nearest(data, truth),
            "ridge regression": regressed(data, truth),
        }
        values = {name: data.overlap(answer, truth) for name, answer in answers.items()}
        shown = {"cue": torch.where(data.known, truth, 0.0), **answers, "truth": truth}
        order = ", ".join(name for name in shown if name != "mean image")
        rows = [torch.where(data.known, truth, image)[:SHOWN] for name, image in shown.items() if name != "mean image"]
        figure = Picture(
            "Completed digits", f"Rows, from the top: {order}.", "pixel", "pixel", in_rows(rows).tolist(), "ink"
        )
        ridge = ("ridge regression", values["ridge regression"])
        return Found({**values, "images stored": float(best)}, (figure,), dict.fromkeys(list(answers)[:5], ridge))


def hopfield(data: HalfDigits, count: int, generator: torch.Generator) -> Hopfield:
    """A network that stores `count` random training images."""
    made = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=20), len(data.known)).double()
    made.reset_parameters(generator)
    images = data.train[torch.randperm(len(data.train), generator=torch.Generator().manual_seed(count))[:count]]
    card = PseudoInverse.Card(rule="pseudo_inverse", task="", epochs=1, batch_size=count)
    PseudoInverse(card).step(made, None, _batch(images))
    return made


def dense(data: HalfDigits) -> DenseHopfield:
    """A memory that stores all training images."""
    card = DenseHopfieldCard(name="dense_hopfield", max_sweeps=20, patterns=len(data.train), power="exponential")
    made = DenseHopfield(card, len(data.known)).double()
    made.load_state_dict({"memory": data.train})
    return made


def settle(model: EnergyModel, data: HalfDigits, images: Tensor) -> Tensor:
    """Hidden pixels updated one after another, from the mean image, with the known ones held."""
    states, generator = data.cue(images), torch.Generator()
    for _ in range(model.card.max_sweeps):
        before = states
        for unit in (~data.known).nonzero()[:, 0].tolist():
            states = model.update(states, unit, generator)
        if torch.equal(before, states):
            break
    return states


def attracted(memory: Hopfield, data: HalfDigits, images: Tensor, generator: torch.Generator) -> Tensor:
    made = LIFAttractor(LIFAttractorCard(name="lif_attractor", **ATTRACTOR), memory.size).double()
    made.load_state_dict(memory.state_dict())
    return made.relax(torch.where(data.known, images, 0.0), generator).states


def learned(data: HalfDigits, settings: DigitCompletionSettings, generator: torch.Generator) -> RestrictedBoltzmann:
    card = RestrictedBoltzmannCard(
        name="restricted_boltzmann", max_sweeps=1, temperature=1.0, initial_spread=0.1, hidden=settings.hidden
    )
    made = RestrictedBoltzmann(card, len(data.known))
    made.reset_parameters(generator)
    method = PersistentContrastiveDivergence(PersistentContrastiveDivergenceCard(
        rule="persistent_contrastive_divergence", task="", epochs=settings.epochs, batch_size=50, sweeps=1, chains=100,
        learning_rate=settings.learning_rate, learning_rate_decay=settings.learning_rate_decay,
    ))  # fmt: skip
    state = method.init(made, None, objectives["log_likelihood"](), generator)
    images = (data.train > 0).float()
    for _ in range(settings.epochs):
        for part in torch.randperm(len(images), generator=generator).split(50):
            state, _ = method.step(made, state, _batch(images[part]))
    return made


def sampled(
    model: RestrictedBoltzmann, data: HalfDigits, images: Tensor, sweeps: int, generator: torch.Generator
) -> Tensor:
    """Gibbs sampling with the known half held; pixels that are on with a mean probability of more than one half."""
    v, chances = (data.cue(images) > 0).float(), torch.zeros(len(images), len(data.known))
    for sweep in range(sweeps):
        drawn = torch.rand(len(v), model.hidden, generator=generator)
        h = (drawn < torch.sigmoid(model.hidden_field(v))).float()
        p = torch.sigmoid(model.visible_field(h))
        chances += p * (sweep >= sweeps // 2)
        v = torch.where(data.known, v, (torch.rand(v.shape, generator=generator) < p).float())
    return _signs(chances / (sweeps - sweeps // 2))


def by_lif_neurons(model: RestrictedBoltzmann, data: HalfDigits, images: Tensor, steps: int, seed: int) -> Tensor:
    shared = {key: getattr(model.card, key) for key in ("temperature", "initial_spread", "hidden")}
    card = LIFRestrictedBoltzmannCard(name="lif_restricted_boltzmann", max_sweeps=steps, clamped_ms=1.0, **shared)
    made = LIFRestrictedBoltzmann(card, model.visible)
    made.load_state_dict(model.state_dict())
    return _signs(torch.from_numpy(share_on(made, (images > 0).numpy(), data.known.numpy(), seed)))


def _signs(shares: Tensor) -> Tensor:
    return torch.where(shares > 0.5, 1.0, -1.0).double()


def _batch(images: Tensor) -> Batch:
    return Batch(images[None], None, torch.ones(1, dtype=torch.bool))
