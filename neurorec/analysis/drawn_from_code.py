"""Samples and reconstructions of a variational autoencoder, and a tighter bound on its log-likelihood."""

import math
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, Image, Images
from neurorec.basics.cards import Card
from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.seeds import torch_generator
from neurorec.engines.densities import code_layers, log_likelihood_of_bits, written
from neurorec.engines.engine import choose_engine
from neurorec.models.drawing import drawing_part
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import Task

ROW = 10  #: images side by side


class DrawnFromCodeSettings(Card):
    draws: Annotated[int, Field(ge=1, le=1000)]  #: of the code per sample, for the importance-weighted bound
    images: Annotated[int, Field(ge=1, le=100)]  #: on the page


@analyses.register("drawn_from_code")
class DrawnFromCode(RunAnalysis):
    """log p(x) >= E log of the mean over draws of p(x, code) / q(code | x) (Burda et al. 2016), on the test split; with one
    draw, it is the evidence lower bound. Samples are decoded from codes drawn from the prior."""

    about = "Samples and reconstructions of a variational autoencoder, and its importance-weighted bound"
    sources = ("burda2016",)
    through_time = False
    Settings = DrawnFromCodeSettings
    example: ClassVar = {"draws": 3, "images": 4}
    gives: ClassVar = {
        "importance-weighted bound": Value("lower bound on the log-likelihood of the test split", "nats/sample", True),
        "information in the code": Value(
            "Kullback-Leibler divergence of the code's distribution from the prior", "nats/sample"
        ),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        if (reason := super().why_not(network, task)) is not None:
            return reason
        try:
            code_layers(network)
            drawing_part(network)
        except (InputError, CannotRun) as error:
            return str(error)
        return None if task.objective.of_density else "its objective is not a density of the samples"

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: DrawnFromCodeSettings, seed: int) -> Found:
        batch, generator = task.split("test"), torch_generator(seed, "drawn from code")
        (name,) = code_layers(network)
        _, after = choose_engine("auto", network).sent_and_state(network, batch)
        code: Any = after.layers[name]
        steps = int(batch.mask.sum())

        def weight() -> Tensor:
            drawn = code._replace(noise=torch.randn(code.noise.shape, generator=generator))
            logits = draw(network, network[name].code(drawn), steps, batch.steps_per_frame)
            return log_likelihood_of_bits(logits, batch.answers).double() + network[name].log_ratio(drawn).double()

        bound = torch.stack([weight() for _ in range(settings.draws)]).logsumexp(0) - math.log(settings.draws)
        prior = torch.randn(settings.images, network[name].size, generator=generator)
        images = draw(network, prior, steps, batch.steps_per_frame).sigmoid()
        copies = draw(network, code.mean[:ROW], steps, batch.steps_per_frame).sigmoid()
        values = {
            "importance-weighted bound": float(bound.mean()),
            "information in the code": float(network[name].divergence(code).double().mean()),
        }
        chance = task.objective.chance
        pieces = {
            "samples: decoded from codes drawn from the prior": square_images(images),
            "test images": square_images(batch.answers[:ROW]),
            "reconstructions: decoded from their mean codes": square_images(copies),
        }
        about = "The grey level is the probability of a pixel."
        figures = (Images(f"Samples and reconstructions ({network.title})", about, pieces, ROW),)
        baseline = (chance, task.baselines()[chance]["test"])
        return Found(values, figures, {"importance-weighted bound": baseline})


def draw(network: Network, codes: Tensor, steps: int, steps_per_frame: int) -> Tensor:
    """Logits [B, K] of the images that a network decodes from codes [B, D] in `steps` steps."""
    decoder, mask = drawing_part(network), torch.ones(steps, dtype=torch.bool)
    sent = choose_engine("auto", decoder).sent(decoder, Batch(codes.expand(steps, -1, -1), None, mask))
    return written(sent[decoder.output], mask, steps_per_frame)


def square_images(images: Tensor) -> list[Image]:
    """Images [N, side side] for figures."""
    side = math.isqrt(images.shape[1])
    return [Image(image.reshape(side, side).tolist()) for image in images]
