"""The ring all-reduce, chunk by chunk, against its closed form."""

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.communication.ring import chunk_sizes, merge_traffic, merges_per_epoch, ring_sent

SIZES = [(n, P) for P in (1, 2, 3, 4, 7, 16) for n in (0, 1, 2, 5, 16, 33, 100)]


def walk_the_ring(numbers: int, workers: int) -> tuple[np.ndarray, list[int], int]:
    """Do it: what every worker holds at the end, what each sent, and the sum over steps of the longest transfer."""
    held = np.random.default_rng(numbers).integers(-9, 9, (workers, numbers))
    ends = np.cumsum([0, *chunk_sizes(numbers, workers)])
    sent, waited = [0] * workers, 0
    for start, add in ((0, True), (1, False)):
        for step in range(workers - 1):
            moving = []
            for r in range(workers):
                chunk = (r + start - step) % workers
                part = slice(ends[chunk], ends[chunk + 1])
                moving.append(((r + 1) % workers, part, held[r, part].copy()))
                sent[r] += ends[chunk + 1] - ends[chunk]
            waited += max(len(values) for *_, values in moving)
            for to, part, values in moving:
                held[to, part] = held[to, part] + values if add else values
    return held, sent, waited


@pytest.mark.parametrize(("numbers", "workers"), SIZES)
def test_what_is_sent_and_that_everyone_knows_the_sum(numbers, workers):
    before = np.random.default_rng(numbers).integers(-9, 9, (workers, numbers))
    held, sent, waited = walk_the_ring(numbers, workers)
    assert (held == before.sum(0)).all()
    assert ring_sent(chunk_sizes(numbers, workers)) == sent
    traffic = merge_traffic(numbers, workers, merges=3)
    assert traffic.merged == 3 * sum(sent) == 3 * 2 * (workers - 1) * numbers
    assert traffic.total_bytes == 4 * traffic.merged
    assert traffic.busiest_bytes == 3 * 4 * waited
    assert traffic.waits == traffic.waits_overlapped == 3 * 2 * (workers - 1)


def test_chunks_differ_by_one_at_most():
    assert chunk_sizes(10, 4) == [3, 3, 2, 2]
    assert chunk_sizes(2, 4) == [1, 1, 0, 0]


def test_every_batch_has_a_sample_for_every_worker():
    assert merges_per_epoch(samples=130, batch=64, workers=4) == 3
    assert merges_per_epoch(samples=130, batch=64, workers=100) == 2
    assert merges_per_epoch(samples=130, batch=1, workers=1) == 130
    assert merges_per_epoch(samples=130, batch=130, workers=8) == 1
    with pytest.raises(InputError, match=r"^131 workers for 130 samples: some would have none; use at most 130$"):
        merges_per_epoch(samples=130, batch=64, workers=131)
