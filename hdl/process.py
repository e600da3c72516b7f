"""Outside programs that end when this process does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["run_program"]


def run_program(
    command: Sequence[str],
    cwd: Path,
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> tuple[int, str]:
    """Run a program; its exit status and all it printed.

    It leads a process group of its own: whatever ends this call early, an interrupt or the
    time limit in seconds, ends the helpers that the program started as well.

    Raises
    ------
    RuntimeError
        After ``timeout`` seconds without an end.
    """
    process = subprocess.Popen(
        list(command),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=timeout)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            name = Path(command[0]).name
            raise RuntimeError(f"{name} did not end within {timeout:g} s") from error
        raise
    return process.returncode, said
