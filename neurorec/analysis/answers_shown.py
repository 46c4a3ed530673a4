"""Samples with a network's answers: what it wrote, what it attended to, and its values for the parts of a tree."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import AnyFigure, DrawnTree, Found, Picture, TextSamples
from neurorec.basics.cards import Card
from neurorec.basics.reading_ends import earlier
from neurorec.basics.tree import NONE
from neurorec.engines.engine import EngineRun, choose_engine
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import Task

MOST_NODES = 18  #: of a tree that is drawn


class AnswersShownSettings(Card):
    samples: Annotated[int, Field(ge=1, le=100)]


@analyses.register("answers_shown")
class AnswersShown(RunAnalysis):
    """Test samples spread over all sizes, as text of the task's objective. For an attention layer, its weights while
    the largest sample that is right was answered; for trees, one of them with the network's value of every node."""

    about = "Samples with a network's answers, attention and the values of the parts of trees"
    sources = ()
    through_time = False
    Settings = AnswersShownSettings
    example = {"samples": 4}  # noqa: RUF012
    gives = {"right": Value("share of the samples shown that are without an error", "", True)}  # noqa: RUF012

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        return reason or (None if hasattr(task.objective, "text") else "its objective cannot show samples as text")

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: AnswersShownSettings, seed: int) -> Found:
        objective: Any = task.objective
        batch = task.split("test")
        order = objective.sizes(batch).argsort(stable=True)
        chosen = order[torch.linspace(0, batch.size - 1, min(settings.samples, batch.size)).round().long()]
        batch = batch.take(chosen)
        seen = choose_engine("auto", network).run_batch(network, batch)
        y = objective.answers(seen.outputs, batch)
        right = ((y.argmax(2) == batch.answers) | ~batch.frame_mask).all(0)
        words = [objective.text(batch, y, sample) for sample in range(batch.size)]
        pieces = [
            f"{read}  ->  {written}" + ("" if good else f"   (wrong; right is {wanted})")
            for (read, wanted, written), good in zip(words, right.tolist(), strict=True)
        ]
        figures: list[AnyFigure] = [TextSamples("Answers", "Test samples, from small to large.", pieces)]
        best = int(right.nonzero()[-1]) if right.any() else batch.size - 1
        figures += [
            looks(network, name, batch, seen, best, words[best])
            for name, layer in network.hidden.items()
            if hasattr(layer, "weights")
        ]
        figures += [] if batch.parents is None else [tree_of(batch, y, objective)]
        return Found({"right": float(right.double().mean())}, tuple(figures))


def looks(
    network: Network, name: str, batch: Batch, seen: EngineRun, sample: int, words: tuple[str, str, str]
) -> Picture:
    """The attention of one sample: one row per step of writing, one column per step of reading."""
    reading = batch.reads
    if reading is None:
        raise ValueError("attention needs samples that say where reading ends")
    steps = int((batch.mask[:, sample] if batch.mask.dim() == 2 else batch.mask).sum())
    (memory,) = (wire for wire in network.wires_into(name) if wire.along == "reading")
    state = network[name].remember(seen.sent[memory.source], reading.ends)
    lines = [
        reading.context(seen.sent[wire.source], steps) if wire is memory
        else earlier(seen.sent[wire.source], reading.ends, steps) for wire in network.wires_into(name)
    ]  # fmt: skip
    found = torch.stack([network[name].weights(state, x)[sample] for x in torch.cat(lines, -1)])
    read, _, written = words
    values = found[:, : int(reading.ends[sample])].tolist()
    about = f'Weights while "{written}" was written after reading "{read}".'
    return Picture("Attention", about, "read", "written", values, "weight", list(read), list(written))


def tree_of(batch: Batch, y: Tensor, objective: Any) -> DrawnTree:
    """The largest tree that fits a picture, with the label that the network gives to every node."""
    labels, symbols = y.argmax(2), batch.x[:: batch.steps_per_frame].argmax(2)
    sizes = batch.trees.present(batch.lengths).sum(0)
    fitting = [sample for sample in range(batch.size) if int(sizes[sample]) <= MOST_NODES] or [int(sizes.argmin())]
    sample = max(fitting, key=lambda one: int(sizes[one]))
    nodes = range(int(sizes[sample]))
    above = [int(batch.trees.parents[node, sample]) for node in nodes]
    wrong = [node for node in nodes if labels[node, sample] != batch.answers[node, sample]]
    shown = [
        f"{objective.symbols[int(symbols[node, sample])]}\n{objective.labels[int(labels[node, sample])]}"
        for node in nodes
    ]
    about = "Each node shows its symbol and the network's value of the expression below it; a thick red border marks an error."
    return DrawnTree("A tree and its values", about, shown, [None if p == NONE else p for p in above], wrong)
