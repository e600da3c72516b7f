"""Numbers at the ends of their ranges: no product leaves its word, and what could is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import Decay, InvalidValue
from lifstone.golden.cell import run_cell
from lifstone.golden.cells.conductance import ConductanceCell, Synapse
from lifstone.golden.cells.gates import EdgeGate
from lifstone.golden.cells.membrane import Membrane, membrane_step, share_curve
from lifstone.golden.cells.photo import PhotoCell


def one(width: int, fraction: int, leak: int, u: int = 0) -> Membrane:
    high = (1 << (width - 1)) - 1

    def words(value: int) -> np.ndarray:
        return np.full(1, value, np.int64)

    return Membrane(1, width, fraction, words(leak), words(0), words(high), words(0), words(u),
                    words(0), share_curve(fraction, 8.0))  # fmt: skip


def exact_step(m: Membrane, u: int, a: int, e: int) -> int:
    """The same in Python's integers, which have no end."""
    x = int(m.leak[0]) + a
    drive = -int(m.leak[0]) * u + a * (e - u)
    half = 1 << (m.fraction - 5)
    coarse = (drive + half) >> (m.fraction - 4)
    phi = int(m.phi(np.array([x]))[0])
    moved = (coarse * phi + (1 << 19)) >> 20
    top = (1 << (m.width - 1)) - 1
    return max(-top - 1, min(top, u + moved))


@pytest.mark.parametrize(("width", "fraction", "bits"), [(24, 24, 27), (32, 28, 27), (12, 8, 12)])
def test_the_extremes_of_a_step_do_not_wrap(width: int, fraction: int, bits: int) -> None:
    top = (1 << (width - 1)) - 1
    m = one(width, fraction, (1 << fraction) - 1)
    far = np.full(1, -top, np.int64)
    ConductanceCell(m, (Synapse("g", Decay(shift=1), far, bits, 20),))
    for a in (0, 1, (1 << bits) - 1):
        for e in (-top, top):
            for u in (-top - 1, 0, top):
                loads = [(np.array([a]), np.array([e]))]
                after, _ = membrane_step(m, np.array([u]), None, loads)
                assert int(after["u"][0]) == exact_step(m, u, a, e), (a, e, u)


def test_widths_whose_products_would_wrap_are_refused() -> None:
    m = one(32, 6, 1)
    with pytest.raises(InvalidValue, match=r"g\.width = 28: allowed is "):
        ConductanceCell(m, (Synapse("g", Decay(shift=1), np.array([1 << 31]), 28, 20),))
    with pytest.raises(InvalidValue, match="opened = "):
        PhotoCell(m, 8, 8, np.zeros((2, 2, 2), np.int64), np.full((2, 2), 1 << 20),
                  np.array([255, 0]), np.array([1 << 29]))  # fmt: skip


def test_names_may_not_meet() -> None:
    m = one(16, 12, 10)
    first = Synapse("g", Decay(shift=1), np.array([100]), 8, 10)
    for name in ("g", "u", "hold"):
        with pytest.raises(InvalidValue, match=f"name = '{name}'"):
            ConductanceCell(m, (first, replace(first, name=name)))


def test_a_gate_stays_a_fraction() -> None:
    """The edge gate over all of its words, on both sides of the edge."""
    every = np.arange(256)
    zero = np.zeros(256, np.int64)
    gate = EdgeGate("h", 8, zero + 77, zero, every, 10, 251, 3, 8)
    for u in (10, 11):
        after, opened = gate.advance(np.full(256, u), every)
        assert after.min() >= 0
        assert after.max() <= 255
        assert (opened == (0 if u == 10 else (77 * every + 128) >> 8)).all()


def test_a_run_at_the_ends_of_all_ranges_stays_in_its_words() -> None:
    m = one(12, 8, 255, u=-2048)
    cell = ConductanceCell(m, (Synapse("g", Decay(shift=1), np.array([4095]), 12, 13),))
    totals = {"g": np.where(np.arange(60) % 20 < 10, 4095, -4096)[:, None]}
    run = run_cell(cell, totals)
    for name, word in cell.words.items():
        assert run.state[name].min() >= word.low
        assert run.state[name].max() <= word.high
    assert run.state["u"].max() == 2047
    assert run.state["g"].max() == 4095
