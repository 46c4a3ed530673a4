"""Tries a call in a copy of the process first: the HDF5 library loops for ever, or crashes, on some damaged files."""

import os
import signal
import warnings
from collections.abc import Callable


def returns(call: Callable[[], object], seconds: float) -> bool:
    """Whether `call` ends (with a result or an exception) within `seconds` of processor time, tried in a forked process.

    Where processes cannot be forked (Windows), the answer is always yes.
    """
    if not hasattr(os, "fork"):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads; the copy uses none of them
        child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the copy, whatever C code it is in
            signal.setitimer(signal.ITIMER_PROF, seconds)
            call()
        finally:
            os._exit(0)
    return os.WIFEXITED(os.waitpid(child, 0)[1])
