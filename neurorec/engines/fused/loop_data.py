"""What the time loops take, put together. B samples, T steps, I lines, H neurons in rows of `width` numbers.

Taking an array out of a tuple counts a reference, atomically. So the loops do that before they begin, and functions that are
called at every step get arrays by themselves, and tuples of plain numbers only.
"""

from typing import Any, NamedTuple


class Code(NamedTuple):
    """Addresses of a layer's machine code (step_code.py)."""

    step: int
    adjoint: int
    slope: int


class Given(NamedTuple):
    """What both loops read; on the way back, parts that it does not need have no rows."""

    x: Any  #: [T, B, I]
    lengths: Any  #: [B] steps that each sample takes part in
    first: Any  #: [B, width] W_rec z of before the first step
    w_in: Any  #: [I, width] by line
    w_rec: Any  #: [H, width] by line; no rows where nothing recurs
    neurons: Any  #: [., width] what the step reads of each neuron


class Kept(NamedTuple):
    """What the loop forward keeps for the way back: x and z as bits, and either `near` or, if it has rows, `starts`."""

    near: (
        Any  #: [tiles, T, TILE_ROWS, .] what the step says to keep, u - threshold in most cases; else one tile is lent
    )
    starts: Any  #: [segments, B, S, width] the state before each segment
    x_bits: Any  #: [T, B, .]
    z_bits: Any  #: [T, B, .]


class Outputs(NamedTuple):
    """What a layer sends (or the gradient of it): at every step, and summed over the steps."""

    out: Any  #: [T, B, H]; no steps if not requested
    weights: Any  #: [K, T] of the steps
    summed: Any  #: [K, B, width]


class Added(NamedTuple):
    """The gradients that the way back finds. It adds to the first two, unless they have no rows, and writes the third."""

    w_in: Any  #: [I, width] by line
    w_rec: Any  #: [H, width] by line
    drive: Any  #: [T or 1, B, H]; the last written entry of one row is that of the first step


class Tile(NamedTuple):
    """Room for what one step of a tile's samples works on."""

    z: Any  #: [TILE_ROWS, width] spikes of the step before
    z_words: Any  #: [1, TILE_ROWS, .] the same as bits
    drive: Any  #: [TILE_ROWS, width] W_in x
    recurrent: Any  #: [TILE_ROWS, width] W_rec z
    lines: Any  #: [.] numbers of lines with an event
    values: Any  #: [.] of those events


class Addresses(NamedTuple):
    """Addresses of the arrays of `Given`, of x as bits and of a `Tile`."""

    x: int
    x_bits: int
    w_in: int
    w_rec: int
    neurons: int
    z: int
    z_words: int
    drive: int
    recurrent: int
    lines: int
    values: int


class Again(NamedTuple):
    """Initial state and results of recomputed steps."""

    starts: Any
    z_bits: Any
    state: Any  #: [TILE_ROWS, S, width]
    state_at: int
    near_at: int
    size: int  #: numbers kept of one step of one sample


class Events(NamedTuple):
    """Room for the events of a block of steps, whose gradients go to the weights together."""

    words: Any  #: [64]
    lines: Any
    values: Any
    words_at: int
    lines_at: int
    values_at: int
    drives_at: int  #: [64, width] gradients of the drive
    width: int


class Part(NamedTuple):
    """Steps begin to end of `rows` samples from `start` on."""

    begin: int
    end: int
    start: int
    rows: int
