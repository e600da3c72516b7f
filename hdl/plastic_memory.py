"""The memories of a plastic core, and what its trace shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, memory

from ..golden.fixed import Ints, width_for
from ..golden.learning.plastic import PlasticContract
from ..golden.learning.three_factor_integer import Signal as Third
from ..golden.learning.three_factor_integer import ThreeFactorInteger
from .aer import address_shape
from .core import pack_parameters
from .step import acc_shape, parameters, state_layout

__all__ = ["PlasticMemory", "index_bits", "neuron_words", "plastic_traces", "start_image"]


def index_bits(n: int) -> int:
    """Bits of the number of one of ``n``."""
    return max(1, (n - 1).bit_length())


def neuron_words(c: PlasticContract) -> dict[str, Shape]:
    """What is stored of a neuron: its state, its trace, and its teacher's."""
    layout = state_layout(c.neurons)
    words = {name: Shape.cast(field.shape) for name, field in layout}
    words["y"] = unsigned(c.traces["y"].width)
    if isinstance(c.rule, ThreeFactorInteger) and c.rule.signal is Third.TEACHER:
        words["s"] = unsigned(c.rule.s.width)
    return words


def plastic_traces(c: PlasticContract) -> dict[str, dict[str, Shape]]:
    """What beats of the trace show, by what they are of: ``neurons``, ``synapses``, ``lines``.

    Synapses come neuron by neuron, each with all its lines.
    """
    neurons = {name: shape for name, shape in neuron_words(c).items() if name != "hold"}
    synapses: dict[str, Shape] = {"weight": signed(c.weight.width)}
    if isinstance(c.rule, ThreeFactorInteger):
        synapses["eligibility"] = signed(c.rule.e_width)
    shown = {
        "neurons": (c.n, neurons),
        "synapses": (c.n * c.lines, synapses),
        "lines": (c.lines, {"x": unsigned(c.traces["x"].width)}),
    }
    return {
        kind: {"index": address_shape(count), **words, "spike": unsigned(1)}
        for kind, (count, words) in shown.items()
    }


def _image(matrix: Ints, width: int) -> list[int]:
    """Words by line, ``2**ceil(log2 n)`` a line, two's complement."""
    stride, mask = 1 << index_bits(matrix.shape[0]), (1 << width) - 1
    words: list[int] = []
    for column in matrix.T:
        words += [int(w) & mask for w in column] + [0] * (stride - matrix.shape[0])
    return words


def start_image(c: PlasticContract) -> list[int]:
    """Initial weights where they differ; nothing where one constant serves."""
    return [] if (c.start == c.start[0, 0]).all() else _image(c.start, c.weight.width)


class PlasticMemory:
    """Memories of ``contract`` in ``m``, read at where the core is and written where it says.

    Every read port answers in the next clock. ``index`` is a neuron, ``column`` a plastic line
    and ``row`` the line whose weights are read: one of ``index`` at ``row``. ``line`` is the
    address of an event.

    Attributes
    ----------
    state, sums, weight, x, heard
        Pairs of a read and a write port; also ``eligibility`` and ``taught`` where the rule
        has them.
    place
        Where synapse memories are read.
    start, fixed
        Initial weight of the place asked for; weight of a fixed line.
    numbers
        Parameters of the neuron asked for, by name.
    """

    def __init__(
        self,
        m: Module,
        contract: PlasticContract,
        index: Signal,
        column: Signal,
        row: Value,
        line: Signal,
    ) -> None:
        self._m, c = m, contract
        n, lines = c.n, c.lines
        self.place = Signal(index_bits(n) + index_bits(lines), name="place")
        m.d.comb += self.place.eq(Cat(index, row))
        size = lines << index_bits(n)
        weight = signed(c.weight.width)
        neuron = data.StructLayout(neuron_words(c))
        self.state = self._pair("state", neuron, n, index)
        self.sums = self._pair("sum", acc_shape(c.neurons), n, index)
        self.weight = self._pair("weight", weight, size, self.place)
        self.x = self._pair("x", unsigned(c.traces["x"].width), lines, column)
        self.heard = self._pair("heard", unsigned(1), lines, column)
        if isinstance(c.rule, ThreeFactorInteger):
            e = signed(c.rule.e_width)
            self.eligibility = self._pair("eligibility", e, size, self.place)
            if c.rule.signal is Third.TEACHER:
                self.taught = self._pair("taught", unsigned(1), n, index)
        image = start_image(c)
        self.start: Value = Const(int(c.start[0, 0]), weight)
        if image:
            self.start = self._rom("start", c.weight.width, image, self.place).as_signed()
        self.fixed: Value = Const(0, 1)
        if c.fixed.shape[1]:
            width = width_for(int(c.fixed.min()), int(c.fixed.max()))
            where = Cat(index, (line - lines)[: index_bits(c.fixed.shape[1])])
            self.fixed = self._rom("fixed", width, _image(c.fixed, width), where).as_signed()
        self.numbers = self._parameters(c, index)

    def _pair(self, name: str, shape: Any, depth: int, where: Value) -> tuple[Any, Any]:
        made = memory.Memory(shape=shape, depth=depth, init=[])
        self._m.submodules[f"{name}_memory"] = made
        read, write = made.read_port(), made.write_port()
        self._m.d.comb += read.addr.eq(where)
        return read, write

    def _rom(self, name: str, width: int, words: Sequence[int], where: Value) -> Value:
        made = memory.Memory(shape=unsigned(width), depth=len(words), init=words)
        self._m.submodules[f"{name}_memory"] = made
        read = made.read_port()
        self._m.d.comb += read.addr.eq(where)
        return read.data

    def _parameters(self, c: PlasticContract, index: Signal) -> dict[str, Value]:
        known = parameters(c.neurons)
        numbers: dict[str, Value] = {
            p.name: Const(p.values[0], p.shape) for p in known if p.uniform
        }
        varying = [p for p in known if not p.uniform]
        if varying:
            layout = data.StructLayout({p.name: p.shape for p in varying})
            word = Signal(layout, name="varying")
            read = self._rom("parameter", layout.size, pack_parameters(c.neurons), index)
            self._m.d.comb += word.as_value().eq(read)
            numbers |= {p.name: word[p.name] for p in varying}
        return numbers
