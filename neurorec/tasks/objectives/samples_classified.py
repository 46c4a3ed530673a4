"""Generating samples of given classes: good ones teach a classifier that recognises real samples."""

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives, same_answer

DISTANCE = "distance to the nearest sample"
SURE = 1e-3  #: least and greatest value that a logit stands for


@objectives.register("samples_classified")
class SamplesClassified(Objective):
    """Accuracy on real samples of a classifier that has seen only generated ones.

    A real sample gets the class of the nearest generated one, or, of equally near ones, the most frequent class.

    Outputs y [F, B, O] are logits of values from 0 to 1, generated for the class whose input line is not silent; the
    targets [F, B, O] are real samples of the same classes. The loss compares each generated sample with the real one beside
    it, so rules that minimise it learn the mean of each class.
    """

    metric = "accuracy from samples"
    offers = ("outputs", "errors")
    chance = "mean target of all classes"

    def why_not(self, task) -> str | None:
        if task.target.dim() != 3 or list(task.target.shape[:2]) != list(task.x.shape[:2]):
            return (
                f"generated samples need real ones to be compared with, targets [T, N, O] with [T, N] = "
                f"{list(task.x.shape[:2])} (got {list(task.target.shape)})"
            )
        if not task.target.is_floating_point() or not 0 <= float(task.target.min()) <= float(task.target.max()) <= 1:
            return "the values of real samples must be floating-point numbers from 0 to 1; scale the data first"
        return None

    def sense(self, score: str) -> tuple[str, bool]:
        return ("", False) if score == DISTANCE else super().sense(score)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        made, real = flat(y, batch), flat(batch.answers, batch)
        each = torch.nn.functional.binary_cross_entropy_with_logits(made, real.to(made.dtype), reduction="none")
        return each.sum(1).mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        return self.compared(flat(y, batch).sigmoid(), classes_of(batch), batch)

    def compared(self, made: Tensor, classes: Tensor, batch: Batch) -> dict[str, float]:
        """Scores of samples [M, K] of these classes [M] as a classifier of the real samples of a batch."""
        real = flat(batch.answers, batch)
        distance = torch.cdist(real.double(), made.double(), compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distance.min(1, keepdim=True).values
        votes = (distance == nearest).double() @ torch.nn.functional.one_hot(classes).double()
        right = votes.argmax(1) == classes_of(batch)
        return {self.metric: float(right.double().mean()), DISTANCE: float(nearest.mean())}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double().clamp(SURE, 1 - SURE).logit()

    def baselines(self, task):
        train = task.split("train")
        real, classes = flat(train.answers, train).double(), classes_of(train)
        generator = torch_generator(0, "independent values")
        of_class = {int(one): real[classes == one] for one in classes.unique()}

        def means(wanted: Tensor) -> Tensor:
            return torch.stack([of_class[int(one)].mean(0) for one in wanted])

        def independent(wanted: Tensor) -> Tensor:
            """Each value that of another real sample of the class."""
            drawn = torch.rand(len(wanted), real.shape[1], generator=generator, dtype=torch.float64)
            parts = [of_class[int(one)] for one in wanted]
            return torch.stack([
                part.gather(0, (row * len(part)).long()[None])[0] for part, row in zip(parts, drawn, strict=True)
            ])  # fmt: skip

        found = {self.chance: same_answer(self, lambda batch: self.wanted(batch, task.outputs).mean((0, 1)), task)}
        for name, make in (("mean of each class", means), ("independent pixels of each class", independent)):
            scores: dict[Split, float] = {}
            for split in SPLITS:
                part = task.split(split)
                wanted = classes_of(part)
                scores[split] = self.compared(make(wanted), wanted, part)[self.metric]
            found[name] = scores
        return found


def flat(values: Tensor, batch: Batch) -> Tensor:
    """Values [F, B, O] of the frames that count, one frame after the other: [B, F O]."""
    return values[batch.frame_mask[:, 0]].transpose(0, 1).flatten(1)


def classes_of(batch: Batch) -> Tensor:
    """The class [B] that the input asks for: the only line that is not silent."""
    return batch.x.sum(0).argmax(1)
