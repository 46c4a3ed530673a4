"""The next symbol of a sequence, in every frame: a language model's objective."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, Split, counted, objectives
from neurorec.tasks.objectives.classification import one_of, wrong_labels

ORDERS = (0, 1, 2)  #: orders of the Markov models used as baselines


@objectives.register("next_symbol")
class NextSymbol(Objective):
    """Cross-entropy in nats per symbol. Inputs are one-hot symbols, the target is the number of the next one."""

    metric = "cross-entropy"
    unit = "nats/symbol"
    higher_is_better = False
    chance = "symbol frequencies"

    def why_not(self, task) -> str | None:
        if list(task.target.shape) != list(task.x.shape[:2]):
            return f"next symbols need a target [T, N] = {list(task.x.shape[:2])} (got {list(task.target.shape)})"
        return wrong_labels(task.target, task.outputs)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(*counted(y, batch))

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        answers, target = counted(y, batch)
        accuracy = float((answers.argmax(1) == target).float().mean())
        return {self.metric: float(self.loss(y.double(), batch)), "accuracy": accuracy}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=-1)

    def fed_back(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=0)

    def baselines(self, task):
        names = {0: self.chance, **{order: f"Markov model of order {order}" for order in ORDERS[1:]}}
        return {names[order]: self._markov(task, order) for order in ORDERS}

    def counted_on(self, task) -> tuple[Tensor, Tensor, Tensor]:
        """Symbols, next symbols and mask, [F, B], of the samples on which Markov models are counted: the training split."""
        train = task.split("train")
        return train.x.argmax(2), train.answers, train.frame_mask

    def _markov(self, task, order: int) -> dict[Split, float]:
        """Counts of the next symbol after the last `order` symbols, plus one."""
        nothing = task.inputs
        counts = torch.ones((nothing + 1) ** order, task.outputs, dtype=torch.float64)
        symbols, targets, mask = self.counted_on(task)
        contexts = _contexts(symbols, order, nothing)
        counts.index_put_((contexts[mask], targets[mask]), torch.ones((), dtype=torch.float64), accumulate=True)
        logits = (counts / counts.sum(1, keepdim=True)).log()
        found: dict[Split, float] = {}
        for split in SPLITS:
            part = task.split(split)
            found[split] = self.score(logits[_contexts(part.x.argmax(2), order, nothing)], part)
        return found


def _contexts(symbols: Tensor, order: int, nothing: int) -> Tensor:
    """[F, B] index of the last `order` symbols; a missing symbol is the symbol `nothing`."""
    found = torch.zeros_like(symbols)
    for lag in range(order):
        shifted = torch.full_like(symbols, nothing)
        shifted[lag:] = symbols[: len(symbols) - lag]
        found = found * (nothing + 1) + shifted
    return found
