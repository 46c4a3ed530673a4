"""Alternative forms of a layer's step, declared by the layer: equations for event engines, a step function of Norse, a
state that forgets where it started.

`step` defines what a layer computes; a form expresses the same for another engine, and tests compare each form with `step`.
Engines therefore do not list layers. A class that defines its own `step` inherits no form: it declares its own, or has none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class NeuronModel:
    """Neurons in Brian2's notation: equations, threshold, reset, and the effect of a spike through a synapse of weight w."""

    equations: str
    fires: str
    reset: str
    jump: str
    method: str = "euler"


@dataclass(frozen=True)
class EventForm:
    """A layer as run by event engines, with steps of dt_ms; before the membrane update of step t, the input spikes of step t
    and the layer's own spikes of step t - 1 have arrived."""

    dt_ms: float
    model: NeuronModel
    input_weights: Tensor  #: [H, I]
    recurrent_weights: Tensor  #: [H, H]
    times_ms: Mapping[str, float]  #: time constants used in the equations
    numbers: Mapping[str, float]  #: dimensionless numbers used in the equations
    at_rest: Mapping[str, float]  #: variables that are not 0 at the start of a sample
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    """[H] variables that persist from sample to sample: constant, unless a rule has an equation for them."""
    weight_sum: float | None = None  #: initial sum of each neuron's input weights, for rules that preserve it
    lateral_inhibition: bool = False  #: whether a spike inhibits the other neurons
    excitation: Tensor | None = None  #: [H, H] further recurrent weights, 0 on the diagonal, which rules may change
    excitation_sum: float = 0.0  #: initial sum of each neuron's, for rules that preserve it
    excitation_delay: int = 1  #: steps from a spike to the membrane update in which it acts

    def with_excitation(self, weights: Tensor, weight_sum: float, delay: int) -> "EventForm":
        return replace(self, excitation=weights, excitation_sum=weight_sum, excitation_delay=delay)


@dataclass(frozen=True)
class NorseForm:
    """A layer as norse.torch.functional runs it: step(x, state, *weights, parameters, dt=1)."""

    step: str  #: module and function, such as "lif.lif_step"
    parameters: str  #: the class of its parameters, in the same module
    values: Mapping[str, float | Tensor]  #: of its parameters
    weights: tuple[Tensor, ...]
    spike: Callable[[Tensor], Tensor] | None = None  #: replaces Norse's own spike function


@dataclass(frozen=True)
class FadingForm:
    """A layer with fixed weights whose output is its whole state [B, H], and which forgets its initial state: in the long run,
    the state depends only on recent input (the echo state property). `step` equals the layer's own but for the order of sums,
    and is prepared for many calls."""

    step: Callable[[Any, Tensor], tuple[Tensor, Any]]


class Forms:
    """Alternative forms of a layer; each is a description, or a sentence saying why there is none."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for form in ("event_form", "norse_form", "fading_form"):
            if "step" in vars(cls) and form not in vars(cls):
                setattr(cls, form, vars(Forms)[form])

    def event_form(self) -> EventForm | str:
        """The layer as equations for event engines, or why it has none."""
        return "it declares no event equations"

    def norse_form(self) -> NorseForm | str:
        """The Norse step that equals the layer's own, or why there is none."""
        return "it declares no equivalent Norse step"

    def fading_form(self) -> FadingForm | str:
        """The layer's step, if its state forgets where it started, or why there is none."""
        return "it does not declare that its state forgets where it started"
