"""Networks of populations and projections for event engines: equations in Brian2's notation, independent of the simulator.

Order within a step t, which every engine follows:

1. in the first step of a sample: weights are normalised to `weight_sum`, variables in `at_sample` are set to their values;
2. state advances by dt (`method`); populations fire: by the condition `fires`, from a spike train, or at random;
3. `reset` of the neurons that fired; then `on_post` of their incoming synapses, projection by projection;
4. spikes arrive: those of `drives`, population by population; then, including those of this step if the delay is 0, those of
   projections: `on_pre`, projection by projection;
5. `after` of the neurons that fired; then, if there is a reward, `on_reward` of every synapse.

A trace raised in `after` therefore does not affect the synapses of the spike that raised it; one raised in `reset` does.
Traces belong to neurons, not to synapses: a delayed spike meets its target's trace on arrival, and `on_post` reads its
source's trace as it is at the source.

A sample begins only with item 1: a neuron that has just fired is still refractory, and spikes in transit still arrive, as
when images follow each other on a chip. To separate samples completely, end each with a rest longer than refractory times,
delays and the decay of variables that are not in `at_sample`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from neurorec.basics.errors import InputError


def variables_of(equations: str) -> list[str]:
    """Names of differential equations and parameters, one per line; named expressions are not included."""
    found = (re.match(r"\s*(?:d(\w+)/dt\s*=|(\w+)\s*:)", line) for line in equations.splitlines())
    return [match[1] or match[2] for match in found if match]


@dataclass(frozen=True)
class SpikeTrain:
    """Given spikes: neuron `neurons[k]` fires at step `steps[k]`, at most once per step."""

    steps: np.ndarray
    neurons: np.ndarray


@dataclass(frozen=True)
class SpikeStream:
    """Given spikes in parts of `steps` steps, made one after another during the run, so that memory need hold only one.

    `parts` starts from the first part; steps are counted from the start of the run. After the last part nothing fires.
    """

    steps: int
    parts: Callable[[], Iterator[SpikeTrain]]

    def whole(self) -> SpikeTrain:
        """All parts at once."""
        nothing = np.zeros(0, np.int64)
        parts = [SpikeTrain(nothing, nothing), *self.parts()]
        return SpikeTrain(np.concatenate([p.steps for p in parts]), np.concatenate([p.neurons for p in parts]))


@dataclass(frozen=True)
class PoissonTrain:
    """In each step each neuron fires with probability rate dt: one rate, one per neuron [N], or per sample [S, N]."""

    rates_Hz: np.ndarray | float


@dataclass(frozen=True)
class PoissonDrive:
    """Spikes of Poisson sources that are not simulated, independent for each neuron: in each step its variable `onto` rises by
    `amount` times a Poisson number with mean rate dt."""

    onto: str
    amount: float
    rate_Hz: float  #: of all sources of one neuron together


@dataclass(frozen=True)
class EventPopulation:
    """N neurons, or input lines if `fires` is a spike train, a stream of them or Poisson."""

    size: int
    fires: (
        str | SpikeTrain | SpikeStream | PoissonTrain
    )  #: a condition such as "v > v_threshold", or a source of spikes
    equations: str = (
        ""  #: "dv/dt = ... : 1"; "theta : 1" is a parameter; marked "(unless refractory)", v neither changes
    )
    #: nor receives spikes while the neuron is refractory; `reset` and `after` may always change it
    reset: str = ""
    after: str = ""
    refractory_ms: float = 0.0
    method: str = "euler"  #: "euler" or, for linear equations with constant coefficients, "exact"
    start: Mapping[str, float | np.ndarray] = field(default_factory=dict)  #: initial values other than 0
    at_sample: Mapping[str, float] = field(default_factory=dict)
    drives: tuple[PoissonDrive, ...] = ()


@dataclass(frozen=True)
class EventProjection:
    """Synapses from one population to another: a full matrix `weights` [S, N], or [E] with `pre` [E] and `post` [E].

    Weights given as float32 stay float32 in the compiled engine, in half the memory; each change is rounded to 24 bits.
    In `on_pre`, `on_post` and `on_reward`, w and the variables of `state` are the synapse's own; names of the source end
    in `_pre`, names of the target in `_post`. Only the synapse's own variables and, in `on_pre`, the target's may be changed.
    """

    source: str
    target: str
    weights: np.ndarray
    pre: np.ndarray | None = None
    post: np.ndarray | None = None
    on_pre: str = ""
    on_post: str = ""
    on_reward: str = ""  #: may use `reward`
    state: str = ""  #: decaying variables of the synapse, such as "dc/dt = -c / tau_c : 1"
    delay_ms: float | np.ndarray = 0.0  #: one, or one per synapse [E]
    weight_sum: float | None = None  #: at the start of each sample, each target's weights are normalised to this sum
    weight_max: float = np.inf  #: and clipped at this value


@dataclass(frozen=True)
class EventNetwork:
    """Populations and projections by name, and the parameters of their equations (times in ms)."""

    dt_ms: float
    populations: Mapping[str, EventPopulation]
    projections: Mapping[str, EventProjection]
    times_ms: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    sample_steps: int = 0  #: steps of a sample; 0: no samples
    reward: SpikeTrain | None = None  #: `neurons` then contains the amounts of reward

    def __post_init__(self) -> None:
        for name, population in self.populations.items():
            _check_drives(name, population)
        for name, projection in self.projections.items():
            _check_projection(self, name, projection)

    @property
    def constants(self) -> dict[str, float]:
        return {**self.times_ms, **self.numbers}


@dataclass(frozen=True)
class EventRun:
    """Result: spikes (step, neuron) of the recorded populations, and final state and weights."""

    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]
    counts: Mapping[str, int]  #: spikes of each population, recorded or not
    state: Mapping[str, Mapping[str, np.ndarray]]
    weights: Mapping[str, np.ndarray]  #: in their original shape
    engine: str
    wall_s: float  #: stepping only
    prepare_s: float  #: building and compiling before stepping


def _check_drives(name: str, population: EventPopulation) -> None:
    known = variables_of(population.equations)
    for drive in population.drives:
        if drive.onto not in known:
            raise InputError(
                f'population {name}: a drive raises "{drive.onto}", which is not one of its variables ({", ".join(known)})'
            )
        if not 0 <= drive.rate_Hz < np.inf:
            raise InputError(f"population {name}: the rate of a drive must be 0 Hz or more (got {drive.rate_Hz:g})")


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
            raise InputError(
                f"projection {name}: weights have shape {list(shape)}, but [source, target] is {list(sizes)}"
            )
    elif not len(shape) == 1 == np.ndim(pre) == np.ndim(post) or not shape[0] == len(pre) == len(post):
        raise InputError(f"projection {name}: pre, post and weights must have one entry per synapse")
    elif shape[0] and (min(pre.min(), post.min()) < 0 or pre.max() >= sizes[0] or post.max() >= sizes[1]):
        raise InputError(f"projection {name}: a synapse refers to a neuron outside [source, target] {list(sizes)}")
    if np.ndim(projection.delay_ms) and np.shape(projection.delay_ms) != shape:
        raise InputError(f"projection {name}: delay_ms must be one number, or one per synapse {list(shape)}")
