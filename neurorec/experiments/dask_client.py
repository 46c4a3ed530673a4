"""A Dask client for the argument of `--cluster`: a scheduler that answers, or workers of this machine."""

import asyncio
import importlib.util
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.experiments import workers

ANSWER_S = 5  #: time for a scheduler to answer
PATIENCE_S = 120  #: time for a lost scheduler to come back
MOST_LOCAL = 256  #: worker processes on this machine

Place = str | int  #: the address of a scheduler, or a number of workers on this machine


def parse_place(text: str) -> Place:
    """The argument of `--cluster`. Raises `InputError` if it is none, or Dask is not installed."""
    expected = f"tcp://HOST:PORT (or tls://) of a Dask scheduler, or local:N with N from 1 to {MOST_LOCAL}"
    if importlib.util.find_spec("distributed") is None:
        raise InputError('--cluster: Dask is not installed; pip install "neurorec[cluster]"')
    if re.fullmatch(r"(tcp|tls)://[^\s/]+:\d{1,5}", text):
        return text
    match = re.fullmatch(r"local:(\d{1,9})", text)
    if match and 1 <= int(match[1]) <= MOST_LOCAL:
        return int(match[1])
    raise InputError(f"--cluster {text}: expected {expected}")


def dask_client(place: Place) -> tuple[Any, Any]:
    """The client, and the local cluster if there is one. Raises `InputError` if no scheduler answers."""
    from distributed import Client, LocalCluster

    local = None
    if isinstance(place, int):
        # silent, because workers that outlive the scheduler by a heartbeat log that as an error; lost runs are reported anyway
        local = LocalCluster(
            n_workers=place, threads_per_worker=1, processes=True, memory_limit=None, preload=[workers.__name__],
            dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,  # type: ignore[arg-type]
        )  # fmt: skip
    else:
        _seek_scheduler(place)
    # the timeout is also how long the client seeks a scheduler that it lost
    return Client(local or place, timeout=PATIENCE_S, set_as_default=False), local


def _seek_scheduler(place: str) -> None:
    """Raises `InputError` if no scheduler answers; Dask's client would wait for ever for a server of another kind."""
    try:
        with ThreadPoolExecutor(1) as aside:  # a notebook has an event loop of its own in this thread
            kind = aside.submit(asyncio.run, asyncio.wait_for(_kind_of(place), ANSWER_S)).result()
            why = f"a {kind} does"
    except Exception as error:  # a foreign server may cause anything
        kind, why = "", str(error) or f"nothing came in {ANSWER_S} s"
    if kind != "Scheduler":
        raise InputError(
            f"--cluster {place}: no Dask scheduler answers there ({why}); check host and port, or "
            "start one with `dask scheduler`"
        )


async def _kind_of(place: str) -> str:
    from distributed.comm.core import connect
    from distributed.security import Security

    comm: Any = await connect(place, timeout=ANSWER_S, **Security().get_connection_args("client"))
    try:
        await comm.write({"op": "identity", "reply": True})
        return str((await comm.read())["type"])
    finally:
        comm.abort()
