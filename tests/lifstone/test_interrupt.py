"""An interrupt ends a command with exit 130, its processes, and its unfinished files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifstone.conftest import Lifstone

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
PATIENCE = 90.0
"""Seconds after which a test gives up."""


def family(tag: str) -> dict[int, str]:
    """Command lines of all processes that inherited ``tag``."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"LIFSTONE_TEST={tag}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = line
        except OSError:
            continue
    return {pid: line for pid, line in found.items() if line}


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, "the command ended before it could be stopped"
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def heed() -> None:
    """Interrupts end the command also where the tests were started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(
    arguments: list[str], folder: Path, ready: Callable[[dict[int, str]], bool], number: int
) -> tuple[int, str, list[str]]:
    """Start a command, signal it once ``ready``; exit code, its words, and who is left."""
    tag = f"{os.getpid()}-{folder.name}"
    cache = folder / "cache"
    environment = {**os.environ, "LIFSTONE_TEST": tag, "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen(
        [sys.executable, "-m", "lifstone", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed,
    )
    try:
        until(lambda: ready(family(tag)), process)
        # To the command alone: what it started has to be ended by it.
        os.kill(process.pid, number)
        _, words = process.communicate(timeout=PATIENCE)
        for _ in range(100):
            if not family(tag):
                break
            time.sleep(0.02)
        return process.returncode, words, list(family(tag).values())
    finally:
        for pid in family(tag):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_while_a_compiler_runs(
    lifstone: Lifstone, chain: Path, tmp_path: Path, number: int, code: int
) -> None:
    assert lifstone("generate", chain, "--out", tmp_path / "rtl").code == 0

    def compiles(lines: dict[int, str]) -> bool:
        return any("cc1plus" in line for line in lines.values())

    options = ["--bodies", "rtl", "--design", "rtl", "--report", "r.html"]
    found = stop(["verify", str(chain), *options], tmp_path, compiles, number)
    assert found == (code, "\nstopped\n" if code == 130 else "", [])
    assert not (tmp_path / "r.html").exists()
    assert [p.name for p in (tmp_path / "cache").rglob("building*")] == []


def test_while_simulators_run(tmp_path: Path) -> None:
    def works(lines: dict[int, str]) -> bool:
        return sum("spawn_main" in line for line in lines.values()) >= 2

    points = ",".join(f"{k}e-9" for k in range(1, 400))
    command = ["sweep", "--i-bias", points, "--jobs", "2", "--out", "tau.nc"]
    assert stop(command, tmp_path, works, signal.SIGINT) == (130, "\nstopped\n", [])
    assert not (tmp_path / "tau.nc").exists()


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m lifstone doctor --json | head -n 1"
    run = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert run.stdout == "[\n"
    assert run.stderr == ""
    assert run.returncode in (0, 141)  # 0 where the pipe held it all
