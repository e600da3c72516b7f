"""One step of one neuron, combinational: the integer contract as logic.

The step is :func:`lifstone.golden.contract.step`, cut in two where a register fits:
:class:`Leak` holds the input and the multiplications, :class:`Fire` the rest.
:class:`LifStep` joins them without a register; the core puts one between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..golden.contract import Contract, Decay, Drive
from ..golden.fixed import Ints
from ..golden.lif import Reset
from .fixed import named, saturate, saturate_bottom, shift_right

__all__ = [
    "Fire",
    "Leak",
    "LifStep",
    "Parameter",
    "acc_shape",
    "leaked_bits",
    "parameters",
    "state_layout",
]


@dataclass(frozen=True, eq=False)
class Parameter:
    """A number of the contract that differs from neuron to neuron, or does not.

    ``values`` holds one integer per neuron, ``shape`` fits them all.
    """

    name: str
    shape: Shape
    values: tuple[int, ...]

    @property
    def uniform(self) -> bool:
        """Whether one constant serves all neurons."""
        return len(set(self.values)) == 1


def parameters(c: Contract) -> list[Parameter]:
    """All parameters that the step of ``c`` reads, and the initial potential."""
    out: list[Parameter] = []

    def add(name: str, values: Ints | None) -> None:
        if values is not None:
            numbers = tuple(int(v) for v in np.broadcast_to(values, (c.n,)))
            out.append(Parameter(name, _shape_of(numbers), numbers))

    add("bias", c.bias)
    add("decay_mem", None if c.decay_mem is None else c.decay_mem.coefficient)
    add("decay_syn", None if c.decay_syn is None else c.decay_syn.coefficient)
    add("couple", c.couple)
    add("u_init", c.u_init)
    if c.threshold is not None:
        add("threshold", c.threshold)
        add("u_reset" if c.reset is Reset.SET else "u_drop", _reset_word(c))
        add("hold", c.hold)
    return out


def _reset_word(c: Contract) -> Ints:
    return c.u_reset if c.reset is Reset.SET else c.u_drop


def _shape_of(values: Sequence[int]) -> Shape:
    low, high = min(values), max(values)
    if low >= 0:
        return unsigned(max(1, high.bit_length()))
    return signed(max((~low).bit_length(), high.bit_length()) + 1)


def acc_shape(c: Contract) -> Shape:
    """Shape of the sum of weights."""
    return signed(c.acc_width)


def state_layout(c: Contract) -> data.StructLayout:
    """The stored state of a neuron: ``u``; ``i`` with a synapse; ``hold`` if refractory."""
    fields: dict[str, Shape] = {"u": signed(c.width)}
    if c.has_synapse:
        fields["i"] = signed(c.syn_width)
    bits = int(c.hold.max()).bit_length() if c.threshold is not None else 0
    if bits:
        fields["hold"] = unsigned(bits)
    return data.StructLayout(fields)


def _parameter_layout(c: Contract) -> data.StructLayout:
    return data.StructLayout({p.name: p.shape for p in parameters(c)})


def _input(c: Contract, total: Value, bias: Value) -> Value:
    return (total << c.weight_shift) + bias


def _leak_layout(c: Contract, noise: Shape | None = None) -> data.StructLayout:
    bias = next(p for p in parameters(c) if p.name == "bias")
    x = _input(c, Signal(acc_shape(c)), Signal(bias.shape)).shape()
    if noise is not None:
        x = (Signal(x) + Signal(noise)).shape()
    fields: dict[str, Shape] = {"x": x, "u": signed(c.width)}
    if c.has_synapse:
        fields["i"] = signed(c.syn_width)
    if c.drive is Drive.BLEND:
        assert c.couple is not None
        share = max(1, int(np.abs(c.couple).max()))
        fields["share"] = signed(c.syn_width + share.bit_length() + 1)
    return data.StructLayout(fields)


def leaked_bits(c: Contract) -> int:
    """Width of what :class:`Leak` hands to :class:`Fire`."""
    return int(_leak_layout(c).size)


class Leak(wiring.Component):
    """The input and the decays of a step.

    Members
    -------
    state : In
        Stored state, :func:`state_layout`.
    numbers : In
        The neuron's parameters.
    total : In
        Sum of the weights of this step's spikes, signed ``acc_width``.
    noise : In
        Added to the input, state units; only for a neuron with noise, of this shape.
    leaked : Out
        Input ``x``; decayed ``u`` and ``i``; ``share``, the part of the old current that
        reaches the membrane (``Drive.BLEND``).
    """

    def __init__(self, contract: Contract, noise: Shape | None = None) -> None:
        self.contract = contract
        self._noisy = noise is not None
        super().__init__(
            {
                "state": In(state_layout(contract)),
                "numbers": In(_parameter_layout(contract)),
                "total": In(acc_shape(contract)),
                "leaked": Out(_leak_layout(contract, noise)),
                **({} if noise is None else {"noise": In(noise)}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract
        x = _input(c, self.total, self.numbers.bias)
        m.d.comb += self.leaked.x.eq(x + self.noise if self._noisy else x)
        m.d.comb += self.leaked.u.eq(self._decay(m, c.decay_mem, self.state.u, "decay_mem"))
        if c.has_synapse:
            decayed = self._decay(m, c.decay_syn, self.state.i, "decay_syn")
            m.d.comb += self.leaked.i.eq(decayed)
        if c.drive is Drive.BLEND:
            product = named(m, "coupled", self.state.i * self.numbers.couple)
            m.d.comb += self.leaked.share.eq(shift_right(product, c.couple_fraction, c.rounding))
        return m

    def _decay(self, m: Module, decay: Decay | None, state: Value, name: str) -> Value:
        if decay is None:
            return state
        rounding = self.contract.rounding
        if decay.shift is not None:
            return state - shift_right(state, decay.shift, rounding)
        product = named(m, f"{name}_product", state * self.numbers[name])
        return shift_right(product, decay.fraction, rounding)


class Fire(wiring.Component):
    """Integration, comparison, reset and refractory period of a step.

    Members
    -------
    state, leaked, numbers : In
        As for :class:`Leak`.
    after : Out
        The state to store.
    spike : Out
        Whether the neuron fires.
    raised : In
        Added to the threshold, state units; only for a threshold that moves, of this shape.

    ``noise`` is the shape of what :class:`Leak` adds to the input.
    """

    def __init__(
        self, contract: Contract, noise: Shape | None = None, raised: Shape | None = None
    ) -> None:
        self.contract = contract
        self._moves = raised is not None
        super().__init__(
            {
                "state": In(state_layout(contract)),
                "leaked": In(_leak_layout(contract, noise)),
                "numbers": In(_parameter_layout(contract)),
                "after": Out(state_layout(contract)),
                "spike": Out(1),
                **({} if raised is None else {"raised": In(raised)}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract
        x = self.leaked.x
        current: Value = x
        if c.has_synapse:
            i = named(m, "i_new", saturate(named(m, "i_sum", self.leaked.i + x), c.syn_width))
            m.d.comb += self.after.i.eq(i)
            current = self._drive(i)
        u_sum = named(m, "u_sum", self.leaked.u + current)
        integrated = named(m, "u_integrated", saturate(u_sum, c.width))
        if c.threshold is None:
            m.d.comb += self.after.u.eq(integrated)
            return m
        refractory = "hold" in dict(state_layout(c))
        free: Value = named(m, "free", self.state.hold == 0) if refractory else Const(1)
        threshold = self.numbers.threshold
        # Clipping moves no sum across a threshold below the upper rail: the comparison need not
        # wait for it. One that moves may stand above.
        compared = u_sum
        if self._moves:
            threshold = named(m, "threshold_now", threshold + self.raised)
            compared = integrated
        m.d.comb += self.spike.eq(free & (compared > threshold))
        if c.reset is Reset.SET:
            reset: Value = self.numbers.u_reset
        else:
            # What is taken away is never negative.
            lowered = named(m, "u_lowered", integrated - self.numbers.u_drop)
            reset = saturate_bottom(lowered, c.width)
        m.d.comb += self.after.u.eq(Mux(self.spike, reset, Mux(free, integrated, self.state.u)))
        if refractory:
            counted = Mux(free, 0, self.state.hold - 1)
            m.d.comb += self.after.hold.eq(Mux(self.spike, self.numbers.hold, counted))
        return m

    def _drive(self, new: Value) -> Value:
        drive = self.contract.drive
        if drive is Drive.NEW:
            return new
        return self.state.i if drive is Drive.OLD else new + self.leaked.share


class LifStep(wiring.Component):
    """The whole step without a register; members as in :class:`Leak` and :class:`Fire`."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        super().__init__(
            {
                "state": In(state_layout(contract)),
                "numbers": In(_parameter_layout(contract)),
                "total": In(acc_shape(contract)),
                "after": Out(state_layout(contract)),
                "spike": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.leak = leak = Leak(self.contract)
        m.submodules.fire = fire = Fire(self.contract)
        m.d.comb += [
            leak.state.eq(self.state),
            leak.numbers.eq(self.numbers),
            leak.total.eq(self.total),
            fire.state.eq(self.state),
            fire.leaked.eq(leak.leaked),
            fire.numbers.eq(self.numbers),
            self.after.eq(fire.after),
            self.spike.eq(fire.spike),
        ]
        return m
