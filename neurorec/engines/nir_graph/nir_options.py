"""Named options for what a NIR file leaves open: it holds structure and parameters, but no simulation settings."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from neurorec.basics.errors import InputError, did_you_mean

Integrator = Literal["euler", "exponential", "exponential_decay"]
SynapseOrder = Literal["new", "old"]
Reset = Literal["zero", "subtract", "subtract_guarded", "zero_next_step", "subtract_next_step"]
Arithmetic = Literal["increment", "decay"]
TimeUnit = Literal["s", "ms", "steps"]
Precision = Literal["float32", "float64"]
LowerBound = Literal["none", "if", "all"]
IfGain = Literal["dt", "one"]

CHOICES: dict[str, tuple[str, ...]] = {
    "integrator": get_args(Integrator),
    "synapse_order": get_args(SynapseOrder),
    "reset": get_args(Reset),
    "arithmetic": get_args(Arithmetic),
    "time_unit": get_args(TimeUnit),
    "precision": get_args(Precision),
    "lower_bound": get_args(LowerBound),
    "if_gain": get_args(IfGain),
}


@dataclass(frozen=True)
class NirOptions:
    """How a NIR graph is stepped through time. docs/nir.md has the equations of every choice.

    The defaults are those of neurorec's own LIF, so that a file written by neurorec runs as its network did.
    """

    #: length of one time step in seconds; not in the file
    dt_s: float
    #: unit of the file's time constants (and of the dt of I and IF)
    time_unit: TimeUnit = "s"
    #: share of a state lost per step, and weight of its input: "euler" dt/tau for both; "exponential" 1 - exp(-dt/tau) for
    #: both, exact for an input held over the step; "exponential_decay" 1 - exp(-dt/tau) and dt/tau, as in Sinabs and Rockpool
    integrator: Integrator = "euler"
    #: the current that the membrane reads: "new", including this step's spikes, or "old", that of the previous step
    synapse_order: SynapseOrder = "new"
    #: effect of a spike on the membrane; "zero" means the file's v_reset
    reset: Reset = "zero"
    #: whether the bias of a recurrent Affine acts in the first step, before any spike is fed back
    recurrent_bias_at_start: bool = True
    #: whether all recorded signals (spikes and outputs) are delayed by one step; the dynamics are unchanged
    output_delayed: bool = False
    #: whether spikes reach the next layer one step later (recurrent spikes are always delayed by one step)
    layers_delayed: bool = False
    #: whether a neuron sends floor(v / v_threshold) spikes per step instead of one; its reset removes them all
    several_spikes: bool = False
    #: whether potentials stop at -v_threshold: "none", only those of IF nodes ("if", as in Sinabs), or "all" that spike
    lower_bound: LowerBound = "none"
    #: what the input of I and IF is multiplied by: "dt" dt r, as NIR defines them; "one" r, as in most simulators
    if_gain: IfGain = "dt"
    #: form of the leak, which affects rounding: "increment" v + a (target - v), as in neurorec and Norse;
    #: "decay" (1 - a) v + a target, as in snnTorch
    arithmetic: Arithmetic = "increment"
    #: of states and products; parameters are combined in float64 first
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        for field in fields(self):
            came, known = getattr(self, field.name), CHOICES.get(field.name)
            if known is not None and came not in known:
                hint = did_you_mean(str(came), known)
                raise InputError(f'NIR option {field.name} "{came}" is not known{hint}; known: {", ".join(known)}')
        if not 0 < self.dt_s < float("inf"):
            raise InputError(f"NIR option dt_s must be a positive number of seconds (got {self.dt_s!r})")
        if self.several_spikes and self.reset not in ("zero", "subtract"):
            raise InputError(
                f'NIR option several_spikes requires reset "zero" or "subtract" '
                f'(got "{self.reset}", which allows one spike per step)'
            )

    @property
    def dt(self) -> float:
        """The time step in the file's own unit."""
        return {"s": self.dt_s, "ms": self.dt_s * 1e3, "steps": 1.0}[self.time_unit]


def promised_options(metadata: dict[str, object], where: str) -> NirOptions:
    """The options stored in a file written by neurorec, which reproduce its network.

    `run_nir` itself never reads metadata, since NIR allows tools to ignore it.
    """
    promise = metadata.get("neurorec")
    if not isinstance(promise, dict):
        raise InputError(
            f"{where}: this file was not written by neurorec and does not state how to step it; give a NirOptions "
            "(at least dt_s, see docs/nir.md)"
        )
    known = {field.name for field in fields(NirOptions)}
    options = {name: _plain(value) for name, value in promise.items() if name in known}
    return NirOptions(**options)  # type: ignore[arg-type]


def delays_loops(metadata: dict[str, object]) -> bool:
    """Whether the file says that its loops of weights alone are delayed by one step (a leaky readout written as recurrence)."""
    promise = metadata.get("neurorec")
    return isinstance(promise, dict) and promise.get("leaky") == "recurrence"


def _plain(value: object) -> object:
    """HDF5 returns numbers as NumPy scalars."""
    return value.item() if hasattr(value, "item") else value  # type: ignore[union-attr]
