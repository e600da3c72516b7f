"""A cell with synaptic conductances and gated channels, in integers.

One step, in this order:

1. **synapses**  ``g' = clip(decay(g) + sum of weights, 0, 2^width - 1)``
2. **gates**     each takes ``u`` before the step, see :mod:`.gates`
3. **membrane**  :func:`.membrane.membrane_step` under the new conductances and the gates'

A synapse of sign -1 takes its conductance away from the others of its reversal: two synapses
of equal weight make a difference of exponentials, a conductance that rises before it falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import State, Word
from ..contract import Decay
from ..errors import InvalidValue, require
from ..fixed import Ints, Rounding
from .gates import ChannelGate
from .membrane import Load, Membrane, membrane_step

__all__ = ["ConductanceCell", "Synapse"]


@dataclass(frozen=True, eq=False)
class Synapse:
    """A conductance that spikes open and time closes.

    Parameters
    ----------
    name
        Of its word and its receptor.
    decay
        From step to step; a coefficient of one keeps it, of zero lets it last one step.
    reversal
        In units of ``u``, int64 ``(n,)``.
    width
        Bits of the conductance, as many behind the point as the membrane says.
    acc_width
        Bits of the sum of weights, signed.
    sign
        1 or -1; see the module.
    """

    name: str
    decay: Decay
    reversal: Ints
    width: int
    acc_width: int
    sign: int = 1

    def __post_init__(self) -> None:
        require(self.name.isidentifier(), "name", self.name, "an identifier")
        require(2 <= self.width <= 28, f"{self.name}.width", self.width, "2 to 28 bits")
        good = 2 <= self.acc_width <= 40
        require(good, f"{self.name}.acc_width", self.acc_width, "2 to 40 bits")
        require(self.sign in (1, -1), f"{self.name}.sign", self.sign, "1 or -1")
        for j in np.flatnonzero(np.abs(self.reversal) >= 1 << 32):
            raise InvalidValue(f"{self.name}.reversal[{j}]", int(self.reversal[j]), "below 2^32")

    @property
    def word(self) -> Word:
        """Of the conductance."""
        return Word(self.width, False)

    def after(self, g: Ints, total: Ints) -> Ints:
        """The conductance after a step."""
        return np.asarray(np.clip(self.decay.apply(g, Rounding.NEAREST) + total, 0, self.word.high))


@dataclass(frozen=True, eq=False)
class ConductanceCell:
    """Membranes with synapses and gates, in the order of their words.

    Raises
    ------
    InvalidValue
        For a name that stands twice, or widths whose products leave 62 bits.
    """

    membrane: Membrane
    synapses: tuple[Synapse, ...] = ()
    gates: tuple[ChannelGate, ...] = ()

    def __post_init__(self) -> None:
        parts: list[Synapse | ChannelGate] = [*self.synapses, *self.gates]
        names = ["u", "hold", *(part.name for part in parts)]
        for name in names:
            require(names.count(name) == 1, "name", name, "a name for each word")
        for part in parts:
            shape = part.reversal.shape
            require(shape == (self.n,), f"{part.name}.reversal", list(shape), f"{self.n} values")
        m = self.membrane
        widest = [s.width for s in self.synapses] + [g.conductance_bits for g in self.gates]
        for part, bits in zip(parts, widest, strict=True):
            reach = int(np.abs(part.reversal).max()).bit_length()
            total = bits + max(m.width, reach) + 1 + len(widest).bit_length()
            good = total <= 62
            require(good, f"{part.name}.width", bits, f"at most {bits - total + 62} bits here")
            # What is left of the drive meets the share, 17 bits.
            require(total - m.fraction <= 40, f"{part.name}.width", bits, "fewer bits, or more "
                    "of them behind the point")  # fmt: skip

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.membrane.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``u``, a word a synapse and a gate, ``hold`` if refractory."""
        out = {"u": self.membrane.word}
        out |= {s.name: s.word for s in self.synapses}
        out |= {g.name: g.word for g in self.gates}
        last = self.membrane.hold_word
        return {**out, **({"hold": last} if last else {})}

    @property
    def receptors(self) -> Mapping[str, Word]:
        """One a synapse."""
        return {s.name: Word(s.acc_width) for s in self.synapses}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Those of the membrane, of each synapse and of each gate."""
        out = dict(self.membrane.numbers)
        for s in self.synapses:
            out[f"{s.name}_reversal"] = s.reversal
            if s.decay.coefficient is not None:
                out[f"{s.name}_decay"] = s.decay.coefficient
        for g in self.gates:
            out |= {f"{g.name}_{k}": v for k, v in g.numbers.items()}
        return out

    def start(self) -> dict[str, Ints]:
        """Initial potential and gates, no conductance."""
        first = self.membrane.start()
        zero = np.zeros(self.n, np.int64)
        known = {**first, **{g.name: g.x_init for g in self.gates}}
        return {name: known.get(name, zero).copy() for name in self.words}

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        """State after a step, and who fired; see the module."""
        new: dict[str, Ints] = {}
        loads: list[Load] = []
        for s in self.synapses:
            new[s.name] = s.after(state[s.name], totals[s.name])
            loads.append((s.sign * new[s.name], s.reversal))
        for g in self.gates:
            new[g.name], opened = g.advance(state["u"], state[g.name])
            loads.append((opened, g.reversal))
        moved, spikes = membrane_step(self.membrane, state["u"], state.get("hold"), loads)
        new |= moved
        return {name: new[name] for name in self.words}, spikes
