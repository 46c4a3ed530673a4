"""How far two float computations of one thing may lie apart: as far as the order of their sums explains, and no further.

Processors, libraries and batch sizes differ in the order in which they add, and in whether a multiplication and an addition
are rounded once or twice. Three ways to compare results that must hold on all of them:

* **Exactly**, where every sum is exact in any order: weights and inputs on a grid (multiples of a power of two, sums below
  2^24 of its units; `tests.nets.on_dyadic_grid`). Spikes are compared so, and all that follows from them by elementwise
  steps alone, each of which IEEE 754 rounds in one way only.
* **In double precision**, where `torch.testing.assert_close` allows 1e-7: some 10^9 times the distance from one number to the
  next, which leaves room for any sum and for what a short run makes of its error, and none for a mistake.
* **Within the bounds below**, u being half the distance from 1 to the next number (2^-24 in single precision).

A sum of n products, in any order, lies within gamma_n = n u / (1 - n u) times the sum of their sizes of the exact one
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1): `sums_apart`. A recurrent layer carries the
errors of its sums on from step to step: `unrolled_apart`.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from neurorec.models.cell import Cell
from neurorec.models.readout import Readout

UNIT = {torch.float32: 2.0**-24, torch.float64: 2.0**-53}
OPERATIONS = 16
"""Roundings outside the sums that one step of one unit makes at the most: an LSTM's cell makes 4 + 5 functions, with 2
roundings each where a library is off by one unit in the last place."""

DEVIATIONS = 6 / 3**0.5
"""Six standard deviations, in u: a rounding errs by up to u either way, and so by u / sqrt(3) in the mean square."""


def gamma(n: int, dtype: torch.dtype = torch.float32) -> float:
    """Relative error that n roundings add up to at the most."""
    return n * UNIT[dtype] / (1 - n * UNIT[dtype])


def sums_apart(sizes: Tensor, n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """How far two sums of the same n terms may lie apart; sizes: the sum of |term|."""
    return 2 * gamma(n, dtype) * sizes.double()


def answers_apart(readout: Readout, h: Tensor, apart: Tensor | float = 0.0) -> Tensor:
    """How far the answers [T, B, O] to h [T, B, H] of two runs, `apart` there already, may lie apart: by the sum over H, and by
    the readout's own sum over T (its kernel is positive)."""
    weight, bias = readout.weight.detach().double().abs(), readout.bias.detach().double().abs()
    sizes = h.detach().double().abs() @ weight.T + bias
    each = sums_apart(sizes, weight.shape[1] + 1 + len(h)) + (torch.zeros_like(h.double()) + apart) @ weight.T
    return readout.filter(each)


def mean_answers_apart(readout: Readout, h: Tensor, mask: Tensor, apart: Tensor | float = 0.0) -> Tensor:
    """The same for the mean of the answers over the steps where mask [T] holds, [B, O]: one more sum over T."""
    sizes = readout(h)[0].detach()[mask].abs().mean(0)
    return answers_apart(readout, h, apart)[mask].mean(0) + sums_apart(sizes, len(h) + 1)


def unrolled_apart(cell: Cell, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
    """How far two single-precision runs of `cell` on x [T, B, I] may lie apart: outputs [T, B, H], and parts of the final state
    [B, H] each, which stays what it was behind a sample's end.

    A running error analysis to first order (Higham, section 3.3). A sum rounded in whatever order is the exact sum of terms
    each off by gamma_n. So a step errs by its derivatives after weights, state and input, times their sizes, times gamma_n,
    and by OPERATIONS roundings; and it carries on what the step before left, by its derivative after the state.
    """
    precise = _Step(copy.deepcopy(cell).double())
    weights = {key: value.detach() for key, value in precise.named_parameters()}
    start = [part.detach().double() for part in cell.initial_state(x.shape[1])]
    state = torch.stack(start, 1) if start else x.new_zeros(x.shape[1], 0, cell.size, dtype=torch.float64)
    slopes = vmap(jacrev(lambda *given: functional_call(precise, given[0], given[1:]), (0, 1, 2)), (None, 0, 0))
    apart, outputs, n = torch.zeros_like(state), [], x.shape[2] + cell.size + 1
    for t, x_t in enumerate(x.detach().double()):
        after = vmap(precise)(state, x_t)
        by_weight, by_state, by_x = slopes(weights, state, x_t)
        sizes = sum((slope.abs() * weights[key].abs()).flatten(3).sum(3) for key, slope in by_weight.items())
        sizes = sizes + _reached(by_state, state) + _reached(by_x, x_t)
        largest = after.flatten(1).abs().amax(1)[:, None, None].clamp_min(1.0)
        now = _reached(by_state, apart) + 2 * gamma(n) * sizes + 2 * gamma(OPERATIONS) * largest
        outputs.append(now[:, 0])
        runs = torch.ones_like(state[:, :1, :1]) > 0 if lengths is None else (t < lengths)[:, None, None]
        apart, state = torch.where(runs, now[:, 1:], apart), torch.where(runs, after[:, 1:], state)
    return torch.stack(outputs) if outputs else x.new_zeros(0, x.shape[1], cell.size), list(apart.unbind(1))


class _Step(nn.Module):
    """One step of one sample: state [S, H] and x [I] to output and next state in one [1 + S, H]."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell, self.named = cell, type(cell.initial_state(0))

    def forward(self, state: Tensor, x: Tensor) -> Tensor:
        output, after = self.cell.step(self.named(*state[:, None]), x[None])
        return torch.cat([output, *after])


def _reached(slope: Tensor, moved: Tensor) -> Tensor:
    """How far a step's results [B, 1 + S, H] move at the most, when what they depend on moves so far."""
    return (slope.abs() * moved.abs()[:, None, None]).flatten(3).sum(3)


def assert_apart(one: Tensor, two: Tensor, allowed: Tensor | float, what: str = "") -> None:
    """|one - two| <= allowed everywhere."""
    assert one.shape == two.shape, f"{what}: {list(one.shape)} against {list(two.shape)}"
    difference = (one.detach().double() - two.detach().double()).abs()
    worst = (difference - allowed).max() if difference.numel() else torch.tensor(-1.0)
    assert worst <= 0, f"{what}: {float(worst):.1e} further apart than the order of sums explains"


def gradients_apart(T: int, B: int, H: int) -> float:
    """How far the gradients of two single-precision runs may lie apart, as a share of the largest entry.

    n = T (H + OPERATIONS) roundings follow each other on the way back through time, and T B in the sum over steps and samples.
    They are of either sign and as good as independent, and so add up to no more than DEVIATIONS sqrt(n) u (Ipsen and Zhou,
    Probabilistic error analysis for inner products, 2020), where `gamma` must allow n u.
    """
    return DEVIATIONS * UNIT[torch.float32] * (T * (H + OPERATIONS) + T * B) ** 0.5


def assert_gradients_apart(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], T: int, B: int, H: int) -> None:
    """Every gradient lies within `gradients_apart` of the expected one."""
    for key, gradient in expected.items():
        largest = gradient.abs().max().clamp_min(1e-12) if gradient.numel() else 1.0
        error = float((found[key] - gradient).abs().max() / largest) if gradient.numel() else 0.0
        assert error <= gradients_apart(T, B, H), f"{key}: off by {error:.1e} of its largest entry"
