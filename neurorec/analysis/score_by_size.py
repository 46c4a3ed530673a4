"""How answers get worse as samples get larger: longer sequences, deeper trees."""

from typing import Any

import torch

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.objective import SPLITS
from neurorec.tasks.task import Task


class ScoreBySizeSettings(Card):
    """It has no settings."""


@analyses.register("score_by_size")
class ScoreBySize(RunAnalysis):
    """Samples of every split in groups of equal size, as the task's objective defines it. A sample is right if its answers
    are right in all frames that count; sequences are written with the network's own answers fed back."""

    about = "Share of samples without an error, by size: length of a sequence, depth of a tree"
    sources = ()
    through_time = False
    Settings = ScoreBySizeSettings
    example = {}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "right": Value("share of test samples without an error", "", True),
        "right at trained sizes": Value("the same, for sizes that occur in training; NaN if there are none", "", True),
        "right at two above": Value(
            "the same, for samples two sizes above the largest in training; NaN if there are none", "", True
        ),
        "right at the largest size": Value("the same, for the largest samples", "", True),
        "largest size": Value("size of the largest test samples"),
        "largest trained size": Value("size of the largest training samples"),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        return reason or (
            None if hasattr(task.objective, "sizes") else "its objective does not define the size of a sample"
        )

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: ScoreBySizeSettings, seed: int) -> Found:
        objective: Any = task.objective
        trained = int(objective.sizes(task.split("train")).max())
        lines, right, sizes = {}, torch.zeros(0), torch.zeros(0)
        for split in SPLITS:
            batch = task.split(split)
            right, sizes = flawless(network, batch, objective), objective.sizes(batch)
            each = sizes.unique()
            lines[split] = series(each, [right[sizes == size].mean() for size in each])
        known, above = right[sizes <= trained], right[sizes == trained + 2]
        about = f"Networks were trained with {objective.size} up to {trained}; {len(right)} test samples."
        figure = Curves("Answers without an error", about, objective.size, "share without an error", lines, share=True)
        values = {
            "right": float(right.mean()),
            "right at trained sizes": float(known.mean()) if len(known) else float("nan"),
            "right at two above": float(above.mean()) if len(above) else float("nan"),
            "right at the largest size": float(right[sizes == sizes.max()].mean()),
            "largest size": float(sizes.max()),
            "largest trained size": float(trained),
        }
        return Found(values, (figure,))


def flawless(network: Network, batch: Batch, objective: Any) -> torch.Tensor:
    """[B] 1 for samples whose labels are right in all frames that count."""
    y = choose_engine("auto", network).answers(network, batch, objective)
    return ((y.argmax(2) == batch.answers) | ~batch.frame_mask).all(0).double()
