"""Logic of the neurons with noise, :mod:`lifstone.golden.cells.noise`.

::

    s0, s1 -> Register -reg-> Bell -> * gain -reg-> round -reg-+-> Leak -reg-> Fire -> after, spike
                 |                                             | (NoisyLif)     ^
                 +-> s0, s1 after                              +----------------+
                                                                 (StochasticThreshold)
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from ...golden.cells.noise import NoisyLif, StochasticThreshold
from ..cell import cell_logic, cell_ports
from ..fixed import shift_right
from ..lfsr import Bell, Register
from ..step import Fire, Leak

__all__ = ["NoiseLogic"]


def later(m: Module, name: str, value: Value) -> Signal:
    """A register that needs no reset."""
    register = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return register


@cell_logic.register(NoisyLif)
@cell_logic.register(StochasticThreshold)
class NoiseLogic(wiring.Component):
    """Members of :func:`~.cell.cell_ports`; right four clocks after the inputs stand still."""

    clocks = 4

    def __init__(self, cell: NoisyLif | StochasticThreshold) -> None:
        self.cell = cell
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        noise = self._noise(m)
        moves = isinstance(self.cell, StochasticThreshold)
        base = self.cell.base
        shape = noise.shape()
        added = None if moves else shape
        m.submodules.leak = leak = Leak(base, added)
        m.submodules.fire = fire = Fire(base, added, shape if moves else None)
        m.d.comb += (fire.raised if moves else leak.noise).eq(noise)
        leaked = Signal.like(leak.leaked, name="leaked", reset_less=True)
        m.d.sync += leaked.eq(leak.leaked)
        m.d.comb += [leak.total.eq(self.totals["input"]), fire.leaked.eq(leaked)]
        for part in (leak, fire):
            for name in dict(part.state.shape()):
                m.d.comb += part.state[name].eq(self.state[name])
            for name in dict(part.numbers.shape()):
                if name in self.cell.numbers:
                    m.d.comb += part.numbers[name].eq(self.numbers[name])
        for name in dict(fire.after.shape()):
            m.d.comb += self.after[name].eq(fire.after[name])
        m.d.comb += self.spike.eq(fire.spike)
        return m

    def _noise(self, m: Module) -> Signal:
        """``xi`` behind a register; the stream goes on."""
        m.submodules.register = register = Register()
        m.submodules.bell = bell = Bell()
        m.d.comb += [
            register.s0.eq(self.state.s0),
            register.s1.eq(self.state.s1),
            self.after.s0.eq(register.next_s0),
            self.after.s1.eq(register.next_s1),
        ]
        m.d.sync += bell.word.eq(register.word)
        product = later(m, "scaled", bell.z * self.numbers.gain)
        rounded = shift_right(product, self.cell.gain_fraction, self.cell.base.rounding)
        return later(m, "noise", rounded)
