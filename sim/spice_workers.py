"""Simulations in several processes: a process that dies loses its point and nothing else.

A crash of the simulator ends the process it runs in, and a pool would give up all the points
that wait behind it. Here a process holds one point at a time, so that a death has a place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from ..golden.errors import MissingTool

__all__ = ["deaf_children", "run_points"]

P = TypeVar("P")
Outcome = tuple[Any, str]
Settle = Callable[[int, Outcome], P | None]
READY = "ready"


def run_points(
    measure: Callable[[P], Any],
    points: Sequence[P],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    timeout: float | None = None,
    settle: Settle[P] | None = None,
) -> list[Outcome]:
    """``measure`` of every point: its value and an empty text, or ``nan`` and why it failed.

    Parameters
    ----------
    measure
        A function of a module, so that a fresh process can import it.
    workers
        Processes; with 1 the points run in this one.
    progress
        Called with the number of points done and of all points.
    timeout
        Seconds after which a point's process is ended and the point has failed; it makes even a
        single worker a process.
    settle
        Told the number and outcome of every point at once. What it returns, if anything, is
        tried in the point's place.

    Raises
    ------
    MissingTool
        If the simulator is absent.
    RuntimeError
        If processes do not start.
    """
    tell = progress or (lambda _done, _total: None)
    settled = settle or (lambda _k, _outcome: None)
    if min(workers, len(points)) > 1 or (timeout is not None and points):
        return _spread(measure, points, min(workers, len(points)), tell, timeout, settled)
    found: list[Outcome] = []
    for k, point in enumerate(points):
        trial: P | None = point
        while trial is not None:
            outcome = _outcome(measure, trial)
            trial = settled(k, outcome)
        found.append(outcome)
        tell(len(found), len(points))
    return found


def _spread(
    measure: Callable[[P], Any],
    points: Sequence[P],
    workers: int,
    tell: Callable[[int, int], None],
    timeout: float | None,
    settle: Settle[P],
) -> list[Outcome]:
    found: dict[int, Outcome] = {}
    waiting = deque(enumerate(points))
    crew: list[_Worker] = []
    try:
        while len(found) < len(points):
            crew = [worker for worker in crew if worker.alive]
            while waiting and len(crew) < workers:
                crew.append(_Worker(measure))
            for worker in crew:
                if waiting and worker.point is None:
                    worker.give(*waiting.popleft())
            busy = [worker for worker in crew if worker.point is not None]
            spoke = wait([worker.line for worker in busy], _patience(busy, timeout))
            answers = [worker.take() for worker in busy if worker.line in spoke]
            for worker in busy:
                if worker.line not in spoke and worker.late(timeout):
                    answers.append(worker.give_up(timeout))
            for k, outcome in (answer for answer in answers if answer is not None):
                again = settle(k, outcome)
                if again is not None:
                    waiting.append((k, again))
                    continue
                found[k] = outcome
                tell(len(found), len(points))
    finally:
        for worker in crew:
            worker.end()
    return [found[k] for k in range(len(points))]


def _patience(busy: Sequence[_Worker], timeout: float | None) -> float | None:
    """Seconds until the first of the busy is late; a process that still starts is not."""
    since = [w.since for w in busy if w.started]
    if timeout is None or not since:
        return None
    return max(0.0, min(since) + timeout - time.monotonic())


class _Worker:
    """A process, the line to it, and the number of the point it has."""

    def __init__(self, measure: Callable[[Any], Any]) -> None:
        # Fresh processes: the simulator's state does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(measure, far), daemon=True)
        self.point: int | None = None
        self.since = 0.0
        self.alive = True
        self.started = False
        with deaf_children():
            self.process.start()
        far.close()

    def give(self, k: int, point: object) -> None:
        self.point, self.since = k, time.monotonic()
        # A process that died before it was asked is noticed when its answer is taken.
        with contextlib.suppress(BrokenPipeError):
            self.line.send(point)

    def take(self) -> tuple[int, Outcome] | None:
        """The point's number and outcome; ``None`` for the first word of a process."""
        try:
            said = self.line.recv()
        except (EOFError, ConnectionError):
            self.end()
            code = self.process.exitcode
            if not self.started:
                raise RuntimeError(
                    f"a simulation process ended at its start, code {code}"
                ) from None
            said = float("nan"), f"the simulator ended its process, code {code}"
        if isinstance(said, MissingTool):
            raise said
        if isinstance(said, str):
            # Ready: the start of the process does not count.
            self.started, self.since = True, time.monotonic()
            return None
        k, self.point = self.point, None
        assert k is not None
        if said[1] and self.alive:
            # A simulator that failed need not be fit for another point.
            self.end()
        return k, said

    def late(self, timeout: float | None) -> bool:
        """Whether the point has had its time."""
        return timeout is not None and self.started and time.monotonic() - self.since >= timeout

    def give_up(self, timeout: float | None) -> tuple[int, Outcome]:
        """End the process and say what of its point."""
        self.end()
        k, self.point = self.point, None
        assert k is not None
        return k, (float("nan"), f"no answer within {timeout:g} s")

    def end(self) -> None:
        self.alive = False
        self.line.close()
        self.process.kill()
        self.process.join()


def _serve(measure: Callable[[Any], Any], line: Connection) -> None:
    """Answer points until the other side hangs up."""
    with contextlib.suppress(EOFError, ConnectionError):
        line.send(READY)
        while True:
            point = line.recv()
            try:
                line.send(_outcome(measure, point))
            except MissingTool as error:
                line.send(error)


def _outcome(measure: Callable[[P], Any], point: P) -> Outcome:
    try:
        return measure(point), ""
    except MissingTool:
        raise
    except RuntimeError as error:
        return float("nan"), str(error)
    except Exception as error:  # one odd point must not cost the others
        return float("nan"), f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started inside hear no interrupt from the keyboard: this one ends them.

    They inherit the mask; here an interrupt waits until the end of the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
