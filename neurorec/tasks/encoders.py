"""Encoders turn frames of values in 0..1 into the steps of a network, as spikes or as values."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor

from neurorec.basics.cards import Card
from neurorec.basics.errors import InputError
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.numbers import RateHz, StepsPerFrame, TimeMs
from neurorec.basics.registry import Registry
from neurorec.tasks.batch import Batch

BYTES_PER_VALUE = 16  #: of an encoded step, with what is needed to compute it
encoders: Registry[type["Encoder"]] = Registry("encoder")


class EncoderCard(Card):
    name: str


class SpikeEncoderCard(EncoderCard):
    dt_ms: TimeMs
    steps_per_frame: StepsPerFrame


class Encoder(ABC):
    """Maps frames x [T, B, I] to steps [T k, B, I].

    Attributes
    ----------
    signal : what the lines then carry
    code : what represents a value: the mean over the steps of its frame, or how early its spike is
    """

    Card: ClassVar[type[EncoderCard]] = SpikeEncoderCard
    signal: ClassVar[Literal["spikes", "values"]]
    code: ClassVar[Literal["mean", "time"]] = "mean"
    about: ClassVar[str]
    draws: ClassVar[bool] = False  #: whether it draws random numbers; if not, samples can be encoded some at a time
    answered_last: ClassVar[bool] = False  #: whether answers count in the last step of a frame, not in all of its steps

    def __init__(self, card: EncoderCard) -> None:
        self.card = card

    @property
    def steps_per_frame(self) -> int:
        return getattr(self.card, "steps_per_frame", 1)

    @abstractmethod
    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor: ...

    def encode_batch(self, data: Batch, generator: torch.Generator) -> Batch:
        """The batch in steps; every frame of the mask becomes `steps_per_frame` steps.

        Raises
        ------
        InputError
            If a value is outside 0..1 and so cannot be a rate.
        """
        if self.signal == "spikes" and (data.x.min() < 0 or data.x.max() > 1):
            raise InputError(
                f"encoder {self.card.name}: values must be in 0..1 to be encoded as rates (got {data.x.min():g} to "
                f"{data.x.max():g}); scale the data first"
            )
        k = self.steps_per_frame
        refuse_memory(
            BYTES_PER_VALUE * k * data.x.numel(),
            f"encoder {self.card.name}: {data.x.numel():,} values in {k:,} steps per frame each",
            "use fewer steps_per_frame, or fewer samples",
        )
        lengths = None if data.lengths is None else data.lengths * k
        mask = data.mask.repeat_interleave(k, dim=0)
        return replace(data, x=self.encode(data.x, generator), mask=mask, lengths=lengths, steps_per_frame=k)


@encoders.register("none")
class NoEncoder(Encoder):
    """One step per frame, values unchanged."""

    Card = EncoderCard
    signal = "values"
    about = "the values themselves, one step per frame"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x


@encoders.register("events")
class SymbolEvents(Encoder):
    """An event on each line with a value of at least one half, one step per frame: what symbols and bits are."""

    Card = EncoderCard
    signal = "spikes"
    about = "an event on each line with a value of at least one half, one step per frame: for symbols and bits"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return (x >= 0.5).to(x.dtype)


@encoders.register("regular_rate")
class RegularRate(Encoder):
    """Evenly spaced spikes: a value p gives a spike at step k if floor(p (k+1)) > floor(p k), hence floor(p n) spikes
    in n steps. Deterministic; preserves log2(n + 1) bits per value."""

    signal = "spikes"
    about = "evenly spaced spikes, their number proportional to the value"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if ((x == 0) | (x == 1)).all():  # symbols and bits: the same in a tenth of the memory
            return x.repeat_interleave(self.steps_per_frame, dim=0)
        values, steps = (
            x.double(),
            torch.empty(len(x), self.steps_per_frame, *x.shape[1:], dtype=x.dtype, device=x.device),
        )
        before = torch.zeros_like(values)
        for k in range(self.steps_per_frame):  # one by one, so that only the result takes memory
            # the small offset prevents 1.0 * k and sixteenths from being rounded down below the intended integer
            counts = torch.floor(values * (k + 1) + 1e-9)
            steps[:, k] = counts > before
            before = counts
        return steps.flatten(0, 1)


@encoders.register("latency")
class Latency(Encoder):
    """One spike per line and frame; larger values spike earlier: p spikes (1 - p) latest_ms after the start of the frame, in
    the nearest step."""

    class LatencyCard(SpikeEncoderCard):
        latest_ms: TimeMs

        @model_validator(mode="after")
        def _the_last_spike_is_in_the_frame(self) -> Self:
            if round(self.latest_ms / self.dt_ms) >= self.steps_per_frame:
                raise ValueError(
                    f"latest_ms must be less than steps_per_frame x dt_ms = {self.steps_per_frame * self.dt_ms:g} ms, or the "
                    f"latest spikes would miss their frame (got {self.latest_ms:g})"
                )
            return self

    Card = LatencyCard
    signal, code = "spikes", "time"
    about = "one spike per line and frame; larger values spike earlier"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        card: Latency.LatencyCard = self.card  # type: ignore[assignment]
        step = torch.round((1 - x.double()) * (card.latest_ms / card.dt_ms)).long()
        k = torch.arange(card.steps_per_frame, device=x.device)[:, None, None]
        return (k == step[:, None]).to(x.dtype).flatten(0, 1)


@encoders.register("poisson")
class Poisson(Encoder):
    """A spike with probability p max_rate_hz dt in every step (Bernoulli, at most one spike per step)."""

    class PoissonCard(SpikeEncoderCard):
        max_rate_hz: RateHz

    Card = PoissonCard
    signal = "spikes"
    draws = True
    about = "independent spikes, their rate proportional to the value"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        card: Poisson.PoissonCard = self.card  # type: ignore[assignment]
        chance = x * (card.max_rate_hz * card.dt_ms * 1e-3)
        repeated = chance.repeat_interleave(card.steps_per_frame, dim=0)
        draws = torch.rand(repeated.shape, generator=generator).to(x.device)
        return (draws < repeated).to(x.dtype)


@encoders.register("current")
class Current(Encoder):
    """The value itself in every step, as an injected current; needs hardware with analogue or multi-bit input."""

    signal = "values"
    about = "the value itself, injected in every step"

    def encode(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x.repeat_interleave(self.steps_per_frame, dim=0)


class HeldCard(EncoderCard):
    steps_per_frame: StepsPerFrame


@encoders.register("held")
class Held(Current):
    """As `current`, for networks that settle: an answer counts only in the last step of its frame."""

    Card = HeldCard
    answered_last = True
    about = (
        "the value itself in every step; the answer counts in the last step of a frame, when the network has settled"
    )

    def encode_batch(self, data: Batch, generator: torch.Generator) -> Batch:
        """Raises `InputError` for targets in every frame, whose answers are means over frames."""
        if data.per_frame:
            raise InputError(
                f"encoder {self.card.name}: answers count in the last step of a frame, but this task has a target in every "
                "frame, whose answer is the mean over all steps of the frame; use the encoder current"
            )
        batch, k = super().encode_batch(data, generator), self.steps_per_frame
        last = (torch.arange(len(batch.mask), device=batch.mask.device) % k == k - 1).reshape(
            -1, *[1] * (data.mask.dim() - 1)
        )
        return replace(batch, mask=batch.mask * last.to(batch.mask.dtype))
