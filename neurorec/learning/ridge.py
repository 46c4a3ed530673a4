"""Ridge regression: the readout of a fixed layer in closed form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.engines.engine import Engine
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.task import Batch, accuracy


class RidgeCard(TrainingCard):
    penalties: list[float]  #: candidates; the one with the best validation accuracy is kept


@dataclass
class RidgeState:
    engine: Engine
    classes: int
    features: list[Tensor] = field(default_factory=list)
    targets: list[Tensor] = field(default_factory=list)


def solve_ridge(features: Tensor, targets: Tensor, penalty: float) -> Tensor:
    """Weights [O, K] of features [N, K] onto targets [N, O], in double precision.

    W = Y^T X (X^T X + penalty N I)^-1 (Hoerl & Kennard 1970); put a column of ones last for the bias, which is then
    left out of the penalty.
    """
    X, Y = features.double(), targets.double()
    shrink = torch.full((X.shape[1],), penalty * X.shape[0], dtype=torch.float64)
    shrink[-1] = 1e-9 * X.shape[0]
    return torch.linalg.solve(X.T @ X + torch.diag(shrink), X.T @ Y).T


def best_ridge(
    features: Tensor, target: Tensor, validation: tuple[Tensor, Tensor], classes: int, penalties: list[float]
) -> tuple[Tensor, float]:
    """The weights and the penalty with the best validation accuracy (the largest penalty where several tie)."""
    wanted = torch.nn.functional.one_hot(target, classes).double() * 2 - 1
    best: tuple[float, float, Tensor] | None = None
    for penalty in sorted(penalties):
        weights = solve_ridge(features, wanted, penalty)
        score = accuracy(validation[0].double() @ weights.T, validation[1])
        if best is None or score >= best[0]:
            best = (score, penalty, weights)
    assert best is not None
    return best[2], best[1]


def readout_features(network: Network, engine: Engine, batch: Batch) -> Tensor:
    """What the readout's weights see, [B, H+1]: filtered hidden activity and filtered ones, averaged over the answer."""
    weights = network.readout.step_weights(batch.mask)
    (summed,) = engine.weighted_sums(network.cell, batch.x, weights[None], batch.lengths)
    return torch.cat([summed, weights.sum(0).expand(len(summed))[:, None]], dim=1)


@rules.register("ridge")
class Ridge(Rule):
    """Least squares onto +1 for the right class and -1 for the others; only the readout changes."""

    Card = RidgeCard
    title = "ridge readout"
    sources = ("hoerl1970", "jaeger2001")
    equations = "W = Y^T X (X^T X + penalty N I)^-1"
    signal = "outputs"
    sees = ("whole graph",)  # every line of the readout at once
    needs = capabilities("linear solve")
    messages = Messages(
        errors=False, signals="none", online=False, sources=("hoerl1970", "jaeger2001"),
        why="only the readout changes: what it hears, it hears forward, and targets come from outside",
    )  # fmt: skip
    card: RidgeCard

    @classmethod
    def why_not(cls, network: Network) -> str | None:
        return None

    @classmethod
    def judgements(cls, network: Network) -> tuple[Judgement, ...]:
        spiking = network.cell.output_signal == "spikes"
        return (
            Judgement("relaxed", "no error travels backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "no weight is carried backward"),
            Judgement("relaxed", "the layer runs forward only"),
            Judgement("relaxed", "units send spikes") if spiking else Judgement("kept", "units send real values"),
            Judgement("kept", "the readout needs the target of every sample"),
        )

    @classmethod
    def count_training(
        cls, network: Network, forward: ForwardPass, samples_seen: int, weight_updates: int
    ) -> TrainingCounts:
        """Sums X^T X and X^T Y over N samples with K = H + 1 features, N K (K + O) multiply-accumulates, each reading and
        writing one sum, and one solve of K^3 / 3 + K^2 O likewise (one penalty; each further one costs another solve); a
        feature is a mean over all T steps. `weight_updates` is ignored."""
        features, outputs = network[network.output].input_size + 1, network[network.output].size
        steps = forward.sample_steps * samples_seen // max(1, forward.samples)
        macs = samples_seen * features * (features + outputs) + features**3 // 3 + features**2 * outputs
        update = Counts(
            macs=macs,
            dense_macs=macs,
            elementwise=steps * features,
            activation_reads=(steps + samples_seen) * features,
            activation_writes=samples_seen * features,
            gradient_reads=macs,
            gradient_writes=macs,
            weight_writes=features * outputs,
        )
        stores = (Store(network.output, "gradient", features * (features + outputs)),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({network.output: update}), stores)

    def init(self, network: Network, engine: Engine, generator: torch.Generator) -> RidgeState:
        return RidgeState(engine, network.readout.size)

    @torch.no_grad()
    def step(self, network: Network, state: RidgeState, batch: Batch) -> tuple[RidgeState, Info]:
        state.features.append(readout_features(network, state.engine, batch).cpu())
        state.targets.append(batch.target.cpu())
        return state, Info(loss=None, updates=0)

    @torch.no_grad()
    def finish(self, network: Network, state: RidgeState, validation: Batch) -> Mapping[str, float]:
        held_out = (readout_features(network, state.engine, validation).cpu(), validation.target.cpu())
        features, target = torch.cat(state.features), torch.cat(state.targets)
        weights, penalty = best_ridge(features, target, held_out, state.classes, self.card.penalties)
        network.readout.weight.copy_(weights[:, :-1])
        network.readout.bias.copy_(weights[:, -1])
        return {"penalty": penalty}
