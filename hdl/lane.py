"""One lane of a core with several: a neuron's step in two stages, with registers between."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.contract import Contract
from .step import Fire, Leak, parameters, state_layout

__all__ = ["Lane", "parameter_bits", "state_bits"]


def state_bits(contract: Contract) -> int:
    """Width of a neuron's stored state."""
    return int(Shape.cast(state_layout(contract)).width)


def parameter_bits(contract: Contract) -> int:
    """Width of those parameters of a neuron that differ from neuron to neuron."""
    return sum(p.shape.width for p in parameters(contract) if not p.uniform)


class Lane(wiring.Component):
    """Leaks what the memories say, and in the next clock in which it moves, fires.

    Members
    -------
    move : In(1)
        Takes the leaked state, and what fires with it, into the registers between the stages.
    state : In
        Stored state as bits, :func:`~.step.state_layout`.
    varying : In
        Parameters that differ, as :func:`~.core.pack_parameters` joins them; of one bit and
        without meaning where none does.
    total : In
        Sum of weights.
    first : Out
        State after reset, from ``varying`` of the same clock.
    after : Out
        State to store, of the neuron in the second stage.
    spike : Out
        Whether it fires.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        bits = unsigned(state_bits(contract))
        super().__init__(
            {
                "move": In(1),
                "state": In(bits),
                "varying": In(unsigned(max(1, parameter_bits(contract)))),
                "total": In(signed(contract.acc_width)),
                "first": Out(bits),
                "after": Out(bits),
                "spike": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract
        m.submodules.leak = leak = Leak(c)
        m.submodules.fire = fire = Fire(c)
        leaked = Signal.like(leak.leaked, name="leaked", reset_less=True)
        late_state = Signal(state_layout(c), name="late_state", reset_less=True)
        late_varying = Signal.like(self.varying, name="late_varying", reset_less=True)
        first = Signal(state_layout(c), name="first_state")
        early = self._numbers(self.varying)
        m.d.comb += [leak.numbers[name].eq(v) for name, v in early.items()]
        m.d.comb += [fire.numbers[name].eq(v) for name, v in self._numbers(late_varying).items()]
        m.d.comb += [
            Value.cast(leak.state).eq(self.state),
            leak.total.eq(self.total),
            fire.leaked.eq(leaked),
            fire.state.eq(late_state),
            self.after.eq(Value.cast(fire.after)),
            self.spike.eq(fire.spike),
            first.u.eq(early["u_init"]),
            self.first.eq(Value.cast(first)),
        ]
        with m.If(self.move):
            m.d.sync += [leaked.eq(leak.leaked), Value.cast(late_state).eq(self.state)]
            m.d.sync += late_varying.eq(self.varying)
        return m

    def _numbers(self, varying: Value) -> dict[str, Value]:
        """All parameters: constants, and parts of ``varying``."""
        out: dict[str, Value] = {}
        at = 0
        for p in parameters(self.contract):
            if p.uniform:
                out[p.name] = Const(p.values[0], p.shape)
                continue
            bits = varying[at : at + p.shape.width]
            out[p.name] = bits.as_signed() if p.shape.signed else bits
            at += p.shape.width
        return out
