"""Rounding and saturation as circuits: exhaustively, against golden and against fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module, Signal, Value, signed
from amaranth.sim import Simulator

from lifstone.golden import Rounding
from lifstone.golden import fixed as golden
from lifstone.hdl.fixed import named, saturate, saturate_bottom, shift_right

WIDTH = 6
ALL = np.arange(-(1 << (WIDTH - 1)), 1 << (WIDTH - 1))


def evaluate(function: Callable[[Value], Value], out_width: int = 12) -> np.ndarray:
    """The circuit of ``function`` for every signed word of ``WIDTH`` bits."""
    m = Module()
    value, out = Signal(signed(WIDTH)), Signal(signed(out_width))
    m.d.comb += out.eq(function(value))
    got = []

    async def bench(ctx: object) -> None:
        for x in ALL:
            ctx.set(value, int(x))
            await ctx.delay(1e-9)
            got.append(ctx.get(out))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(got)


def by_definition(x: int, bits: int, rounding: Rounding) -> int:
    """What the words of :class:`Rounding` say, in fractions."""
    exact = Fraction(x, 1 << bits)
    if rounding is Rounding.FLOOR:
        return math.floor(exact)
    if rounding is Rounding.NEAREST:
        return math.floor(exact + Fraction(1, 2))
    return round(exact) if rounding is Rounding.EVEN else math.trunc(exact)


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("bits", range(WIDTH + 2))
def test_shift_right_for_every_word(rounding: Rounding, bits: int) -> None:
    got = evaluate(lambda v: shift_right(v, bits, rounding))
    np.testing.assert_array_equal(got, golden.shift_right(ALL, bits, rounding))
    assert got.tolist() == [by_definition(int(x), bits, rounding) for x in ALL]


@pytest.mark.parametrize("width", range(2, WIDTH + 3))
def test_saturate_for_every_word(width: int) -> None:
    got = evaluate(lambda v: saturate(v, width))
    np.testing.assert_array_equal(got, golden.saturate(ALL, width))
    assert got.max() <= (1 << (width - 1)) - 1


@pytest.mark.parametrize("width", range(2, WIDTH + 2))
def test_saturate_bottom_for_every_word_that_is_not_above(width: int) -> None:
    got = evaluate(lambda v: saturate_bottom(v, width))
    fits = golden.limits(width)[1] >= ALL
    np.testing.assert_array_equal(got[fits], golden.saturate(ALL[fits], width))


def test_a_word_that_fits_needs_no_logic() -> None:
    value = Signal(signed(4))
    assert saturate(value, 4) is value
    assert saturate_bottom(value, 4) is value
    assert shift_right(value, 0, Rounding.EVEN) is value


def test_named_keeps_sign_and_name() -> None:
    m = Module()
    signal = named(m, "difference", Signal(3) - Signal(3))
    assert (signal.name, signal.shape()) == ("difference", signed(4))
    Fragment.get(m, None)
