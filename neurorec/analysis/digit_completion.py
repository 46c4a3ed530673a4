"""Digits completed from their upper half by associative memories and Boltzmann machines, and by their spiking counterparts."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Found, Images
from neurorec.analysis.half_digits import HalfDigits, drawn, half_digits, nearest, regressed
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, LearningRate, Repeats, Share, Units
from neurorec.basics.seeds import torch_generator
from neurorec.engines.lif_machine import share_on
from neurorec.learning.deep_boltzmann_learning import DeepBoltzmannLearning, DeepBoltzmannLearningCard
from neurorec.learning.persistent_contrastive_divergence import (
    PersistentContrastiveDivergence,
    PersistentContrastiveDivergenceCard,
)
from neurorec.learning.pseudo_inverse import PseudoInverse
from neurorec.learning.rule import Rule
from neurorec.models.energy.deep_boltzmann import DeepBoltzmann, DeepBoltzmannCard
from neurorec.models.energy.dense_hopfield import DenseHopfield, DenseHopfieldCard
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.lif_attractor import LIFAttractor, LIFAttractorCard
from neurorec.models.energy.lif_restricted_boltzmann import LIFRestrictedBoltzmann, LIFRestrictedBoltzmannCard
from neurorec.models.energy.model import EnergyModel, EnergyModelCard
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.energy.sampling import SamplingModel
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives

SHOWN, BATCH = 12, 50
MACHINE: dict[str, Any] = {"max_sweeps": 1, "temperature": 1.0, "initial_spread": 0.1}
TRAINING: dict[str, Any] = {"task": "", "batch_size": BATCH, "sweeps": 1, "chains": 100}
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
    Boltzmann machines, restricted and deep, learn all of them. The spiking networks have the same weights: the attractor
    network receives the known half as a current that ends before its answer is read, and LIF neurons of the restricted machine
    are clamped by currents."""

    about = "Digits whose lower half is hidden: how many pixels are completed correctly"
    sources = (
        "personnaz1985",
        "demircigil2017",
        "tieleman2008",
        "salakhutdinov2009",
        "petrovici2016",
        "sklearn_digits",
    )
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
        "deep Boltzmann machine": Value("the same", higher_is_better=True),
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
        machine = shallow(data, settings, generator)
        answers = {
            "Hopfield network": settle(memories[best], data, truth),
            "LIF attractor network": attracted(memories[best], data, truth, generator),
            "dense associative memory": settle(dense(data), data, truth),
            "restricted Boltzmann machine": sampled(machine, data, truth, settings.sweeps, generator),
            "deep Boltzmann machine": sampled(deep(data, settings, generator), data, truth, settings.sweeps, generator),
            "LIF Boltzmann machine": by_lif_neurons(machine, data, truth, settings.lif_steps, seed),
            "mean image": data.cue(truth),
            "nearest training image": nearest(data, truth),
            "ridge regression": regressed(data, truth),
        }
        values = {name: data.overlap(answer, truth) for name, answer in answers.items()}
        shown = {"cue": torch.where(data.known, truth, 0.0), **answers, "truth": truth}
        figure = Images(
            "Completed digits", "The upper half was given; grey pixels had to be completed.",
            {name: drawn(torch.where(data.known, truth, image)[:SHOWN]) for name, image in shown.items()}, columns=SHOWN,
        )  # fmt: skip
        ridge = ("ridge regression", values["ridge regression"])
        return Found({**values, "images stored": float(best)}, (figure,), dict.fromkeys(list(answers)[:6], ridge))


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


def learned(
    model: SamplingModel, rule: Rule, epochs: int, data: HalfDigits, generator: torch.Generator
) -> SamplingModel:
    """The model, after some epochs of the training images in batches of 50."""
    model.reset_parameters(generator)
    state = rule.init(model, None, objectives["log_likelihood"](), generator)
    images = (data.train > 0).float()
    for _ in range(epochs):
        for part in torch.randperm(len(images), generator=generator).split(BATCH):
            state, _ = rule.step(model, state, _batch(images[part]))
    return model


def shallow(data: HalfDigits, settings: DigitCompletionSettings, generator: torch.Generator) -> SamplingModel:
    card = RestrictedBoltzmannCard(**MACHINE, name="restricted_boltzmann", hidden=settings.hidden)
    rule = PersistentContrastiveDivergenceCard(
        **TRAINING, rule="persistent_contrastive_divergence", epochs=settings.epochs, learning_rate=settings.learning_rate,
        learning_rate_decay=settings.learning_rate_decay,
    )  # fmt: skip
    made = RestrictedBoltzmann(card, len(data.known))
    return learned(made, PersistentContrastiveDivergence(rule), settings.epochs, data, generator)


def deep(data: HalfDigits, settings: DigitCompletionSettings, generator: torch.Generator) -> SamplingModel:
    """With a second hidden layer, trained with the settings of pair digits_dbm, for as many epochs."""
    card = DeepBoltzmannCard(
        **MACHINE, name="deep_boltzmann", hidden=[settings.hidden, max(1, settings.hidden // 8)], mean_field_sweeps=5
    )
    rule = DeepBoltzmannLearningCard(
        **TRAINING, rule="deep_boltzmann_learning", epochs=settings.epochs, learning_rate=0.1, learning_rate_decay=0.9985,
        pretraining_updates=260, pretraining_rate=0.2,
    )  # fmt: skip
    made = DeepBoltzmann(card, len(data.known))
    return learned(made, DeepBoltzmannLearning(rule), settings.epochs, data, generator)


def sampled(model: SamplingModel, data: HalfDigits, images: Tensor, sweeps: int, generator: torch.Generator) -> Tensor:
    """Gibbs sampling with the known half held; pixels that are on with a mean probability of more than one half."""
    cue, visible = (data.cue(images) > 0).float(), slice(0, model.visible)
    states, chances = torch.zeros(len(images), model.size), torch.zeros_like(cue)
    states[:, visible] = cue
    for sweep in range(sweeps):
        for group in model.groups():
            states = model.redraw(states, group, torch.rand(states[:, group].shape, generator=generator))
            states[:, visible] = torch.where(data.known, cue, states[:, visible])
        chances += torch.sigmoid(model.field(states, visible) / model.temperature) * (sweep >= sweeps // 2)
    return _signs(chances / (sweeps - sweeps // 2))


def by_lif_neurons(model: SamplingModel, data: HalfDigits, images: Tensor, steps: int, seed: int) -> Tensor:
    shared = {key: getattr(model.card, key) for key in ("temperature", "initial_spread", "hidden")}
    card = LIFRestrictedBoltzmannCard(name="lif_restricted_boltzmann", max_sweeps=steps, clamped_ms=1.0, **shared)
    made = LIFRestrictedBoltzmann(card, model.visible)
    made.load_state_dict(model.state_dict())
    return _signs(torch.from_numpy(share_on(made, (images > 0).numpy(), data.known.numpy(), seed)))


def _signs(shares: Tensor) -> Tensor:
    return torch.where(shares > 0.5, 1.0, -1.0).double()


def _batch(images: Tensor) -> Batch:
    return Batch(images[None], None, torch.ones(1, dtype=torch.bool))
