"""Loihi's compartment as logic, see :mod:`lifstone.golden.platforms.loihi`."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring

from ...golden.platforms.cells import LoihiCell
from ...golden.platforms.loihi import DECAY_ONE, INPUT_BITS, STATE_BITS
from ..cell import cell_logic, cell_ports
from ..fixed import clocked, named

__all__ = ["LoihiLogic"]


@cell_logic.register(LoihiCell)
class LoihiLogic(wiring.Component):
    """One step, a register behind its products; members as ``cell_ports`` has them."""

    clocks = 1

    def __init__(self, cell: LoihiCell) -> None:
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s, p = self.state, self.numbers
        q = named(m, "q", _wrap(self.totals.input, INPUT_BITS))
        kept = _decay(m, "u", s.u, named(m, "keep_u", DECAY_ONE - 1 - p.decay_u))
        u = named(m, "u_next", _wrap(kept + q, STATE_BITS))
        drive = named(m, "drive", _wrap(u + p.bias, STATE_BITS))
        left = _decay(m, "v", s.v, named(m, "keep_v", DECAY_ONE - p.decay_v))
        total = named(m, "v_sum", left + drive)
        rails = Mux(total > p.v_max, p.v_max, Mux(total < p.v_min, p.v_min, total))
        v = named(m, "v_next", Mux(s.hold == 0, rails, 0))
        m.d.comb += [
            self.spike.eq(v > p.v_th),
            self.after.u.eq(u),
            self.after.v.eq(Mux(self.spike, 0, v)),
            self.after.hold.eq(
                Mux(self.spike, p.hold, Mux(s.hold == 0, 0, (s.hold - 1)[: len(s.hold)]))
            ),
        ]
        return m


def _decay(m: Module, name: str, x: Value, keep: Value) -> Value:
    """``x`` times ``keep`` / 4096, towards zero: the magnitude is multiplied."""
    negative = x < 0
    size = named(m, f"{name}_size", Mux(negative, -x, x)[: len(x)])
    # A factor above one does not exist; its sign bit is never set.
    product = named(m, f"{name}_product", size * keep[: DECAY_ONE.bit_length()])
    scaled = clocked(m, f"{name}_scaled", product[DECAY_ONE.bit_length() - 1 :])
    # The state stands still, and so does its sign.
    return Mux(negative, -scaled, scaled)


def _wrap(value: Value, bits: int) -> Value:
    return value[:bits].as_signed() if len(value) > bits else value
