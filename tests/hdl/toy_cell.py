"""A cell with all that a unit must serve: several words, receptors, numbers, and a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from lifstone.golden.cell import State, Word
from lifstone.golden.fixed import Ints, limits
from lifstone.golden.unit import Projection, UnitContract
from lifstone.hdl.cell import cell_logic, cell_ports

WIDTH = 12


@dataclass(frozen=True, eq=False)
class Toy:
    """``u`` gathers what ``plus`` brings and ``minus`` takes; ``wide`` counts what has fired.

    ``stages`` registers stand in the logic.
    """

    n: int
    threshold: Ints
    stages: int = 0
    wide: int = 63
    words: dict[str, Word] = field(init=False)
    receptors: dict[str, Word] = field(init=False)

    def __post_init__(self) -> None:
        words = {"u": Word(WIDTH), "wide": Word(self.wide, False), "hold": Word(2, False)}
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "receptors", {"plus": Word(9, False), "minus": Word(10)})

    @property
    def numbers(self) -> dict[str, Ints]:
        return {"threshold": self.threshold, "three": np.full(self.n, 3)}

    def start(self) -> dict[str, Ints]:
        high = (1 << self.wide) - 1
        return {
            "u": 60 + np.arange(self.n) % 5 * 7,
            "wide": np.full(self.n, high - 5),
            "hold": np.zeros(self.n, np.int64),
        }

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], np.ndarray]:
        low, high = limits(WIDTH)
        free = state["hold"] == 0
        u = state["u"] - (state["u"] >> 3) + totals["plus"] - totals["minus"]
        u = np.clip(u, low, high)
        fired = free & (u > self.threshold)
        after = {
            "u": np.where(fired, 0, u),
            "wide": np.where(fired, state["wide"] ^ totals["plus"], state["wide"]),
            "hold": np.where(fired, 3, np.maximum(state["hold"] - 1, 0)),
        }
        return after, fired


@cell_logic.register(Toy)
class _ToyLogic(wiring.Component):
    def __init__(self, cell: Toy) -> None:
        self.cell = cell
        self.clocks = cell.stages
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low, high = limits(WIDTH)
        s, t = self.state, self.totals
        total = s.u - (s.u >> 3) + t.plus - t.minus
        u = Signal(total.shape())
        m.d.comb += u.eq(total)
        for _ in range(self.cell.stages):
            later = Signal.like(u, reset_less=True)
            m.d.sync += later.eq(u)
            u = later
        clipped = Mux(u > high, high, Mux(u < low, low, u))
        m.d.comb += [
            self.spike.eq((s.hold == 0) & (clipped > self.numbers.threshold)),
            self.after.u.eq(Mux(self.spike, 0, clipped)),
            self.after.wide.eq(Mux(self.spike, s.wide ^ t.plus, s.wide)),
            self.after.hold.eq(
                Mux(self.spike, self.numbers.three, Mux(s.hold == 0, 0, s.hold - 1))
            ),
        ]
        return m


def toy_unit(
    seed: int, n: int, *, inputs: int = 2, recurrent: bool = True, stages: int = 0
) -> UnitContract:
    """A lively unit; the first input has two projections."""
    rng = np.random.default_rng(seed)
    cell = Toy(n, rng.integers(10, 40, n), stages)
    sizes = {f"x{k}": int(rng.integers(1, 6)) for k in range(inputs)}
    projections = [
        Projection(name, "minus" if k else "plus", rng.integers(0, 20 if k else 60, (n, lines)))
        for k, (name, lines) in enumerate(sizes.items())
    ]
    if recurrent:
        projections.append(Projection("unit", "minus", rng.integers(-30, 10, (n, n))))
    for name, lines in list(sizes.items())[:1]:
        projections.append(Projection(name, "minus", rng.integers(-9, 9, (n, lines))))
    return UnitContract(cell, sizes, tuple(projections))
