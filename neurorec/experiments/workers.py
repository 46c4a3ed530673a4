"""Worker processes on this machine. A worker that dies takes only its own call with it, and is replaced."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from neurorec.basics.errors import RunFailed

PR_SET_PDEATHSIG = 1  #: of Linux: the signal that a process gets when its parent dies
SPAWN = multiprocessing.get_context("spawn")  # so that torch is initialised in each


class WorkerLost(RunFailed):
    """A worker process died during a call."""


class LocalWorkers(ThreadPoolExecutor):
    """`count` worker processes, each started and fed by a thread of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._own = threading.local()
        self._guard, self._stopped, self._started = threading.Lock(), False, set[_Worker]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        return super().submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers finish; with `cancel_futures`, end them now."""
        with self._guard:
            self._stopped = cancel_futures
            if cancel_futures:
                for worker in self._started:
                    worker.process.kill()
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            for worker in self._started:
                worker.end()

    def __exit__(self, error: type[BaseException] | None, *_: Any) -> None:
        self.shutdown(wait=error is None, cancel_futures=error is not None)

    def _call(self, *call: Any) -> Any:
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            with self._guard:
                if self._stopped:
                    raise WorkerLost("the workers were stopped")
                worker = self._own.worker = _Worker()
                self._started.add(worker)
        try:
            return worker.call(*call)
        except WorkerLost:
            del self._own.worker
            with self._guard:
                self._started.discard(worker)
            raise


class LastingExecutor(Executor):
    """An executor for several lists of calls. It starts with the first, and ends with its `with` block, or when calls are
    cancelled."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._inner: Executor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        self._inner = self._inner or self._make()
        return self._inner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures and self._inner is not None:
            self._inner.shutdown(wait, cancel_futures=True)

    def __exit__(self, error: type[BaseException] | None, *_: Any) -> None:
        if self._inner is not None:
            self._inner.shutdown(wait=error is None, cancel_futures=error is not None)


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        self.pipe, other = SPAWN.Pipe()
        self.process = SPAWN.Process(target=_serve, args=(other, os.getpid()), daemon=True)
        resource_tracker.ensure_running()  # it unblocks signals when it starts
        _leave_ctrl_c_to_the_parent()
        self.process.start()
        other.close()  # so that the end of the process is the end of the pipe

    def call(self, *call: Any) -> Any:
        try:
            self.pipe.send(call)
            right, answer = self.pipe.recv()
        except (EOFError, OSError):
            raise WorkerLost(f"the worker process died ({self.end()})") from None
        if not right:
            raise answer
        return answer

    def end(self) -> str:
        """Wait for the process to end; returns its last words."""
        self.pipe.close()
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        hint = ", which the system sends when memory runs out" if -code == signal.SIGKILL else ""
        return f"signal {signal.Signals(-code).name}{hint}"


def _serve(pipe: Connection, parent: int) -> None:
    """Answer calls until the pipe or the parent ends."""
    _leave_ctrl_c_to_the_parent()
    _end_with(parent)
    while True:
        try:
            call = pipe.recv()
        except (EOFError, OSError):
            return
        except Exception as error:  # the function's module cannot be imported here
            pipe.send((False, error))
        else:
            pipe.send(_answer(*call))


def _answer(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, fn(*args, **kwargs)
    except Exception as error:
        return False, error


def _leave_ctrl_c_to_the_parent() -> None:
    """Block SIGINT in this thread and in all processes that it starts, from their first instruction."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def dask_setup(worker: Any) -> None:
    """Called by Dask in workers that preload this module."""
    _leave_ctrl_c_to_the_parent()


def _end_with(parent: int) -> None:
    """End this process when its parent does: at once on Linux, within a second elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
