"""A copy of the process dies in place of the process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lifstone.golden import InvalidValue
from lifstone.sim import nir_file
from lifstone.sim.nir_read import read_nir
from lifstone.sim.nir_write import write_nir
from lifstone.sim.trial import trial
from tests.networks import random_network


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def spin() -> None:
    while True:
        pass


def test_what_comes_to_an_end_is_no_death(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert trial(lambda: mark.write_text("was here"), 10) == ""
    assert mark.read_text() == "was here"

    def fail() -> None:
        raise MemoryError

    assert trial(fail, 10) == ""
    assert trial(lambda: os._exit(7), 10) == ""


def test_the_copy_changes_nothing_here() -> None:
    seen: list[int] = []
    assert trial(lambda: seen.append(1), 10) == ""
    assert seen == []


def test_deaths_are_told_apart() -> None:
    assert trial(die, 10) == "ended in SIGSEGV"
    assert trial(os.abort, 10) == "ended in SIGABRT"
    assert trial(spin, 1) == "took over 1 s"


def test_a_copy_that_only_waits_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def sooner(seconds: int) -> int:
        asked.append(seconds)
        return alarm(1)

    alarm = signal.alarm
    monkeypatch.setattr(signal, "alarm", sooner)
    assert trial(lambda: time.sleep(60), 7) == "took over 7 s"
    assert asked == []  # the copy asked, not this process


def test_no_copy_is_left_when_the_wait_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork, wait = os.fork, os.waitpid

    def remember() -> int:
        children.append(fork())
        return children[-1]

    def interrupted(pid: int, options: int) -> Any:
        monkeypatch.setattr(os, "waitpid", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fork", remember)
    monkeypatch.setattr(os, "waitpid", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trial(lambda: time.sleep(60), 60)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


def test_without_fork_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert trial(die, 10) == ""


@pytest.mark.parametrize(
    ("fault", "message"),
    [(die, r"reading it ended in SIGSEGV"), (spin, "reading it took over 1 s")],
)
def test_a_file_that_kills_its_reader_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, message: str
) -> None:
    path = tmp_path / "n.nir"
    write_nir(random_network(5), path)
    monkeypatch.setattr(nir_file, "_graph", lambda *_: fault())
    monkeypatch.setattr(nir_file, "MAX_SECONDS", 1)
    with pytest.raises(InvalidValue, match=message) as error:
        read_nir(path)
    assert error.value.field == "model"


def test_a_byte_that_crashed_the_library(tmp_path: Path) -> None:
    # With HDF5 1.14 this one byte ends the process; in any version the answer is one line.
    path = tmp_path / "n.nir"
    write_nir(random_network(5), path)
    broken = bytearray(path.read_bytes())
    broken[70729] = 250
    path.write_bytes(broken)
    with pytest.raises(InvalidValue, match="an unbroken NIR file in HDF5"):
        read_nir(path)
