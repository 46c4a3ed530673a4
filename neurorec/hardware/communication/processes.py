"""The ring all-reduce between real processes on this machine, counting every byte that leaves a process.

Two rings: our own, chunk by chunk over `torch.distributed.isend`, and gloo's ordinary `all_reduce`. We count what is passed to
a send; the bytes sent over TCP are read from the kernel's counters of each process's own sockets, so they include gloo's
headers (but not those of TCP and IP).
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import numpy as np

from neurorec.basics.errors import RunFailed
from neurorec.hardware.communication.link_traffic import WORD_BYTES
from neurorec.hardware.communication.ring import chunk_sizes

HOST = "127.0.0.1"
TIMEOUT_S = 120
TCP_INFO, BYTES_SENT_AT, BYTES_RETRANSMITTED_AT = 11, 200, 208  # of struct tcp_info, Linux 4.19 and later


@dataclass(frozen=True)
class Sent:
    """What one process sent in one all-reduce. `tcp_bytes` is None if the kernel does not count."""

    payload_bytes: int  #: weight changes: counted for our own ring, by formula for gloo
    messages: int  #: sends of at least one number
    tcp_bytes: int | None
    right: bool  #: the sum is exact


@dataclass(frozen=True)
class RingCheck:
    """One all-reduce of `numbers` float32 numbers in our own ring and in gloo's: what each process sent."""

    workers: int
    numbers: int
    own: list[Sent]
    gloo: list[Sent]


