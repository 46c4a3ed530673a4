"""Hessian-free optimisation: damped Newton steps by conjugate gradients (Martens 2010; Martens & Sutskever 2011)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Count, Gain, PositiveGain, Probability, Repeats
from neurorec.engines.engine import Engine
from neurorec.engines.on_torch import OnTorch
from neurorec.learning.bptt import BPTT
from neurorec.learning.conjugate_gradients import Solution, conjugate_gradients
from neurorec.learning.curvature import Curvature, flat, unflat
from neurorec.learning.gradient_counts import backward_counts, gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task

MORE, LESS = 3 / 2, 2 / 3  #: factors of the damping,
BAD, GOOD = 1 / 4, 3 / 4  #: where the loss falls by less or more than this share of what was predicted
SUFFICIENT, SHORTER, TRIALS = 1e-2, 0.8, 60  #: of the line search
VECTORS = 5  #: gradient, solution, residual, direction and its product, held at once


class HessianFreeCard(TrainingCard):
    """`batch_size`: samples per Newton step, on which gradient and loss are computed."""

    curvature_samples: Count  #: the first samples of each batch, on which curvature products are computed
    most_products: Repeats  #: per Newton step
    damping: PositiveGain  #: initial lambda
    structural_damping: Gain  #: mu; 0 for none
    warm_start: Probability  #: share of the last solution from which the next one starts


@dataclass
class HessianFreeState:
    engine: Engine
    objective: Objective
    weights: list[Tensor]
    damping: float
    last: Tensor  #: [N] solution of the last step


@rules.register("hessian_free")
class HessianFree(Rule):
    """A Newton step per batch, with the Gauss-Newton matrix G of the loss. Conjugate gradients stop when the quadratic model
    hardly falls; of their solutions, the step goes back from the last one as long as the loss falls. A line search follows, and
    lambda adapts to how well the model predicted the loss (Levenberg-Marquardt). The structural damping mu adds to the model
    half the squared change of all hidden outputs, summed over units and steps and averaged over samples."""

    Card = HessianFreeCard
    title = "Hessian-free"
    sources = ("martens2010", "martens2011", "schraudolph2002")
    equations = (
        "(G + lambda (I + mu S'S)) dW = -dL/dW, by conjugate gradients;   G = J' L'' J,  J = dy/dW;   S = dh/dW, of all h_t;\n"
        "lambda x 3/2 where the loss falls by less than 1/4 of what was predicted, x 2/3 where by more than 3/4"
    )
    signal = "errors"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    relative_time = 20.0
    messages = Messages(
        errors=True, signals="none", online=False, derivatives=False, sources=("martens2011",),
        why="errors return as in BPTT; each curvature product sends one more number forward and one back per unit and step, "
        "which is not part of this figure",
    )  # fmt: skip
    recurrent_frozen_control = True
    learns_start = True
    scored_each_epoch = True
    reports: ClassVar = ("products", "product_samples", "trial_samples")
    card: HessianFreeCard

    def engine_name(self, engine: Any) -> str:
        return OnTorch.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = BPTT.why_not(model)
        if reason is None and model.spikes:
            return "its spikes are steps, but Newton steps need a loss with a curvature; use bptt"
        if reason is None and model.constraints:
            return "some of its weights are constrained, which a Newton step would not respect; use bptt"
        return reason

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if task.objective.of_density:
            return "its loss is linear in the answers and has no curvature; use bptt"
        return super().why_not_task(task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        _, *others = BPTT.judgements(model)
        linear = "errors, and each direction that is tried, are propagated through linear copies of the network"
        return (Judgement("kept", linear), *others)

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, *, products: int,
        product_samples: int, trial_samples: int,
    ) -> TrainingCounts:  # fmt: skip
        """A curvature product is two forward passes (W dx and dW x) and one backward pass; those of structural damping, one
        product per unit and step, are not counted. Conjugate gradients take 2 inner products and 3 scaled sums of all trained
        numbers per product, and the damping a product and a sum.

        Parameters
        ----------
        products : curvature products in all
        product_samples : curvature products times the samples of each
        trial_samples : samples on which the loss at other weights was computed
        """
        backward = forward.over(samples_seen + product_samples, backward_counts(model, forward))
        backward += forward.over(2 * product_samples + trial_samples, forward.layers)
        solved = LayerCounts({name: _solving(model.trained_numbers(name) * products) for name in model.layers})
        update = update_counts(model, weight_updates, "sgd", clipped=False) + solved
        batch = -(-samples_seen // max(1, weight_updates))
        stores = tuple(
            Store(store.layer, store.kind, store.words * (VECTORS if store.kind == "gradient" else 1))
            for store in gradient_stores(model, forward.steps * batch, "sgd")
        )
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, model.parameter_count)

    def init(
        self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator
    ) -> HessianFreeState:
        weights: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return HessianFreeState(OnTorch(), objective, weights, self.card.damping, torch.zeros_like(flat(weights)))

    def step(self, model: Network, state: HessianFreeState, batch: Batch) -> tuple[HessianFreeState, Info]:
        """One Newton step.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        """
        loss, gradient = self._loss_and_gradient(model, state, batch)
        part = batch.take(torch.arange(min(batch.size, self.card.curvature_samples)))
        solutions, products = self._solve(self._curvature(model, state, part), part.size, state, gradient)
        trials = _Trials(model, state, batch)
        best, fallen = _go_back(solutions, trials)
        predicted = best.quadratic
        gained = (fallen - loss) / predicted if predicted < 0 and math.isfinite(fallen) else 0.0
        state.damping *= MORE if gained < BAD else LESS if gained > GOOD else 1.0
        rate = _line_search(best.x, loss, fallen, min(0.0, float(gradient @ best.x)), trials)
        trials.move(rate * best.x)
        state.last = solutions[-1].x
        more = {
            "products": products,
            "product_samples": products * part.size,
            "trial_samples": trials.count * batch.size,
        }
        return state, Info(loss=loss, updates=1, more=more)

    def _loss_and_gradient(self, network: Network, state: HessianFreeState, batch: Batch) -> tuple[float, Tensor]:
        loss = state.objective.loss(state.engine.answers(network, batch, state.objective), batch)
        if not torch.isfinite(loss):
            raise RunFailed(
                f"the loss became {float(loss.detach())}; raise damping (now {self.card.damping:g}) in the pair card"
            )
        return float(loss.detach()), flat(torch.autograd.grad(loss, state.weights))

    def _curvature(self, network: Network, state: HessianFreeState, batch: Batch) -> Curvature:
        sent = state.engine.sent(network, batch)
        answers = state.objective.answers(sent[network.output], batch)
        states = [sent[name] for name in network.hidden] if self.card.structural_damping else []
        return Curvature(state.weights, state.objective.loss(answers, batch), answers, states)

    def _solve(
        self, curvature: Curvature, samples: int, state: HessianFreeState, gradient: Tensor
    ) -> tuple[list[Solution], int]:
        """Solutions of the damped system, and the number of products that they took."""
        products, structural = 0, state.damping * self.card.structural_damping / samples

        def product(vector: Tensor) -> Tensor:
            nonlocal products
            products += 1
            return curvature.product(vector, state.damping, structural)

        start = self.card.warm_start * state.last
        return conjugate_gradients(product, -gradient, start, self.card.most_products), products


class _Trials:
    """The loss of one batch at weights some way from where they were."""

    def __init__(self, network: Network, state: HessianFreeState, batch: Batch) -> None:
        self.network, self.state, self.batch, self.count = network, state, batch, 0
        self.origin = flat(state.weights).detach()

    @torch.no_grad()
    def move(self, way: Tensor) -> None:
        """Set the weights to this way [N] from where they were."""
        for weight, values in zip(self.state.weights, unflat(self.origin + way, self.state.weights), strict=True):
            weight.copy_(values)

    @torch.no_grad()
    def __call__(self, way: Tensor) -> float:
        self.count += 1
        self.move(way)
        objective = self.state.objective
        return float(objective.loss(self.state.engine.answers(self.network, self.batch, objective), self.batch))


def _go_back(solutions: list[Solution], loss_at: _Trials) -> tuple[Solution, float]:
    """From the last solution back, as long as the loss falls: the best one, and its loss."""
    best, fallen = solutions[-1], loss_at(solutions[-1].x)
    for one in reversed(solutions[:-1]):
        value = loss_at(one.x)
        if math.isfinite(fallen) and not value < fallen:
            break
        best, fallen = one, value
    return best, fallen


def _line_search(way: Tensor, loss: float, fallen: float, slope: float, loss_at: _Trials) -> float:
    """The largest share of `way` at which the loss falls enough; 0 if there is none."""
    rate = 1.0
    for _ in range(TRIALS):
        if fallen <= loss + SUFFICIENT * rate * slope:
            return rate
        rate *= SHORTER
        fallen = loss_at(rate * way)
    return 0.0


def _solving(numbers: int) -> Counts:
    """Vector operations of conjugate gradients: products times trained numbers."""
    return Counts(
        macs=5 * numbers,
        dense_macs=5 * numbers,
        elementwise=2 * numbers,
        gradient_reads=10 * numbers,
        gradient_writes=3 * numbers,
    )
