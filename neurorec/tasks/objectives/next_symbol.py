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

    def _markov(self, task, order: int) -> dict[Split, float]:
        """Counts of the next symbol after the last `order` symbols in the training split, plus one."""
        train = task.split("train")
        states = (task.inputs + 1) ** order
        counts = torch.ones(states, task.outputs, dtype=torch.float64)
        contexts, targets = _contexts(train, order), train.answers
        mask = train.frame_mask
        counts.index_put_((contexts[mask], targets[mask]), torch.ones((), dtype=torch.float64), accumulate=True)
        logits = (counts / counts.sum(1, keepdim=True)).log()
        return {split: self.score(logits[_contexts(part := task.split(split), order)], part) for split in SPLITS}


def _contexts(batch: Batch, order: int) -> Tensor:
    """[F, B] index of the last `order` symbols; a missing symbol is a symbol of its own."""
    symbols = batch.x.argmax(2)
    nothing = batch.x.shape[2]
    found = torch.zeros_like(symbols)
    for lag in range(order):
        shifted = torch.full_like(symbols, nothing)
        shifted[lag:] = symbols[: len(symbols) - lag]
        found = found * (nothing + 1) + shifted
    return found
