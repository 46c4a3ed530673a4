"""Train a network as defined by its pair card and observe one epoch of its training split: spikes, and cost of computing."""

from dataclasses import dataclass

import numpy as np
import torch

from neurorec.basics.errors import NeurorecError
from neurorec.engines.activity import Activity, LayerActivity
from neurorec.engines.engine import choose_engine
from neurorec.experiments.communication.communication_card import NetCard
from neurorec.hardware.communication.units import ObservedEpoch
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.hardware.workload.workload import TrainingRun
from neurorec.learning.rule import hidden_layer, rules
from neurorec.models.network import Network
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from neurorec.training.fit import encoded_split


@dataclass(frozen=True)
class Computing:
    """Energy of one epoch on a chip; `energy_pJ` is (value, low, high), or None with a reason."""

    rule: str
    chip: str
    energy_pJ: tuple[float, float, float] | None
    at_least: bool
    why_not: str
    unpriced: str = ""


@dataclass(frozen=True)
class Seen:
    """One network, one seed."""

    title: str
    trained_by: str
    accuracy: float
    net: ObservedEpoch
    computing: list[Computing]


@dataclass(frozen=True)
class Job:
    """One training, as plain data that can be sent to another process."""

    net: NetCard
    seed: int
    chips: tuple[str, ...]
    batch_size: int
    max_epochs: int | None
    max_samples: int | None


def observe_epoch(job: Job) -> Seen:
    """Train, then run the training split once with the final weights."""
    torch.set_num_threads(1)
    pair = load_pair(job.net.pair)
    half = pair.rate if job.net.half == "rate" else pair.spiking
    task = load_task(job.net.task, job.seed)
    run = train(
        half, task, job.net.rule, job.seed, device="cpu", max_epochs=job.max_epochs, max_samples=job.max_samples
    )
    network = run.network.eval()
    x = encoded_split(half.encoder, task, "train", job.seed, job.max_samples).x
    with torch.no_grad():
        activity = choose_engine("auto", network).run(network, x).activity
    net = _observed(f"{half.pair} {half.half}", network, activity)
    computing = [
        _computing(network, activity, rule, chip, job.batch_size) for rule in job.net.count_rules for chip in job.chips
    ]
    return Seen(f"{network.title} on {job.net.task}", run.rule_title, run.test_accuracy, net, computing)


def _observed(name: str, network: Network, activity: Activity) -> ObservedEpoch:
    """Counts of the epoch. Thresholds that a rule changes count as trained numbers, although they are buffers."""
    cell, seen = hidden_layer(network), _seen(network, activity)
    reach = cell.operations().recurrent_fan_out
    targets = None
    if (reach == cell.size - 1).all():  # all other units
        targets = ~np.eye(cell.size, dtype=bool)
    elif not (reach == cell.size).all():
        raise ValueError(f"{cell.title}: its connectivity is not known here")
    return ObservedEpoch(
        name=name,
        inputs=cell.input_size,
        hidden=cell.size,
        outputs=network[network.output].size,
        steps=activity.steps,
        samples=activity.samples,
        trained_numbers=network.parameter_count + sum(buffer.numel() for buffer in cell.buffers()),
        spikes=seen.spikes if seen.signal == "spikes" else None,
        fed_back=seen.passed_on if seen.signal == "spikes" else None,
        targets=targets,
    )


def _computing(network: Network, activity: Activity, rule: str, chip: str, batch_size: int) -> Computing:
    if rule not in rules:
        return Computing(rule, chip, None, False, "it is not implemented here, so its operations are not counted")
    messages = rules[rule].messages
    online = messages is not None and messages.online
    updates = _synapses_changed(network, activity) if online else -(-activity.samples // batch_size)
    try:
        cost = estimate_cost(network, activity, chip, training=TrainingRun(rule, activity.samples, updates))
    except NeurorecError as error:
        return Computing(rule, chip, None, False, str(error))
    trained = cost.training
    if trained is None or trained.energy_pJ is None:
        return Computing(rule, chip, None, False, cost.why_not or (trained.why_not if trained else ""))
    band = trained.energy_pJ
    return Computing(rule, chip, (band.value, band.low, band.high), trained.at_least, "", ", ".join(trained.unpriced))


def _synapses_changed(network: Network, activity: Activity) -> int:
    """Pair-based STDP: a spike changes every plastic synapse that it reaches, and every plastic synapse of its neuron."""
    cell, seen = hidden_layer(network), _seen(network, activity)
    own = int(seen.spikes.sum())
    changed = int(activity.input.spikes.sum()) * cell.size + own * cell.input_size
    if any(weight.requires_grad for weight in cell.recurrent_weights()):
        changed += int(seen.passed_on.sum()) * cell.size + own * cell.size
    return changed


def _seen(network: Network, activity: Activity) -> LayerActivity:
    """Of the single hidden layer."""
    (name,) = network.hidden
    return activity.layers[name]
