"""Fixed-point arithmetic of the contract on Amaranth values.

The meaning of each function is that of its namesake in :mod:`lifstone.golden.fixed`.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

from ..golden.fixed import Rounding, limits

__all__ = ["clocked", "named", "saturate", "saturate_bottom", "shift_right"]


def named(m: Module, name: str, value: Value) -> Signal:
    """``value`` as a signal: computed once however often it is read, and found by its name."""
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def clocked(m: Module, name: str, value: Value) -> Signal:
    """``value`` a clock later: a register between two stages, without enable and without reset."""
    signal = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += signal.eq(value)
    return signal


def shift_right(value: Value, bits: int, rounding: Rounding) -> Value:
    """``value / 2**bits``, rounded as named; one bit wider where rounding may carry."""
    if bits == 0:
        return value
    if rounding is Rounding.FLOOR:
        return value >> bits
    if rounding is Rounding.NEAREST:
        return (value + (1 << (bits - 1))) >> bits
    if rounding is Rounding.EVEN:
        # Half minus one plus the bit that will be last: ties go up only from odd.
        return (value + ((1 << (bits - 1)) - 1) + (value >> bits)[0]) >> bits
    return (value + Mux(value < 0, (1 << bits) - 1, 0)) >> bits


def saturate(value: Value, width: int) -> Value:
    """Clamp a signed value to the signed range of ``width`` bits.

    It fits where all bits from the new sign upwards are equal, which costs no carry.
    """
    if len(value) <= width:
        return value
    low, high = limits(width)
    top, bottom = Const(high, signed(width)), Const(low, signed(width))
    above = value[width - 1 :]
    rail = Mux(value[-1], bottom, top)
    return Mux(above.all() | ~above.any(), value[:width].as_signed(), rail)


def saturate_bottom(value: Value, width: int) -> Value:
    """:func:`saturate` for a value that cannot lie above the range."""
    if len(value) <= width:
        return value
    low, _ = limits(width)
    fits = ~value[-1] | value[width - 1 :].all()
    return Mux(fits, value[:width].as_signed(), Const(low, signed(width)))
