"""Stable chaos in a network of inhibitory LIF neurons: small perturbations decay, but one lost spike changes everything."""

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Gain
from neurorec.basics.seeds import numpy_generator

Vector = NDArray[np.float64]

SMALL = 1e-6  #: length of a small perturbation of the potentials
FLOOR = 1e-16  #: distances below this are rounding


class StableChaosSettings(Card):
    size: Annotated[int, Field(ge=2, le=5000)]
    inputs: Annotated[int, Field(ge=1, le=10_000)]  #: mean number of synapses per neuron
    coupling: Gain  #: a spike lowers its targets by coupling / sqrt(inputs); the threshold is 1
    drive: Annotated[float, Field(gt=1, le=100)]  #: constant input
    spikes: Annotated[int, Field(ge=2, le=1000)]  #: per neuron, that are followed
    before: Annotated[int, Field(ge=0, le=10_000)]  #: spikes per neuron that are not measured
    trials: Annotated[int, Field(ge=1, le=100)]  #: perturbations of each kind


class Event(NamedTuple):
    """The network just after a spike."""

    v: Vector  #: [N]
    fired: int
    interval: float  #: since the spike before, in membrane time constants
    decay: float  #: exp(-interval)
    above: float  #: drive minus the potential that the neuron had after the spike before


class Orbit(NamedTuple):
    exponent: float  #: mean growth rate of a tangent, per membrane time constant
    time: float  #: in membrane time constants
    states: NDArray[np.float64]  #: [spikes per neuron, N] after every N spikes


class InhibitoryNetwork:
    """dv/dt = drive - v; at v = 1 a spike, after which v = 0 and the targets lose the same amount at once. Solved exactly from
    spike to spike: all neurons relax alike, so the highest one is the next."""

    def __init__(self, card: StableChaosSettings, generator: np.random.Generator) -> None:
        self.drive, self.jump = card.drive, card.coupling / card.inputs**0.5
        connected = generator.random((card.size, card.size)) < card.inputs / card.size
        np.fill_diagonal(connected, False)
        self.targets = [np.flatnonzero(row) for row in connected]
        self.start: Vector = generator.random(card.size)

    def next(self, v: Vector, lost: bool = False) -> Event:
        """The state after the next spike; a lost one resets its neuron but has no effect on others."""
        fired = int(v.argmax())
        above = self.drive - float(v[fired])
        decay = (self.drive - 1) / above
        after = self.drive - (self.drive - v) * decay
        if not lost:
            after[self.targets[fired]] -= self.jump
        after[fired] = 0.0
        return Event(after, fired, -float(np.log(decay)), decay, above)

    def carried(self, v: Vector, event: Event, tangent: Vector) -> Vector:
        """The derivative of the state after `event` along `tangent`, a displacement of the state v after the spike before: the
        time of the spike moves by -tangent[fired] / above."""
        return event.decay * (tangent - (self.drive - v) * (tangent[event.fired] / event.above))  # 0 where it fired

    def follow(self, v: Vector, events: int, tangent: Vector) -> Orbit:
        """Runs the network for a number of spikes and carries a tangent along."""
        time = growth = 0.0
        states = []
        for n in range(events):
            event = self.next(v)
            tangent = self.carried(v, event, tangent)
            length = float(np.linalg.norm(tangent))
            tangent, v = tangent / length, event.v
            growth, time = growth + float(np.log(length)), time + event.interval
            if (n + 1) % len(v) == 0:
                states.append(v)
        return Orbit(growth / time, time, np.array(states))

    def distances(self, a: Vector, b: Vector, events: int) -> Vector:
        """[events]: the distance of two copies after each spike."""
        found = np.empty(events)
        for n in range(events):
            a, b = self.next(a).v, self.next(b).v
            found[n] = np.linalg.norm(a - b)
        return found


@analyses.register("stable_chaos")
class StableChaos(Analysis):
    """States of two copies are compared after the same number of spikes. The largest Lyapunov exponent is that of the exact map
    from spike to spike, which leaves out the shift in time that every autonomous system keeps. It describes perturbations too
    small to change the order of spikes. Stable chaos means that a lost spike spreads although the exponent is negative."""

    about = "Largest Lyapunov exponent of an inhibitory LIF network by event times, and the effect of a lost spike"
    sources = ("monteforte2011",)
    Settings = StableChaosSettings
    example = {"size": 30, "inputs": 10, "coupling": 1.0, "drive": 2.0, "spikes": 5, "before": 5, "trials": 2}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "largest exponent": Value("growth rate of infinitesimal perturbations", "1/time constant"),
        "small perturbation left": Value(
            "mean distance at the end after a displacement by 1e-6, relative to it", "", False
        ),
        "effect of a lost spike": Value("mean distance at the end, relative to that of states that are N spikes apart"),
        "rate": Value("mean rate of the neurons", "spikes/time constant"),
    }

    def run(self, settings: StableChaosSettings, seed: int) -> Found:
        generator = numpy_generator(seed, "stable chaos")
        net, N = InhibitoryNetwork(settings, generator), settings.size
        events, v = settings.spikes * N, net.start
        for _ in range(settings.before * N):
            v = net.next(v).v
        courses, small, lost = [], np.zeros(events), np.zeros(events)
        for _ in range(settings.trials):
            push = generator.standard_normal(N)
            push *= SMALL / np.linalg.norm(push)
            courses.append(net.follow(v, events, push))
            small += net.distances(v, v + push, events) / settings.trials
            kept, missed = net.next(v).v, net.next(v, lost=True).v
            lost[0] += np.linalg.norm(missed - kept) / settings.trials
            lost[1:] += net.distances(kept, missed, events - 1) / settings.trials
            v = courses[-1].states[-1]
        states = np.concatenate([course.states for course in courses])
        unrelated = float(np.linalg.norm(states[1:] - states[:-1], axis=1).mean())
        values = {
            "largest exponent": sum(course.exponent for course in courses) / len(courses),
            "small perturbation left": float(small[-N:].mean()) / SMALL,
            "effect of a lost spike": float(lost[-N:].mean()) / unrelated,
            "rate": len(states) / sum(course.time for course in courses),
        }
        return Found(values, (figure(small, lost, unrelated, values),))


def figure(small: Vector, lost: Vector, unrelated: float, values: dict[str, float]) -> Curves:
    shown = np.unique(np.geomspace(1, len(small), 200).astype(int))
    lines = {name: series(shown, np.maximum(line[shown - 1], FLOOR)) for name, line in
             (("displaced by 1e-6", small), ("one spike lost", lost))}  # fmt: skip
    return Curves(
        "Distance of two copies",
        f"The largest exponent is {values['largest exponent']:.3g} per time constant. After a lost spike, the distance is "
        f"{values['effect of a lost spike']:.2f} times that of unrelated states.",
        "spikes of the network", "distance of the potentials",
        {**lines, "unrelated states": series([1, len(small)], [unrelated] * 2)}, log_x=True, log_y=True,
    )  # fmt: skip
