"""Arguments of the time loops. B samples, T steps, I lines, H neurons in rows of `width` numbers.

Taking an array out of a tuple updates its reference count atomically. The loops therefore do so before they begin, and
functions that take tuples with arrays in every step are `written_in`, where numba can remove the counting.
"""

from typing import Any, NamedTuple


class Code(NamedTuple):
    """Addresses of a layer's machine code (step_code.py)."""

    step: int
    adjoint: int
    slope: int


class Given(NamedTuple):
    """Read by both loops; in the backward pass, unused parts have no rows."""

    x: Any  #: [T, B, I]
    lengths: Any  #: [B] steps of each sample
    first: Any  #: [B, width] W_rec z before the first step
    w_in: Any  #: [I, width] by line
    w_rec: Any  #: [H, width] by line; no rows without recurrence
    neurons: Any  #: [., width] per-neuron numbers that the step reads


class Kept(NamedTuple):
    """What the forward loop keeps for the backward pass: x and z as bits, and either `near` or, if it has rows, `starts`."""

    near: Any  #: [tiles, T, TILE_ROWS, .] what the step needs kept, usually u - threshold; otherwise scratch space for one tile
    starts: Any  #: [segments, B, S, width] the state before each segment
    x_bits: Any  #: [T, B, .]
    z_bits: Any  #: [T, B, .]


class Outputs(NamedTuple):
    """The output of a layer (or its gradient): in every step, and summed over the steps."""

    out: Any  #: [T, B, H]; no steps if not requested
    weights: Any  #: [K, T] of the steps
    summed: Any  #: [K, B, width]


class Added(NamedTuple):
    """Gradients of the backward pass, which adds to the first two, unless they have no rows, and writes the third."""

    w_in: Any  #: [I, width] by line
    w_rec: Any  #: [H, width] by line
    drive: Any  #: [T or 1, B, H]; the last entry written to a single row is that of the first step


class Lines(NamedTuple):
    """Data for computing the drive of a tile: arrays and their addresses."""

    x: Any
    x_bits: Any
    first: Any
    x_at: int
    x_bits_at: int
    in_at: int
    rec_at: int
    lines_back: int  #: H, or 0 without recurrence


class Tile(NamedTuple):
    """Rows of a tile's samples used in one step: arrays and their addresses."""

    z: Any  #: [TILE_ROWS, width] spikes of the previous step
    z_words: Any  #: [1, TILE_ROWS, .] the same as bits
    drive: Any  #: [TILE_ROWS, width] W_in x
    recurrent: Any  #: [TILE_ROWS, width] W_rec z
    lines: Any  #: [.] numbers of lines with an event
    values: Any  #: [.] of those events
    z_at: int
    words_at: int
    drive_at: int
    recurrent_at: int
    lines_at: int
    values_at: int
    neurons_at: int


class Again(NamedTuple):
    """Initial state and results of recomputed steps."""

    starts: Any
    z_bits: Any
    state: Any  #: [TILE_ROWS, S, width]
    state_at: int
    near_at: int
    size: int  #: numbers kept per step and sample


class Events(NamedTuple):
    """Buffer for the events of a block of steps, whose gradients are added to the weights together."""

    words: Any  #: [64]
    lines: Any
    values: Any
    words_at: int
    lines_at: int
    values_at: int
    drives_at: int  #: [64, width] gradients of the drive
    width: int


class Part(NamedTuple):
    """Steps begin to end of `rows` samples starting at `start`."""

    begin: int
    end: int
    start: int
    rows: int
