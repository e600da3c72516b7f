"""That a network never locks up: a marked graph of who waits for whom, step by step.

A transition is "part X hands on a step". A place from X to Y with k tokens says that Y may be k
steps ahead of X, and no more. Such a graph can always go on if and only if each of its circuits
holds a token (Commoner, Holt, Even & Pnueli, "Marked directed graphs", 1971); the tokens that
delays and queues begin with, and the steps that they have room for, are counted on the circuits
themselves. That steps may be taken as wholes here: what a part hands on depends on what it is
given, never on when, so that if one order of handing on never stops, none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.sim import Simulator

from ...golden.quantise import NetworkContract
from ..aer import Delay, Queue
from ..network import input_sizes, sources_of

__all__ = ["Place", "find_circuit", "places_of", "room_of", "ticks_of"]


@dataclass(frozen=True)
class Place:
    """``after`` may hand on at most ``tokens`` steps more than ``before``."""

    before: str
    after: str
    tokens: int


def ticks_of(part: wiring.Component, most: int) -> int:
    """Steps that a delay or queue hands on before it is given any; up to ``most`` and one."""
    ticks = 0

    async def watch(ctx) -> None:  # type: ignore[no-untyped-def]
        nonlocal ticks
        ctx.set(part.sink.ready, 1)
        for _ in range(most + 4):
            taken = ctx.get(part.sink.valid) and ctx.get(part.sink.payload.tick)
            ticks += int(bool(taken))
            await ctx.tick()

    _simulate(part, watch)
    return min(ticks, most + 1)


def room_of(part: wiring.Component, n: int, most: int) -> int:
    """Whole steps of ``n`` spikes and a tick that it takes while nobody takes any from it."""
    steps = 0

    async def fill(ctx) -> None:  # type: ignore[no-untyped-def]
        nonlocal steps
        ctx.set(part.source.valid, 1)
        for _ in range(most + 1):
            for k in range(n + 1):
                ctx.set(part.source.payload.tick, k == n)
                ctx.set(part.source.payload.address, k % n)
                for _ in range(4):
                    taken = ctx.get(part.source.ready)
                    await ctx.tick()
                    if taken:
                        break
                else:
                    return
            steps += 1

    _simulate(part, fill)
    return steps


def _simulate(part: wiring.Component, process) -> None:  # type: ignore[no-untyped-def]
    simulator = Simulator(Fragment.get(part, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


def places_of(contract: NetworkContract, lanes: Mapping[str, int]) -> list[Place]:
    """Who waits for whom in a network whose populations have so many lanes."""
    sizes = {**input_sizes(contract), **{p: c.n for p, c in contract.populations.items()}}
    out: list[Place] = []
    held: dict[tuple[str, int, int], str] = {}
    for name in contract.populations:
        if lanes[name] > 1 and any(k.pre == name for k in contract.connections):
            queue = f"queue of {name}"
            out += _store(name, queue, Queue(sizes[name]), sizes[name], 1)
            held[name, 0, 0] = queue
    for name in contract.populations:
        for k, s in enumerate(sources_of(contract, name)):
            giver = held.get((s.pre, 0, 0), s.pre)
            if s.connection is not None and s.delay:
                delay = f"delay {k} of {name}"
                n = sizes[s.pre]
                out += _store(giver, delay, Delay(n, s.delay), n, s.delay)
                giver = delay
            # The core hands on a step after it was given it, and takes the next after that.
            out += [Place(giver, name, 0), Place(name, giver, 1)]
    return out


def _store(giver: str, name: str, part: Delay | Queue, n: int, most: int) -> list[Place]:
    fresh = type(part)(*((n,) if isinstance(part, Queue) else (n, most)))
    return [
        Place(giver, name, ticks_of(part, most)),
        Place(name, giver, room_of(fresh, n, most)),
    ]


def find_circuit(places: Iterable[Place]) -> Sequence[str]:
    """Parts that wait for each other in a ring without a token; empty if there is none."""
    waits: dict[str, list[str]] = {}
    for p in places:
        if p.tokens == 0:
            waits.setdefault(p.before, []).append(p.after)
    done: set[str] = set()

    def follow(part: str, path: list[str]) -> list[str]:
        if part in path:
            return [*path[path.index(part) :], part]
        if part in done:
            return []
        for other in waits.get(part, []):
            ring = follow(other, [*path, part])
            if ring:
                return ring
        done.add(part)
        return []

    return next((ring for part in waits if (ring := follow(part, []))), [])