def gloo_segments(numbers: int, workers: int, largest_bytes: int = 1 << 20) -> list[list[int]]:
    """Bytes of the segments of each worker's chunk, as in gloo (gloo): at least two per chunk, the last may be short
    or empty."""
    total = numbers * WORD_BYTES
    segments = max(-(-total // largest_bytes), 2 * workers)
    segments += -segments % workers
    size = -(-total // segments)
    size += -size % WORD_BYTES
    starts = range(0, segments * size, size) if size else [0] * segments
    sizes = [max(0, min(size, total - start)) for start in starts]
    each = segments // workers
    return [sizes[r * each : (r + 1) * each] for r in range(workers)]


def gloo_sends(numbers: int, workers: int, rank: int) -> list[int]:
    """Bytes of every send of worker `rank` in gloo's ring: all chunks but its own, then all but the previous one."""
    chunks = gloo_segments(numbers, workers)
    skipped = (rank, (rank - 1) % workers)
    return [size for skip in skipped for at, chunk in enumerate(chunks) if at != skip for size in chunk if size]


def check_ring(workers: int, sizes: list[int]) -> list[RingCheck]:
    """Start `workers` processes and all-reduce vectors of each of the `sizes` in both rings.

    Raises
    ------
    RunFailed
        If the processes cannot reach each other.
    """
    import torch.distributed as dist

    store = dist.TCPStore(  # pyright: ignore[reportPrivateImportUsage]
        HOST, 0, None, is_master=True, wait_for_workers=False
    )
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        futures = [pool.submit(_process, rank, workers, store.port, sizes) for rank in range(workers)]
        by_rank = [future.result(timeout=TIMEOUT_S) for future in futures]
    except (RuntimeError, TimeoutError, OSError) as error:
        raise RunFailed(f"{workers} processes could not all-reduce on this machine: {error}") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [
        RingCheck(workers, n, [rank[at][0] for rank in by_rank], [rank[at][1] for rank in by_rank])
        for at, n in enumerate(sizes)
    ]


def _process(rank: int, workers: int, port: int, sizes: list[int]) -> list[tuple[Sent, Sent]]:
    """One worker: join, then both rings for every size."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    store = dist.TCPStore(HOST, port, None, is_master=False)  # pyright: ignore[reportPrivateImportUsage]
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=workers, timeout=timedelta(seconds=TIMEOUT_S / 2)
    )
    meet = _Meeting(store, workers, port)
    done = []
    for n in sizes:
        mine = torch.from_numpy(_numbers_of(rank, n))
        total = sum(_numbers_of(r, n) for r in range(workers))
        meet.begin()
        counted = _own_ring(mine, rank, workers)
        own = Sent(sum(counted), len(counted), meet.end(), bool((mine.numpy() == total).all()))
        mine = torch.from_numpy(_numbers_of(rank, n))
        meet.begin()
        dist.all_reduce(mine)
        sends = gloo_sends(n, workers, rank)
        done.append((own, Sent(sum(sends), len(sends), meet.end(), bool((mine.numpy() == total).all()))))
    dist.destroy_process_group()
    return done


def _numbers_of(rank: int, n: int) -> np.ndarray:
    """Integers, so that float32 sums are exact in any order."""
    return np.random.default_rng(rank).integers(-99, 99, n).astype(np.float32)


def _own_ring(mine: Any, rank: int, workers: int) -> list[int]:
    """Our ring over the tensor `mine`, in place. Returns the bytes of every tensor sent."""
    import torch
    import torch.distributed as dist

    ends = np.cumsum([0, *chunk_sizes(len(mine), workers)])
    chunk = [mine[ends[at] : ends[at + 1]] for at in range(workers)]
    sent = []
    for start, add in ((0, True), (1, False)):
        for step in range(workers - 1):
            out, incoming = chunk[(rank + start - step) % workers], chunk[(rank + start - step - 1) % workers]
            received = torch.empty_like(incoming)
            waiting = []
            if len(incoming):
                waiting.append(dist.irecv(received, (rank - 1) % workers))
            if len(out):
                waiting.append(dist.isend(out, (rank + 1) % workers))
                sent.append(out.numel() * out.element_size())
            for work in waiting:
                if work is not None:
                    work.wait()
            incoming.copy_(incoming + received if add else received)
    return sent


class _Meeting:
    """Synchronises start and end through the store only, and reads TCP counters in between."""

    def __init__(self, store: Any, workers: int, store_port: int) -> None:
        self.store, self.workers, self.store_port, self.number = store, workers, store_port, 0
        self.before: int | None = None

    def begin(self) -> None:
        self._gather()
        self.before = self._settled()
        self._gather()

    def end(self) -> int | None:
        self._gather()
        after = self._settled()
        self._gather()  # no process leaves and closes connections while others still count
        return None if after is None or self.before is None else after - self.before

    def _gather(self) -> None:
        self.number += 1
        name = f"meeting {self.number}"
        self.store.add(name, 1)
        while self.store.add(name, 0) < self.workers:
            time.sleep(0.002)

    def _settled(self) -> int | None:
        """The counter after it has stopped changing."""
        last, now = None, tcp_bytes_sent(self.store_port)
        while now is not None and now != last:
            time.sleep(0.02)
            last, now = now, tcp_bytes_sent(self.store_port)
        return now


def tcp_bytes_sent(but_port: int) -> int | None:
    """Bytes sent by this process's TCP connections, excluding those to or from `but_port`."""
    if not os.path.isdir("/proc/self/fd"):
        return None
    total = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            copy = socket.socket(fileno=os.dup(int(name)))
        except OSError:  # closed in the meantime
            continue
        with copy:
            sent = _tcp_sent(copy, but_port)
        if sent is None:
            return None
        total += sent
    return total


def _tcp_sent(connection: socket.socket, but_port: int) -> int | None:
    """Bytes sent over one socket; 0 if it is not a TCP connection, None if the kernel does not count them."""
    try:
        if connection.type != socket.SOCK_STREAM or connection.family not in (socket.AF_INET, socket.AF_INET6):
            return 0
        if but_port in (connection.getpeername()[1], connection.getsockname()[1]):
            return 0
        info = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
    except OSError:  # a listening socket, or the other end is gone
        return 0
    if len(info) < BYTES_RETRANSMITTED_AT + 8:
        return None
    sent, again = (struct.unpack_from("Q", info, at)[0] for at in (BYTES_SENT_AT, BYTES_RETRANSMITTED_AT))
    return sent - again
