"""Runs of a study on the workers of a Dask cluster. Dask is optional: pip install "neurorec[cluster]".

Dask hands out runs, repeats those whose worker died, and brings the results back (docs/cluster.md). Every call says what the
client computes with, so that a worker that differs refuses it, whenever it joined.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from neurorec.basics.errors import InputError, NeurorecError
from neurorec.experiments.dask_client import ANSWER_S, PATIENCE_S, Place, dask_client
from neurorec.experiments.demand import REMEDY, Demand, differences, refusal
from neurorec.experiments.execute import failed
from neurorec.experiments.finished import Finished
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.progress import Progress

QUIET_S = 1.0  #: a run tells its progress at most this often
RUNS, PROGRESS = "neurorec-runs", "neurorec-progress"  #: Dask's group of tasks, and topic of events


class ClusterLost(NeurorecError):
    """The scheduler did not come back. Finished runs are stored."""


async def check(demand: Demand, dask_worker: Any) -> list[str]:
    """Called in the main thread of a worker, which Dask passes: how it differs from the client."""
    return differences(demand, dask_worker.state.nthreads)


def call(demand: Demand, fn: Callable[..., Finished], spec: RunSpec, *args: Any) -> Finished:
    """Called on a worker: `fn(spec, ...)`, if the worker meets the demand."""
    from distributed import get_worker

    worker: Any = get_worker()
    # Brian2 can be imported in the main thread only, and calls run in another one
    found = asyncio.run_coroutine_threadsafe(check(demand, worker), worker.loop.asyncio_loop).result()
    if found:
        raise InputError(refusal({worker.address: found}))
    return fn(spec, *args)


class EventChannel:
    """Progress as events of Dask. Goes to workers without the client's part."""

    def __init__(self) -> None:
        self._heard: dict[str, Progress] = {}
        self._last = time.monotonic()

    def __reduce__(self) -> tuple[type, tuple]:
        return EventChannel, ()

    def tell(self, run_id: str, progress: Progress) -> None:
        from distributed import get_worker

        if time.monotonic() - self._last > QUIET_S:
            self._last = time.monotonic()
            get_worker().log_event(PROGRESS, [run_id, *progress])

    def listen(self, client: Any) -> None:
        client.subscribe_topic(PROGRESS, self._hear)

    def _hear(self, event: tuple[float, Any]) -> None:
        _, (run_id, *progress) = event
        self._heard[run_id] = Progress(*progress)

    def heard(self) -> dict[str, Progress]:
        return dict(self._heard)

    def forget(self, run_id: str) -> None:
        self._heard.pop(run_id, None)


def _fail(answer: Future, spec: RunSpec, error: Exception) -> None:
    """A run that ends its workers has failed; any other error is that of a worker, and ends the study."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        last = error.last_worker.address
        why = f"{error.allowed_failures + 1} workers died while they ran it (the log of the last, {last}, may say why)"
        answer.set_result(failed(spec, f"{why}; give workers more memory"))
    elif isinstance(error, InputError):
        answer.set_exception(error)
    else:
        answer.set_exception(
            InputError(
                f"the scheduler or a worker cannot run this neurorec ({type(error).__name__}: {error}); {REMEDY}"
            )
        )


def connect(place: Place, specs: list[RunSpec], channel: "EventChannel", say: Callable[[str], None]) -> "Cluster":
    """The cluster at `place`, whose workers can run `specs`.

    Raises
    ------
    InputError
        If no scheduler answers, or a worker differs from this process.
    """
    client, local = dask_client(place)
    cluster = Cluster(client, local, Demand.of(specs), channel, say)
    try:
        cluster.check()
    except BaseException:
        cluster.shutdown(cancel_futures=True)
        raise
    return cluster


class Cluster(Executor):
    """The workers of a cluster, for functions of a run's specification."""

    def __init__(
        self, client: Any, local: Any, demand: Demand, channel: "EventChannel", say: Callable[[str], None]
    ) -> None:
        self.client, self.local, self.demand, self.channel, self.say = client, local, demand, channel, say
        self.address = client.scheduler.address
        self._lost = self._ended = False
        channel.listen(client)

    def check(self) -> None:
        """Raises `InputError` if a worker differs from this process."""
        answers: dict[str, Any] = self.client.run(check, self.demand, on_error="return")
        found = {
            address: [f"cannot run this neurorec: {type(answer).__name__}: {answer}"]
            if isinstance(answer, Exception) else answer
            for address, answer in answers.items()
            if answer
        }  # fmt: skip
        if found:
            raise InputError(refusal(found))
        if not answers:
            self.say(f"no worker has joined {self.address} yet; runs wait for the first")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """`fn(spec, ...)` on a worker. The future survives the loss of workers and of the scheduler."""
        answer: Future = Future()
        self._ask(answer, fn, *args)
        return answer

    def _ask(self, answer: Future, fn: Callable[..., Any], spec: RunSpec, *args: Any) -> None:
        asked = self.client.submit(call, self.demand, fn, spec, *args, key=(RUNS, spec.run_id), pure=False)

        def pass_on(asked: Any) -> None:
            try:
                run = asked.result(timeout=PATIENCE_S)
            except CancelledError:
                self._repeat(answer, fn, spec, *args)
            except TimeoutError:  # its worker died before it could hand over the result, so that the run is repeated
                asked.add_done_callback(pass_on)
            except Exception as error:
                _fail(answer, spec, error)
            else:
                self._back()
                answer.set_result(run)

        asked.add_done_callback(pass_on)

    def _back(self) -> None:
        """The scheduler answers, perhaps after it was lost."""
        if self._lost:
            self._lost = False
            self.channel.listen(self.client)

    def _repeat(self, answer: Future, *call: Any) -> None:
        """The scheduler was lost with this call; the client connects again, or closes after `PATIENCE_S`."""
        if self._ended:
            answer.cancel()
        elif self.client.status in ("running", "connecting"):
            if not self._lost:
                self._lost = True
                self.say(f"the scheduler at {self.address} was lost; waiting up to {PATIENCE_S} s for it to come back")
            self._ask(answer, *call)
        else:
            answer.set_exception(
                ClusterLost(
                    f"the scheduler at {self.address} was lost and did not come back within {PATIENCE_S} s. All runs stored "
                    "before are complete; the same command continues from there"
                )
            )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which forgets what it has not started; end the workers of this machine."""
        self._ended = True
        self.client.close(timeout=ANSWER_S)
        if self.local is not None:
            self.local.close(timeout=ANSWER_S)
