"""Networks of populations and projections that an event engine runs: equations in Brian2's notation, no simulator named.

Order within a step t, which every engine keeps:

1. at the first step of a sample: weights are scaled to `weight_sum`, the variables in `at_sample` take their values;
2. state moves by dt (`method`); populations fire: above `fires`, from a spike train, or by chance;
3. `reset` of the neurons that fired; then `on_post` of their incoming synapses, projection by projection;
4. spikes arrive, those of this step where the delay is 0: `on_pre`, projection by projection;
5. `after` of the neurons that fired; then, where a reward is due, `on_reward` of every synapse.

A trace raised in `after` is therefore not seen by the synapses of the spike that raised it; one raised in `reset` is.
Traces belong to neurons, not to synapses: a delayed spike meets its target's trace on arrival, and `on_post` reads its
source's trace as it is at the source.

A sample begins with what 1. says and no more: a neuron that fired just before is still refractory, and spikes that are
under way still arrive, as where pictures follow each other on a chip. Where samples must not touch, end each with a rest
longer than refractory times, delays and the variables that `at_sample` does not name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurorec.basics.errors import InputError


def variables_of(equations: str) -> list[str]:
    """Names of the differential equations and parameters, one a line; named expressions are none."""
    found = (re.match(r"\s*(?:d(\w+)/dt\s*=|(\w+)\s*:)", line) for line in equations.splitlines())
    return [match[1] or match[2] for match in found if match]


@dataclass(frozen=True)
class SpikeTrain:
    """Given spikes: neuron `neurons[k]` fires at step `steps[k]`; at most once a step."""

    steps: np.ndarray
    neurons: np.ndarray


@dataclass(frozen=True)
class PoissonTrain:
    """In each step of dt each neuron fires with probability rate dt: one rate, one each [N], or one a sample [S, N]."""

    rates_Hz: np.ndarray | float


@dataclass(frozen=True)
class EventPopulation:
    """N neurons, or input lines where `fires` is a spike train or Poisson."""

    size: int
    fires: str | SpikeTrain | PoissonTrain  #: a condition such as "v > v_threshold", or where the spikes come from
    equations: str = (
        ""  #: "dv/dt = ... : 1"; "theta : 1" is a parameter; where "(unless refractory)" stands, v neither moves
    )
    #: nor takes spikes that arrive while the neuron is refractory; `reset` and `after` may always change it
    reset: str = ""
    after: str = ""
    refractory_ms: float = 0.0
    method: str = "euler"  #: "euler" or, for linear equations with constant coefficients, "exact"
    start: Mapping[str, float | np.ndarray] = field(default_factory=dict)  #: variables that do not start at 0
    at_sample: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class EventProjection:
    """Synapses from one population to another: a full matrix `weights` [S, N], or [E] with `pre` [E] and `post` [E].

    Weights given as float32 stay so in the compiled engine, in half the memory: each change is then rounded to 24 bits.
    In `on_pre`, `on_post` and `on_reward`, w and the variables of `state` are the synapse's own; a name of the source ends
    in `_pre`, of the target in `_post`. Only the synapse's own and, in `on_pre`, the target's may be changed.
    """

    source: str
    target: str
    weights: np.ndarray
    pre: np.ndarray | None = None
    post: np.ndarray | None = None
    on_pre: str = ""
    on_post: str = ""
    on_reward: str = ""  #: may use `reward`
    state: str = ""  #: decays of the synapse itself, such as "dc/dt = -c / tau_c : 1"
    delay_ms: float | np.ndarray = 0.0  #: one, or one for each synapse [E]
    weight_sum: float | None = None  #: at each sample's start, each target's weights are scaled to this sum,
    weight_max: float = np.inf  #: and cut off here


@dataclass(frozen=True)
class EventNetwork:
    """Populations and projections by name, and the numbers their equations name (times in ms)."""

    dt_ms: float
    populations: Mapping[str, EventPopulation]
    projections: Mapping[str, EventProjection]
    times_ms: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    sample_steps: int = 0  #: steps of a sample; 0: no samples
    reward: SpikeTrain | None = None  #: `neurons` then holds the rewards' amounts

    def __post_init__(self) -> None:
        for name, projection in self.projections.items():
            _check_projection(self, name, projection)

    @property
    def constants(self) -> dict[str, float]:
        return {**self.times_ms, **self.numbers}


@dataclass(frozen=True)
class EventRun:
    """What came of it: spikes (step, neuron) of the recorded populations, and all state and weights afterwards."""

    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]
    counts: Mapping[str, int]  #: spikes of each population, recorded or not
    state: Mapping[str, Mapping[str, np.ndarray]]
    weights: Mapping[str, np.ndarray]  #: shaped as they were given
    engine: str
    wall_s: float  #: stepping alone
    prepare_s: float  #: before it: building, compiling


def _check_projection(network: EventNetwork, name: str, projection: EventProjection) -> None:
    for end in (projection.source, projection.target):
        if end not in network.populations:
            raise InputError(f'projection {name}: no population "{end}"; known: {", ".join(network.populations)}')
    sizes = tuple(network.populations[end].size for end in (projection.source, projection.target))
    shape, pre, post = np.shape(projection.weights), projection.pre, projection.post
    if (pre is None) != (post is None):
        raise InputError(f"projection {name}: give both pre and post, or neither for a full matrix")
    if pre is None or post is None:
        if shape != sizes:
            raise InputError(f"projection {name}: weights {list(shape)} where [source, target] is {list(sizes)}")
    elif not len(shape) == 1 == np.ndim(pre) == np.ndim(post) or not shape[0] == len(pre) == len(post):
        raise InputError(f"projection {name}: pre, post and weights must have one entry for each synapse")
    elif shape[0] and (min(pre.min(), post.min()) < 0 or pre.max() >= sizes[0] or post.max() >= sizes[1]):
        raise InputError(f"projection {name}: a synapse names a neuron outside [source, target] {list(sizes)}")
    if np.ndim(projection.delay_ms) and np.shape(projection.delay_ms) != shape:
        raise InputError(f"projection {name}: delay_ms needs one number, or one for each synapse {list(shape)}")
