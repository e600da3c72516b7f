"""Source, sink and monitor of a stream of address events.

An event is taken in a clock in which ``valid`` and ``ready`` are both high. Every object here
has a method :meth:`clock`, to be called right after the rising edge: it reads what stood at
the ports at the edge, and what it writes stands there from then on.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..job import Wait

__all__ = ["BrokenRule", "Monitor", "Pauses", "Port", "Sink", "Source", "level"]


class BrokenRule(Exception):
    """A rule of the protocol that the design broke, as a sentence."""


def level(handle: Any, name: str) -> int:
    """The number at a port.

    Raises
    ------
    BrokenRule
        If a bit is undefined.
    """
    value = handle.value
    try:
        return int(value)
    except ValueError:
        raise BrokenRule(f"{name} is undefined: {value}") from None


class Port:
    """The four signals of a stream: ``<name>_valid``, ``_ready``, ``_tick``, ``_address``."""

    def __init__(self, dut: Any, name: str) -> None:
        self.name = name
        self.valid = getattr(dut, f"{name}_valid")
        self.ready = getattr(dut, f"{name}_ready")
        self.tick = getattr(dut, f"{name}_tick")
        self.address = getattr(dut, f"{name}_address")


class Pauses:
    """Whether a side waits in a clock: pauses of random length, from a seed."""

    def __init__(self, wait: Wait, seed: str) -> None:
        self.wait = wait
        self.random = random.Random(seed)
        self.left = 0

    def __call__(self) -> bool:
        """Decide the next clock."""
        if self.left:
            self.left -= 1
            return True
        if not self.wait.probability or self.random.random() >= self.wait.probability:
            return False
        self.left = self.random.randint(1, self.wait.burst) - 1
        return True


class Source:
    """Sends the spikes of each step in ascending order, then the tick.

    Parameters
    ----------
    port
        An input of the design.
    rows
        0/1, ``(steps, n)``.
    pauses
        Idle clocks before an event. While nothing is offered, tick and address are arbitrary.

    Members
    -------
    spikes, ticks
        Events taken so far.
    """

    def __init__(self, port: Port, rows: NDArray[np.generic], pauses: Pauses) -> None:
        self.port = port
        self.pauses = pauses
        self.events = [
            event for row in rows for event in (*((0, int(j)) for j in np.flatnonzero(row)), (1, 0))
        ]
        self.next = self.spikes = self.ticks = 0
        self.offers = False
        self.lines = int(rows.shape[1])
        port.valid.value = 0
        self._scribble()

    def clock(self) -> bool:
        """Returns whether an event was taken."""
        taken = self.offers and level(self.port.ready, f"{self.port.name}_ready") == 1
        if taken:
            tick = self.events[self.next][0]
            self.ticks += tick
            self.spikes += 1 - tick
            self.next += 1
        elif self.offers:
            return False
        offers = self.next < len(self.events) and not self.pauses()
        if offers:
            self.port.tick.value, self.port.address.value = self.events[self.next]
        elif self.offers:
            self._scribble()
        if offers != self.offers:
            self.port.valid.value = int(offers)
        self.offers = offers
        return taken

    def _scribble(self) -> None:
        draw = self.pauses.random
        self.port.tick.value, self.port.address.value = (
            draw.randrange(2),
            draw.randrange(self.lines),
        )


class Sink:
    """Takes events, or makes them wait.

    Members
    -------
    holds
        While ``True``, nothing is taken.
    """

    def __init__(self, port: Port, pauses: Pauses) -> None:
        self.port = port
        self.pauses = pauses
        self.holds = False
        self.ready = 0
        port.ready.value = 0

    def clock(self) -> None:
        """Decide the next clock."""
        ready = int(not self.holds and not self.pauses())
        if ready != self.ready:
            self.port.ready.value = ready
        self.ready = ready


class Monitor:
    """Watches a stream, drives nothing: keeps its spikes and checks its rules.

    Once valid, an event stays as it is until it is taken; the addresses of a step ascend and
    lie below ``n``; nothing comes after the last step.

    Members
    -------
    spikes
        What was taken, bool ``(steps, n)``.
    step
        Ticks taken so far.
    waited
        Clocks that the present event has waited.
    """

    def __init__(self, port: Port, name: str, steps: int, n: int) -> None:
        self.port = port
        self.name = name
        self.spikes = np.zeros((steps, n), dtype=np.bool_)
        self.step = self.waited = 0
        self.last = -1
        self.seen = (0, 0)

    def clock(self) -> bool:
        """Returns whether an event was taken.

        Raises
        ------
        BrokenRule
            If the design broke a rule.
        """
        port = self.port
        if not level(port.valid, f"{port.name}_valid"):
            if self.waited:
                raise self._broken("an event went away while it waited")
            return False
        tick = level(port.tick, f"{port.name}_tick")
        address = level(port.address, f"{port.name}_address")
        if self.waited and (tick, address) != self.seen:
            raise self._broken(f"{_event(self.seen)} became {_event((tick, address))} in waiting")
        if not level(port.ready, f"{port.name}_ready"):
            self.waited, self.seen = self.waited + 1, (tick, address)
            return False
        self.waited = 0
        self._take(tick, address)
        return True

    def _take(self, tick: int, address: int) -> None:
        steps, n = self.spikes.shape
        if self.step >= steps:
            raise self._broken("an event after the last step")
        if tick:
            self.step, self.last = self.step + 1, -1
            return
        if address >= n:
            raise self._broken(f"address {address} of {n} neurons")
        if address <= self.last:
            raise self._broken(f"address {address} after {self.last}")
        self.last = address
        self.spikes[self.step, address] = True

    def _broken(self, what: str) -> BrokenRule:
        return BrokenRule(f"output {self.name} at step {self.step}: {what}")


def _event(seen: tuple[int, int]) -> str:
    return f"{'tick' if seen[0] else 'spike'} at address {seen[1]}"
