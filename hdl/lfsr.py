"""The random numbers of :mod:`lifstone.golden.lfsr` as logic."""

from __future__ import annotations

from amaranth.hdl import Module, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.lfsr import BELL_TOP, SCRAMBLE, SHIFT, TURN_HIGH, TURN_LOW

__all__ = ["Bell", "Register"]


class Register(wiring.Component):
    """The map and the draw of a state that lies elsewhere; combinational.

    Members
    -------
    s0, s1 : In
        State before the map, 32 bits each.
    next_s0, next_s1 : Out
        State after it.
    word : Out
        The draw of the state before.
    """

    def __init__(self) -> None:
        words = {"s0": In(32), "s1": In(32)}
        after = {"next_s0": Out(32), "next_s1": Out(32), "word": Out(32)}
        super().__init__({**words, **after})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        t = self.s0 ^ self.s1
        total = (self.s0 + self.s1)[:32]
        m.d.comb += [
            self.next_s0.eq(self.s0.rotate_left(TURN_LOW) ^ t ^ (t << SHIFT)),
            self.next_s1.eq(t.rotate_left(TURN_HIGH)),
            self.word.eq(total.rotate_left(SCRAMBLE) + self.s0),
        ]
        return m


class Bell(wiring.Component):
    """A bell curve of 32 uniform bits: the sum of eight digits, less 60; combinational.

    Members
    -------
    word : In(32)
    z : Out(signed(7))
    """

    def __init__(self) -> None:
        super().__init__({"word": In(32), "z": Out(signed(7))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sums: list[Value] = [self.word[k : k + 4] for k in range(0, 32, 4)]
        while len(sums) > 1:
            sums = [a + b for a, b in zip(sums[::2], sums[1::2], strict=True)]
        m.d.comb += self.z.eq(sums[0] - BELL_TOP)
        return m
