"""Ring all-reduce among real processes: what is sent is what the formula says, to the byte."""

import pytest

from neurorec.hardware.communication.processes import Sent, check_ring, gloo_segments, gloo_sends
from neurorec.hardware.communication.ring import chunk_sizes, merge_traffic, ring_sent

SIZES = [1, 7, 18_698]  # fewer numbers than workers, a remainder, and the weights of the study's LIF net


def header_bytes(ring: list[Sent]) -> float:
    """What gloo adds to each message: its header, and two small notes with which the two ends find each other."""
    wire = [sent.tcp_bytes for sent in ring if sent.tcp_bytes is not None]
    assert len(wire) == len(ring), "this kernel does not count the bytes of a TCP connection"
    return (sum(wire) - sum(sent.payload_bytes for sent in ring)) / sum(sent.messages for sent in ring)


@pytest.mark.parametrize("workers", [2, 3])
def test_two_and_three_processes_send_what_the_formula_says(workers):
    headers = set()
    for check in check_ring(workers, SIZES):
        n = check.numbers
        assert [sent.payload_bytes for sent in check.own] == [4 * c for c in ring_sent(chunk_sizes(n, workers))]
        for ring in (check.own, check.gloo):
            assert all(sent.right for sent in ring)
            assert sum(sent.payload_bytes for sent in ring) == merge_traffic(n, workers, 1).total_bytes
            headers.add(header_bytes(ring))
    assert len(headers) == 1  # on the wire: the bytes of the formula, the same few for every message, nothing else
    assert headers.pop() < 200


@pytest.mark.parametrize(("numbers", "workers"), [(1, 2), (7, 3), (1000, 3), (3_000_000, 2), (18_698, 4)])
def test_gloos_chunks_hold_every_number_once_and_its_sends_are_the_ring(numbers, workers):
    chunks = gloo_segments(numbers, workers)
    assert len(chunks) == workers
    assert sum(map(sum, chunks)) == 4 * numbers
    assert max(size for chunk in chunks for size in chunk) <= 1 << 20
    sent = [sum(gloo_sends(numbers, workers, rank)) for rank in range(workers)]
    assert sum(sent) == merge_traffic(numbers, workers, 1).total_bytes
