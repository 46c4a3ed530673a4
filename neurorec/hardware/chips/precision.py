"""Data types of a network's numbers, which convert counts of words to bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from neurorec.basics.errors import InputError, did_you_mean

DType = Literal["float64", "float32", "bfloat16", "float16", "int32", "int16", "int8"]
BITS: dict[str, int] = {
    "float64": 64, "float32": 32, "bfloat16": 16, "float16": 16, "int32": 32, "int16": 16, "int8": 8,
}  # fmt: skip
BY_WIDTH: dict[str, DType] = {"64": "float64", "32": "float32", "16": "float16", "8": "int8"}
ADDRESS_BITS = 32  #: a spike is the address of its sender, whose width does not depend on the data type


@dataclass(frozen=True)
class Precision:
    """The data type of each kind of number. Gradients, moments and traces have type `learning`, that of the master copy."""

    weight: DType = "float32"
    state: DType = "float32"
    activation: DType = "float32"
    learning: DType = "float32"

    @classmethod
    def of(cls, dtype: DType) -> Precision:
        """Weights, states and activations all in `dtype`."""
        return cls(dtype, dtype, dtype)

    @property
    def name(self) -> str:
        kinds = (self.weight, self.state, self.activation)
        return self.weight if len(set(kinds)) == 1 else " / ".join(kinds)

    @property
    def is_integer(self) -> bool:
        return self.weight.startswith("int")

    @property
    def for_learning(self) -> Precision:
        """The data type of the optimiser."""
        return replace(self, weight=self.learning)

    def bits(self, kind: str) -> int:
        """Bits per word of `kind`: a kind of store, or "address" for a spike."""
        if kind == "address":
            return ADDRESS_BITS
        if kind in ("gradient", "moment", "trace"):
            return BITS[self.learning]
        return BITS[{"weight": self.weight, "activation": self.activation}.get(kind, self.state)]


FLOAT32 = Precision()


def parse_precision(text: str) -> Precision:
    """ "8", "16", "32" (int8, float16, float32), or the name of a data type.

    Raises
    ------
    InputError
        For any other text.
    """
    dtype = BY_WIDTH.get(text, text)
    if dtype not in BITS:
        raise InputError(
            f'precision "{text}" is not known{did_you_mean(text, BITS)}; use 8 (int8), 16 (float16), 32 (float32) or '
            f"one of {', '.join(BITS)}"
        )
    return Precision.of(dtype)  # type: ignore[arg-type]
