"""A fractal prediction machine and Markov models with the same number of contexts, on the same sequence."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.suffix_contexts import contexts_used, of_order, of_variable_length, predicted, suffix_counts
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, OpenShare, Penalty, Repeats
from neurorec.basics.seeds import torch_generator
from neurorec.engines.engine import choose_engine
from neurorec.learning.context_counts import ContextCounts, ContextCountsCard
from neurorec.models.network import Network
from neurorec.models.reservoirs.contractions import Contractions
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.symbol_sequence import GIVEN, IN_BASE, NextOfSequence
from neurorec.tasks.task import Task

MACHINE, VARIABLE, FIXED = "fractal prediction machine", "variable-length Markov model", "fixed-order Markov model"


class EqualContextsSettings(Card):
    contexts: Distinct[Annotated[int, Field(ge=1, le=10_000)]]
    ratios: Distinct[OpenShare]  #: candidates for the ratio of contraction
    restarts: Repeats
    pseudo_counts: Distinct[Penalty]
    longest: Annotated[int, Field(ge=1, le=GIVEN)]  #: context of the Markov models, in symbols


@analyses.register("equal_contexts")
class EqualContexts(RunAnalysis):
    """The machine is trained anew for each number of contexts. Its ratio and clustering, the order of the fixed-order model (of
    those with no more contexts), and every pseudo-count are chosen by validation scores. Values are for the largest
    number of contexts."""

    about = "Cross-entropy of a fractal prediction machine and of Markov models with the same number of contexts"
    sources = ("tino2001", "ron1996")
    Settings = EqualContextsSettings
    example = {"contexts": [2, 6], "ratios": [0.5], "restarts": 1, "pseudo_counts": [0.1], "longest": 6}  # noqa: RUF012
    gives = {  # noqa: RUF012
        MACHINE: Value("base-A cross-entropy on the test split", "", False),
        VARIABLE: Value("base-A cross-entropy on the test split", "", False),
        FIXED: Value("base-A cross-entropy on the test split", "", False),
        "below variable length": Value(
            "base-A cross-entropy of the variable-length model minus that of the machine", "", True
        ),
        "below fixed order": Value("base-A cross-entropy of the fixed-order model minus that of the machine", "", True),
        "least below fixed order": Value(
            "smallest value of 'below fixed order' over all numbers of contexts", "", True
        ),
        "ratio": Value("chosen ratio of contraction"),
        "order": Value("chosen order of the fixed-order model", "symbols"),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        if reason is None and not isinstance(task.objective, NextOfSequence):
            return "the task is not to predict the next symbol of a sequence"
        if reason is None and (
            len(network.hidden) != 2 or not isinstance(next(iter(network.layers.values())), Contractions)
        ):
            return "its hidden layers are not affine contractions followed by a layer of contexts"
        return reason or ContextCounts.why_not(network)

    def run(self, network: Network, task: EncodedTask, settings: EqualContextsSettings, seed: int) -> Found:
        found: dict[str, list[float]] = {MACHINE: [], VARIABLE: [], FIXED: []}
        ratio, order, sizes = float("nan"), 0, sorted(settings.contexts)
        markov = _Markov(task.frames, settings)
        for size in sizes:
            score, ratio = machine(network, task, settings, size, seed)
            found[MACHINE].append(score)
            found[VARIABLE].append(markov.variable(size))
            score, order = markov.fixed(size)
            found[FIXED].append(score)
        below = {name: [other - own for own, other in zip(found[MACHINE], found[name], strict=True)] for name in found}
        values = {name: each[-1] for name, each in found.items()} | {
            "below variable length": below[VARIABLE][-1],
            "below fixed order": below[FIXED][-1],
            "least below fixed order": min(below[FIXED]),
            "ratio": ratio,
            "order": float(order),
        }
        figure = Curves(
            f"Cross-entropy by number of contexts ({task.name})",
            f"On the test split. With {sizes[-1]} contexts, the machine's cross-entropy minus that of the fixed-order model is "
            f"{-below[FIXED][-1]:+.3f}, and minus that of the variable-length model {-below[VARIABLE][-1]:+.3f}.",
            "contexts", IN_BASE, {name: series(sizes, each) for name, each in found.items()}, log_x=True,
        )  # fmt: skip
        chance = task.baselines()[task.objective.chance]["test"] / torch.tensor(float(task.outputs)).log()
        return Found(values, (figure,) if len(sizes) > 1 else (), {MACHINE: (task.objective.chance, float(chance))})


@torch.no_grad()
def machine(
    network: Network, task: EncodedTask, settings: EqualContextsSettings, size: int, seed: int
) -> tuple[float, float]:
    """The test score of a machine with `size` contexts, and its ratio, the candidate with the best validation score."""
    objective = task.objective
    best: tuple[float, float, float] | None = None
    card = ContextCountsCard(
        rule="context_counts", task=task.name, epochs=1, batch_size=1, restarts=settings.restarts,
        pseudo_counts=settings.pseudo_counts,
    )  # fmt: skip
    for ratio in sorted(settings.ratios):
        made = resized(network, ratio, size)
        engine, rule = choose_engine("auto", made), ContextCounts(card)
        state = rule.init(made, engine, objective, torch_generator(seed, f"equal_contexts {size} {ratio:g}"))
        rule.step(made, state, task.split("train"))
        rule.finish(made, state, task.split("validation"))
        held_out, test = (task.split("validation"), task.split("test"))
        score = objective.score(engine.answers(made, held_out, objective), held_out)
        if best is None or (objective.is_better(score, best[0]) and score != best[0]):
            best = (score, objective.scores(engine.answers(made, test, objective), test)[IN_BASE], ratio)
    return best[1:] if best else (float("nan"), float("nan"))


def resized(network: Network, ratio: float, size: int) -> Network:
    """A new network like this one, with another ratio of contraction and another number of contexts."""
    (state, first), (context, second) = network.hidden.items()
    output: Any = network[network.output]
    layers = {
        state: type(first)(first.card.model_copy(update={"ratio": ratio}), first.input_size),
        context: type(second)(second.card.model_copy(update={"size": size}), second.input_size),
        network.output: type(output)(output.card, size, output.size),
    }
    made = Network(layers, network.wires, network.input_signal, network.input_size, network.output)
    made.reset_parameters(torch.Generator().manual_seed(0))
    return made


class _Markov:
    """Markov models counted on the training split; everything else is chosen by validation scores."""

    def __init__(self, task: Task, settings: EqualContextsSettings) -> None:
        self.task, self.settings = task, settings
        train = task.split("train")
        symbols = train.x.argmax(2)
        self.counts = suffix_counts(symbols, train.answers, train.frame_mask, settings.longest, task.outputs)
        self.orders = {order: of_order(self.counts, order) for order in range(settings.longest + 1)}
        self.of_order = {order: self._scores(kept) for order, kept in self.orders.items()}

    def variable(self, size: int) -> float:
        return self._scores(of_variable_length(self.counts, size))[1]

    def fixed(self, size: int) -> tuple[float, int]:
        possible = [order for order, kept in self.orders.items() if contexts_used(self.counts, kept) <= size]
        order = min(possible, key=lambda each: self.of_order[each][0])
        return self.of_order[order][1], order

    def _scores(self, kept: set[tuple[int, ...]]) -> tuple[float, float]:
        """The best validation score of the candidate pseudo-counts, and the test score (base A) with it."""
        score: Callable[[Any, Tensor], float] = lambda part, y: self.task.objective.scores(y, part)[IN_BASE]  # noqa: E731
        parts = [self.task.split("validation"), self.task.split("test")]
        return min(
            tuple(score(part, predicted(self.counts, kept, part.x.argmax(2), extra)) for part in parts)
            for extra in self.settings.pseudo_counts
        )  # type: ignore[return-value]
