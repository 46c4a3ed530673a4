"""One objective per file. Importing this folder registers them all."""

from neurorec.tasks.objectives import (
    classification,
    independent_bits,
    next_symbol,
    pattern_completion,
    regression,
    reward,
    step_classification,
    step_regression,
)

__all__ = [
    "classification",
    "independent_bits",
    "next_symbol",
    "pattern_completion",
    "regression",
    "reward",
    "step_classification",
    "step_regression",
]
