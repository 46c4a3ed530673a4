"""Memory that something would take, compared with what there is, before anything is allocated."""

import os
from contextlib import suppress
from pathlib import Path

from neurorec.basics.errors import InputError

CGROUP = Path("/sys/fs/cgroup/memory.max")  #: the limit of a container or batch job
OWN_PAGES = Path("/proc/self/statm")


def memory_limit() -> int:
    """Bytes that this process may use: the machine's memory, or less if a container, a batch job or `ulimit -v` says so."""
    limits = []
    with suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):  # no such file, or "max"
        limits.append(int(CGROUP.read_text()))
    with suppress(ImportError, OSError, ValueError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            limits.append(most - int(OWN_PAGES.read_text().split()[0]) * resource.getpagesize())
    return max(0, min(limits, default=2**62))


def refuse_memory(needed: int, what: str, remedy: str) -> None:
    """Raises `InputError` if `needed` bytes are more than `memory_limit`."""
    limit = memory_limit()
    if needed > limit:
        raise InputError(f"{what} would take {gigabytes(needed)} of memory, but there are {gigabytes(limit)}; {remedy}")


def gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.3g} GB" if n_bytes < 10**12 else f"{n_bytes / 1e9:,.0f} GB"
