"""Try in a copy of this process what may crash it.

Libraries in C answer some broken files with a segmentation fault, or never. What survives a
trial in a forked copy is then done for good in the process itself, from the same memory.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import warnings
from collections.abc import Callable

__all__ = ["trial"]


def trial(action: Callable[[], object], seconds: int) -> str:
    """How the copy died that ran ``action``, in words; empty if it came to an end.

    ``seconds`` are of the processor, or ten times as many of the clock. An exception is an
    end: the caller will meet it again. Systems without ``fork`` try nothing.
    """
    if not hasattr(os, "fork"):
        return ""
    with warnings.catch_warnings():
        # Later versions warn of other threads: their locks stay taken in the copy. If the action
        # needs one of them, the alarm ends it.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _run(action, seconds)
    try:
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    if not os.WIFSIGNALED(status):
        return ""
    death = signal.Signals(os.WTERMSIG(status))
    late = death in (signal.SIGXCPU, signal.SIGALRM)
    return f"took over {seconds} s" if late else f"ended in {death.name}"


def _run(action: Callable[[], object], seconds: int) -> None:
    """The copy: silent, and gone whatever happens, by signals that need no interpreter."""
    import resource

    with contextlib.suppress(BaseException):
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(
            resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1])
        )
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10 * seconds)
        action()
    os._exit(0)
