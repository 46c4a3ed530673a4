"""Named options for what a NIR file leaves open: it holds structure and parameters, but no simulation settings."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from neurorec.basics.errors import InputError, did_you_mean

Integrator = Literal["euler", "exponential"]
SynapseOrder = Literal["new", "old"]
Reset = Literal["zero", "subtract", "subtract_guarded", "zero_next_step", "subtract_next_step"]
Arithmetic = Literal["increment", "decay"]
TimeUnit = Literal["s", "ms", "steps"]
Precision = Literal["float32", "float64"]

CHOICES: dict[str, tuple[str, ...]] = {
    "integrator": get_args(Integrator),
    "synapse_order": get_args(SynapseOrder),
    "reset": get_args(Reset),
    "arithmetic": get_args(Arithmetic),
    "time_unit": get_args(TimeUnit),
    "precision": get_args(Precision),
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
    #: rate of a state per step: "euler" dt/tau; "exponential" 1 - exp(-dt/tau), exact for an input held over the step
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


def options_from_text(settings: Iterable[str], metadata: dict[str, object], where: str) -> NirOptions:
    """Options from the command line, such as "reset=subtract"; defaults are those stored in a file written by neurorec.

    Raises
    ------
    InputError
        For an unknown option or value, or if neither the settings nor the file give the length of a step.
    """
    known = [field.name for field in fields(NirOptions)]
    given: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise InputError(
                f'NIR option "{setting}" is not known{did_you_mean(name, known)}; write NAME=VALUE, with a NAME of '
                f"{', '.join(known)}"
            )
        given[name] = _parsed(name, text)
    if "neurorec" not in metadata and "dt_s" not in given:
        raise InputError(
            f"{where}: this file was not written by neurorec and does not state how to step it; give at least the length "
            "of a step (on the command line: --nir dt_s=1e-3; see docs/nir.md for all options)"
        )
    promised = asdict(promised_options(metadata, where)) if "neurorec" in metadata else {}
    return NirOptions(**{**promised, **given})  # type: ignore[arg-type]


def _parsed(name: str, text: str) -> object:
    if name in CHOICES:
        return text
    if name != "dt_s":
        if text.lower() not in ("true", "false"):
            raise InputError(f'NIR option {name} must be true or false (got "{text}")')
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        raise InputError(f'NIR option dt_s must be a positive number of seconds (got "{text}")') from None


def _plain(value: object) -> object:
    """HDF5 returns numbers as NumPy scalars."""
    return value.item() if hasattr(value, "item") else value  # type: ignore[union-attr]
