"""A generator learns against a critic that learns to tell its samples from real ones (Goodfellow et al. 2014)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.basics.numbers import Gain, LearningRate, PositiveGain, Share
from neurorec.engines.engine import Engine
from neurorec.learning.bptt import BPTT
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.architecture import read_architecture
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch, frame_means
from neurorec.tasks.objective import Objective
from neurorec.tasks.objectives.samples_classified import SamplesClassified, classes_of
from neurorec.tasks.task import Task


class CriticCard(Card):
    """The network that judges samples, described as half of a pair: a cell or several layers, and a readout."""

    cell: dict[str, Any] | None = None
    layers: dict[str, dict[str, Any]] | None = None
    readout: dict[str, Any]


class AdversarialCard(TrainingCard):
    learning_rate: LearningRate
    critic_learning_rate: LearningRate
    momentum: Share  #: first decay rate of Adam
    clip_norm: PositiveGain
    real_label: Share  #: what the critic should answer to real samples; below 1: smoothed
    wrong_class_weight: Gain  #: of real samples shown to the critic as another class, which it should reject
    gradient_penalty: Gain  #: of the squared slope of the critic at real samples
    averaging: Share  #: decay per step of the running average of the generator's weights, which is kept
    whole_images: bool  #: whether the critic hears all frames of an image in one step, instead of one per step
    critic: CriticCard


@dataclass
class Contest:
    """Both players. The critic is not part of the trained network."""

    engine: Engine
    generator: torch.optim.Optimizer
    average: list[Tensor]
    random: torch.Generator
    critic: Any = None  #: built when the first images are seen
    critic_optimizer: Any = None


@rules.register("adversarial")
class Adversarial(Rule):
    """The last slides of the lectures name it under "One-shot learning". The critic has one output per class: whether the image
    is a real one of this class. For every batch, critic and generator take one step of Adam each, by backpropagation through
    time. The average of the generator's weights is kept; it damps the oscillations of the contest.

    The critic is rate-based, for spiking generators too (as in Rosenfeld et al. 2021), and is penalised for steep slopes at
    real images (Mescheder et al. 2018), which keeps the contest stable.
    """

    Card = AdversarialCard
    title = "adversarial learning"
    sources = ("goodfellow2014", "mescheder2018", "rosenfeld2021", "werbos1990", "neftci2019", "kingma2015")
    equations = (
        "critic:    minimise -log D_c(x_c) - log(1 - D_c(G(c, noise))) - w log(1 - D_c(x_other)) + p/2 |dD_c/dx_c|^2;\n"
        "generator: minimise -log D_c(G(c, noise))"
    )
    signal = "outputs"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    messages = Messages(
        errors=True, signals="none", online=False, sources=("goodfellow2014", "werbos1990"),
        why="errors pass from the critic through the sample to all parts of the generator",
    )  # fmt: skip
    order_free = True
    learns_start = True
    relative_time = 3.0
    card: AdversarialCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        return BPTT.why_not(model)

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if isinstance(task.objective, SamplesClassified):
            return super().why_not_task(task)
        return "it learns to generate samples of given classes; use a task with the objective samples_classified"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            *BPTT.judgements(model)[:5],
            Judgement("partly", "no sample has a target of its own, but the critic must see real samples"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        raise CannotRun(f"rule {cls.title} does not record the passes through its critic, which its cost depends on")

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> Contest:
        average = [weight.detach().clone() for weight in model.parameters()]
        return Contest(engine, self._adam(model, self.card.learning_rate), average, generator)

    def _critic(self, state: Contest, batch: Batch, images: Tensor) -> Any:
        """The critic of images [S, B, K], as it is shown them."""
        if state.critic is None:
            plan = read_architecture(self.card.critic.model_dump(), "critic")
            state.critic = plan.build(images.shape[2], batch.x.shape[2], "values", state.random).to(images.device)
            state.critic_optimizer = self._adam(state.critic, self.card.critic_learning_rate)
        return state.critic

    def _shown(self, frames: Tensor, batch: Batch) -> Tensor:
        """Images as the critic hears them, [S, B, K], from all frames [F, B, O] of a sample."""
        images = frames[batch.mask[:: batch.steps_per_frame]]
        return images.transpose(0, 1).flatten(1)[None] if self.card.whole_images else images

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        trained = [weight for weight in network.parameters() if weight.requires_grad]
        return torch.optim.Adam(trained, lr=rate, betas=(self.card.momentum, 0.999), fused=True)

    def step(self, model: Network, state: Contest, batch: Batch) -> tuple[Contest, Info]:
        """Raises `RunFailed` if the loss is not finite."""
        outputs = state.engine.sent(model, batch)[model.output]
        made = self._shown(frame_means(outputs, batch.steps_per_frame).sigmoid(), batch)
        critic, real = self._critic(state, batch, made), self._shown(batch.answers, batch)
        self._follow(state.critic_optimizer, self._critic_loss(state, real, made.detach(), batch))
        judged = judge(critic, made, classes_of(batch))
        loss = binary_cross_entropy_with_logits(judged, torch.ones_like(judged))
        if not torch.isfinite(loss):
            raise RunFailed(f"the loss became {float(loss)}; lower learning_rate (now {self.card.learning_rate:g})")
        self._follow(state.generator, loss)
        with torch.no_grad():
            for mean, weight in zip(state.average, model.parameters(), strict=True):
                mean.lerp_(weight, 1 - self.card.averaging)
        return state, Info(loss=float(loss.detach()), updates=2)

    def finish(self, model: Network, state: Contest, validation: Batch) -> dict[str, float]:
        """The average becomes the weights."""
        with torch.no_grad():
            for mean, weight in zip(state.average, model.parameters(), strict=True):
                weight.copy_(mean)
        return {}

    def _critic_loss(self, state: Contest, real: Tensor, made: Tensor, batch: Batch) -> Tensor:
        classes, count = classes_of(batch), batch.x.shape[2]
        real = real.detach().clone().requires_grad_()
        true, false = judge(state.critic, real, classes), judge(state.critic, made, classes)
        loss = binary_cross_entropy_with_logits(true, torch.full_like(true, self.card.real_label))
        loss = loss + binary_cross_entropy_with_logits(false, torch.zeros_like(false))
        if self.card.wrong_class_weight:
            by = int(torch.randint(1, count, (1,), generator=state.random))
            other = judge(state.critic, real, (classes + by) % count)
            loss = loss + self.card.wrong_class_weight * binary_cross_entropy_with_logits(
                other, torch.zeros_like(other)
            )
        if self.card.gradient_penalty:
            (slope,) = torch.autograd.grad(true.sum(), real, create_graph=True)
            loss = loss + self.card.gradient_penalty / 2 * slope.square().sum((0, 2)).mean()
        return loss

    def _follow(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        trained = [weight for group in optimizer.param_groups for weight in group["params"]]
        loss.backward(inputs=trained)
        torch.nn.utils.clip_grad_norm_(trained, self.card.clip_norm)
        optimizer.step()


def judge(critic: Any, images: Tensor, classes: Tensor) -> Tensor:
    """Logits [B] of images [F, B, O] being real ones of these classes."""
    return critic(images).mean(0).gather(1, classes[:, None])[:, 0]
