"""The ring all-reduce: P workers sum n numbers that each of them holds, and all have the sum at the end.

The numbers are cut into P chunks. Reduce-scatter: in step s = 0 .. P-2 worker r sends chunk r - s to worker r + 1 (all
modulo P), which adds it to its own; so worker r sends every chunk but r + 1, and ends with chunk r + 1 complete.
All-gather: in step s it sends chunk r + 1 - s, hence every chunk but r + 2. Each phase moves every chunk P - 1 times, so
2 (P - 1) n numbers are sent in total, whatever the sizes of the chunks; a worker sends 2 (P - 1)/P n if P divides n. This
is the minimum for any all-reduce (Patarasuk & Yuan 2009, patarasuk2009).
"""

from __future__ import annotations

from math import ceil

from neurorec.basics.errors import InputError
from neurorec.hardware.communication.link_traffic import WORD_BYTES, LinkTraffic


def chunk_sizes(numbers: int, workers: int) -> list[int]:
    """P chunks whose sizes differ by at most one, the larger ones first; with fewer numbers than workers some are empty."""
    each, over = divmod(numbers, workers)
    return [each + (at < over) for at in range(workers)]


def ring_sent(chunks: list[int]) -> list[int]:
    """Number of values that each worker sends in one all-reduce over chunks of these sizes."""
    workers, numbers = len(chunks), sum(chunks)
    return [2 * numbers - chunks[(r + 1) % workers] - chunks[(r + 2) % workers] for r in range(workers)]


def merge_traffic(numbers: int, workers: int, merges: int) -> LinkTraffic:
    """LinkTraffic of `merges` all-reduces of `numbers` trained numbers. In every step the largest chunk is waited for."""
    steps = 2 * (workers - 1) * merges
    return LinkTraffic(
        merged=steps * numbers,
        busiest_bytes=steps * max(chunk_sizes(numbers, workers)) * WORD_BYTES,
        waits=steps,
        waits_overlapped=steps,
    )


def merges_per_epoch(samples: int, batch: int, workers: int) -> int:
    """Weight updates per epoch in batches of `batch` samples; a batch has at least one sample per worker."""
    if workers > samples:
        raise InputError(f"{workers} workers for {samples} samples: some would have none; use at most {samples}")
    return ceil(samples / max(batch, workers))
