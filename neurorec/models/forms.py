"""Other forms of a layer's step, declared by the layer itself: equations for event engines, a step function of Norse.

`step` says what a layer computes; a form says the same in another engine's terms, and tests hold each form to `step`. So
no engine lists layers. A class that defines its own `step` inherits no form: it declares its own, or has none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class NeuronModel:
    """Neurons in Brian2's notation: equations, threshold, reset, and what a spike over a synapse of weight w does."""

    equations: str
    fires: str
    reset: str
    jump: str
    method: str = "euler"


@dataclass(frozen=True)
class EventForm:
    """A layer as event engines run it: with steps of dt_ms; before the membrane moves at step t, the input spikes of step t
    and the layer's own spikes of step t - 1 have arrived."""

    dt_ms: float
    model: NeuronModel
    input_weights: Tensor  #: [H, I]
    recurrent_weights: Tensor  #: [H, H]
    times_ms: Mapping[str, float]  #: time constants that the equations name
    numbers: Mapping[str, float]  #: pure numbers that the equations name
    at_rest: Mapping[str, float]  #: what variables are at the start of a sample, where not 0
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    """[H] variables that last from sample to sample: constant, unless a rule brings an equation for one of them."""
    weight_sum: float | None = None  #: sum of each neuron's input weights at the start, for rules that keep it
    lateral_inhibition: bool = False  #: whether a spike inhibits the other neurons


@dataclass(frozen=True)
class NorseForm:
    """A layer as norse.torch.functional runs it: step(x, state, *weights, parameters, dt=1)."""

    step: str  #: module and function, such as "lif.lif_step"
    parameters: str  #: the class of its parameters, in the same module
    values: Mapping[str, float | Tensor]  #: of its parameters
    weights: tuple[Tensor, ...]
    spike: Callable[[Tensor], Tensor] | None = None  #: stands in for Norse's own spike function


class Forms:
    """A layer's forms besides `step`; each is a description, or a sentence saying why there is none."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for form in ("event_form", "norse_form"):
            if "step" in vars(cls) and form not in vars(cls):
                setattr(cls, form, vars(Forms)[form])

    def event_form(self) -> EventForm | str:
        """The layer as equations for event engines, or why it has none."""
        return "it declares no event equations"

    def norse_form(self) -> NorseForm | str:
        """The step of Norse that equals the layer's own, or why there is none."""
        return "it declares no step of Norse that equals its own"
