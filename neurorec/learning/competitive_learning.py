"""Competitive learning: the winner moves towards its input; a conscience prevents any unit from always winning."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.numbers import Gain, Share
from neurorec.engines.engine import Engine
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, hidden_layer, network_why_not, rules
from neurorec.learning.synapses import Synapses
from neurorec.models.cells.competitive import Competitive
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class CompetitiveLearningCard(TrainingCard):
    learning_rate: Share  #: fraction of the distance by which the winner moves towards its input
    learning_rate_decay: Share  #: factor applied to it after every epoch
    conscience: Gain  #: handicap of a unit that wins too often, in units of squared input
    share_rate: Share  #: rate of the running mean of wins


@dataclass
class WinnerState:
    """Shares [H] of recent wins, which the conscience compares with 1/H, and the learning rate of this epoch."""

    shares: Tensor
    learning_rate: float


@rules.register("competitive")
class CompetitiveLearning(Rule):
    """One `step` presents a whole split, one input after another in the order of the batch, and is one epoch. Each input
    counts as I weight changes, since only the winner's row changes."""

    Card = CompetitiveLearningCard
    title = "competitive learning"
    sources = ("rumelhart1985",)
    equations = (
        "winner c = argmax of a + conscience (1/H - p);   w_c += learning_rate (x - w_c);   p += share_rate (h - p)"
    )
    signal = "none"
    sees = ("pre", "post")
    needs = capabilities("winner update")
    messages = Messages(
        errors=False, signals="one", online=True, sources=("rumelhart1985",),
        why="every unit must know the winner before the next input; the index of the winner is broadcast",
    )  # fmt: skip
    whole_split = True
    read_by_labels = True
    card: CompetitiveLearningCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, layers=1)
        if reason is not None or isinstance(hidden_layer(model), Competitive):
            return reason
        return (
            "it moves the prototype of a winning unit, but this layer has no prototypes; use the cell competitive, as in "
            "models/competitive_lif_vs_competitive_learning.toml"
        )

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward: the winner moves towards its current input"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "weights are used only in their own unit"),
            Judgement(
                "partly",
                "there is no second phase, but the winner must be determined among all units before the next input",
            ),
            Judgement("kept", "inputs and matches are real values"),
            Judgement(
                "partly",
                "the layer learns without targets; for scoring, its units are labelled or the readout is fitted afterwards",
            ),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """w += rate (x - w): 3 operations per weight of the winner; the conscience takes 3 per unit; shares of wins decay (one
        product each) and the winner's rises. `weight_updates`: single weights changed."""
        ((name, cell),) = model.hidden.items()
        units, inputs = cell.size, weight_updates // max(1, cell.input_size)
        update = Counts(
            elementwise=3 * weight_updates + inputs * (3 * units + units + 1),
            weight_reads=weight_updates,
            weight_writes=weight_updates,
            trace_reads=inputs * (2 * units + 1),
            trace_writes=inputs * (units + 1),
            trace_updates=inputs * (units + 1),
            plasticity_updates=weight_updates,
        )
        stores = (Store(name, "trace", units),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({name: update}), stores)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> WinnerState:
        units = hidden_layer(model).size
        even = torch.full((units,), 1 / units, device=next(model.parameters()).device)
        return WinnerState(even, self.card.learning_rate)

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        return synapses.post.T * (synapses.pre - synapses.weight)

    @torch.no_grad()
    def step(self, model: Network, state: WinnerState, batch: Batch) -> tuple[WinnerState, Info]:
        cell: Any = hidden_layer(model)
        shares = state.shares.clone()
        won = shares.new_ones(1, 1)  # only the winner sends anything
        inputs = batch.x.transpose(0, 1).flatten(0, 1)  # samples in order, their frames in order
        for x in inputs:
            winner = int((cell.match(x) + self.card.conscience * (1 / cell.size - shares)).argmax())
            weight = cell.w_in[winner : winner + 1]
            weight += state.learning_rate * self.changed(weight, pre=x[None], post=won)
            shares *= 1 - self.card.share_rate
            shares[winner] += self.card.share_rate
        after = WinnerState(shares, state.learning_rate * self.card.learning_rate_decay)
        return after, Info(loss=None, updates=len(inputs) * cell.input_size)
