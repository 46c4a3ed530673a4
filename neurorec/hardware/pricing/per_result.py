"""Energy per result: per sample, second of input, correct answer, epoch, target score."""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.basics.quantities import plural
from neurorec.hardware.chips.band import Band
from neurorec.hardware.pricing.bill import Cost, Outcome

SECOND = "energy per second of input"


@dataclass(frozen=True)
class Figure:
    """`what` is the label of `energy_pJ`; None if there is none, and `note` gives the reason."""

    what: str
    energy_pJ: Band | None
    note: str = ""
    at_least: bool = False
    at_most: bool = False


def inference_figures(cost: Cost, accuracy: float | None) -> list[Figure]:
    """Per sample, per second of input, per correct answer of a run with `accuracy` (None: no run)."""
    if cost.energy_pJ is None or cost.operations is None:
        return []  # the chip cannot run it
    dt_ms, steps = cost.operations.dt_ms, cost.operations.mean_steps
    found = [Figure("energy per sample", cost.energy_pJ, at_least=cost.at_least)]
    if dt_ms is None:
        found.append(Figure(SECOND, None, "its steps have no duration (the card has no dt_ms)"))
    else:
        each = cost.energy_pJ * (1e3 / (steps * dt_ms))
        found.append(Figure(SECOND, each, f"{plural(steps, 'step')} of {dt_ms:g} ms per sample", cost.at_least))
    if accuracy is not None and accuracy > 0:
        each = cost.energy_pJ * (1 / accuracy)
        found.append(
            Figure("energy per correct answer", each, f"{accuracy:.1%} of the test answers are correct", cost.at_least)
        )
    elif accuracy is not None:
        found.append(Figure("energy per correct answer", None, "no answer was correct"))
    return found


def training_figures(cost: Cost, outcome: Outcome, target: float | None) -> list[Figure]:
    """Per epoch and, for a `target` validation score, up to the first epoch that reached it."""
    trained = cost.training
    if trained is None or trained.energy_pJ is None:
        return []
    epochs = max(1, outcome.epochs)
    each = trained.energy_pJ * (1 / epochs)
    found = [
        Figure("energy per epoch of training", each, f"the training took {plural(epochs, 'epoch')}", trained.at_least)
    ]
    return found if target is None else [*found, _to_target(trained.energy_pJ, outcome, target, trained.at_least)]


def _to_target(energy_pJ: Band, outcome: Outcome, target: float, at_least: bool) -> Figure:
    what = f"energy of training to a validation score of {target:g}"
    if not outcome.history:
        if outcome.validation < target:
            return Figure(what, None, f"not reached: {outcome.validation:.3f} at the end")
        note = f"its rule is scored only at the end ({outcome.validation:.3f}), so this is the whole training"
        return Figure(what, energy_pJ, note, at_least, at_most=True)
    reached = next((epoch for epoch, score in outcome.history if score >= target), None)
    if reached is None:
        epoch, best = max(outcome.history, key=lambda point: point[1])
        return Figure(what, None, f"not reached: {best:.3f} at best, after epoch {epoch} of {outcome.epochs}")
    share = reached / max(1, outcome.epochs)
    return Figure(what, energy_pJ * share, f"first reached after epoch {reached} of {outcome.epochs}", at_least)
