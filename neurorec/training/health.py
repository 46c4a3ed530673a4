"""Health checks of a trained network: units that are silent or saturated, weights that exploded, synapses that never changed.

A check describes what it found and what to try; it never changes or stops anything. To add one, register a function.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.quantities import plural
from neurorec.basics.registry import Registry
from neurorec.engines.activity import Activity
from neurorec.models.network import Network
from neurorec.training.course import Course, Samples

log = logging.getLogger(__name__)  #: of `nr.train`; studies report findings instead

HALF = 0.5  #: share of a layer's units from which a finding is reported
ALWAYS = 0.95  #: share of steps from which a unit counts as saturated
NEAR = 0.01  #: distance to the bound of an output, as a share of its range, within which it counts as saturated
GROWTH = 10.0  #: of the root mean square of a weight matrix, from which it counts as exploded
SAMPLES = 256  #: validation samples on which the outputs of rate-based units are examined
ENOUGH = (
    4  #: outputs per unit of the layer, from which a unit that is always 0 counts as silent: few may win a competition
)


@dataclass(frozen=True)
class Checkup:
    """What checks look at."""

    network: Network
    before: Mapping[str, Tensor]  #: trained weights before training, by name
    activity: Activity  #: on the test split
    sent: Mapping[str, Tensor] = field(default_factory=dict)  #: [T, B, H] on some validation samples, by layer
    running: Tensor | None = None  #: [T, B] steps before the end of each sample; None: all


HealthCheck = Callable[[Checkup], Iterator[str]]
health_checks: Registry[HealthCheck] = Registry("health check")


def trained_weights(model: Any) -> dict[str, Tensor]:
    """A copy of all trained weights of a network, by name; empty for energy models, which are not checked."""
    if not isinstance(model, Network):
        return {}
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


@torch.no_grad()
def check_health(
    model: Any, engine: Any, before: Mapping[str, Tensor], activity: Activity, course: Course
) -> tuple[str, ...]:
    """One sentence per finding, which is also logged; none if all is well, or for energy models.

    Parameters
    ----------
    before : what `trained_weights` returned before training
    course : its validation samples show the outputs of rate-based units; those of an environment are not examined
    """
    if not isinstance(model, Network):
        return ()
    sent: Mapping[str, Tensor] = {}
    running = None
    if isinstance(course, Samples):
        data = course.data["validation"]
        batch = data.take(torch.arange(min(SAMPLES, data.size), device=data.samples.x.device)).encoded()
        sent = engine.sent(model, batch)
        if batch.lengths is not None:
            running = torch.arange(len(batch.x), device=batch.x.device)[:, None] < batch.lengths
    checkup = Checkup(model, before, activity, sent, running)
    findings = tuple(found for name in health_checks for found in health_checks[name](checkup))
    for found in findings:
        log.warning(found)
    return findings


def _reported(layer: str, found: Tensor, what: str, hint: str) -> Iterator[str]:
    share = float(found.double().mean())
    if share >= HALF:
        yield f"layer {layer}: {int(found.sum())} of {plural(found.numel(), 'unit')} {what}; {hint}"


@health_checks.register("silent units")
def silent_units(checkup: Checkup) -> Iterator[str]:
    """Units that never spiked on the test split, or whose output was always 0."""
    for name, seen in checkup.activity.hidden.items():
        silent = torch.as_tensor(seen.spikes == 0)
        hint = "raise input_gain, lower v_threshold, or set rate_target and rate_weight"
        yield from _reported(name, silent, "never spiked on the test split", hint)
    for name, output in _values(checkup):
        if output[..., 0].numel() < ENOUGH * output.shape[-1]:
            continue
        silent = (output == 0).flatten(0, 1).all(0)
        yield from _reported(name, silent, "always output 0", "lower learning_rate, or use another activation")


@health_checks.register("saturated units")
def saturated_units(checkup: Checkup) -> Iterator[str]:
    """Units that spike in nearly every step, or whose output nearly always lies at a bound."""
    hint = "lower input_gain or learning_rate"
    for name, seen in checkup.activity.hidden.items():
        saturated = torch.as_tensor(seen.spikes >= ALWAYS * max(1, checkup.activity.sample_steps))
        yield from _reported(name, saturated, "spike in nearly every step", hint)
    for name, output in _values(checkup):
        bounds = checkup.network[name].output_bounds
        if bounds is None:
            continue
        low, high = bounds
        near = ((output - low).abs() < NEAR * (high - low)) | ((output - high).abs() < NEAR * (high - low))
        running = torch.ones_like(output[..., 0]) if checkup.running is None else checkup.running.to(output.dtype)
        share = (near * running[..., None]).sum((0, 1)) / running.sum()
        yield from _reported(name, share >= ALWAYS, f"nearly always output {low:g} or {high:g}", hint)


@health_checks.register("exploded weights")
def exploded_weights(checkup: Checkup) -> Iterator[str]:
    """Weight matrices of hidden layers that became much larger in training."""
    for name, first, after in _matrices(checkup):
        before, now = (float(weight.double().square().mean().sqrt()) for weight in (first, after))
        if before and not now < GROWTH * before:
            yield (
                f"weights {name} grew {now / before:.3g}-fold, to a root mean square of {now:.3g}; lower learning_rate or "
                "clip_norm, or train for fewer epochs"
            )


@health_checks.register("dead synapses")
def dead_synapses(checkup: Checkup) -> Iterator[str]:
    """Units none of whose trained input weights changed; unless none of any unit did, as in rules that train only a readout."""
    matrices = list(_matrices(checkup))
    if all(bool((after == first).all()) for _, first, after in matrices):
        return
    for name, first, after in matrices:
        still = (after == first).flatten(1).all(1)
        if float(still.double().mean()) >= HALF:
            yield (
                f"weights {name}: the weights of {int(still.sum())} of {plural(len(still), 'unit')} did not change in "
                "training, so these units learned nothing; raise input_gain, widen the surrogate (a smaller slope), "
                "or train longer"
            )


def _matrices(checkup: Checkup) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Trained weights of hidden layers with at least two axes: name, before training, after."""
    hidden = {id(weight) for layer in checkup.network.hidden.values() for weight in layer.parameters()}
    for name, weight in checkup.network.named_parameters():
        if name in checkup.before and id(weight) in hidden and weight.dim() > 1:
            yield name, checkup.before[name], weight.detach()


def _values(checkup: Checkup) -> Iterator[tuple[str, Tensor]]:
    """Outputs [T, B, H] of hidden layers that send values."""
    for name, layer in checkup.network.hidden.items():
        if layer.output_signal == "values" and name in checkup.sent:
            yield name, checkup.sent[name]
