"""Lanes for a latency or an area: doubled where a cell buys most, until the target is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..golden.errors import InvalidValue, require
from ..golden.quantise import NetworkContract
from .devices import CELLS
from .estimate import Estimate, estimate, lanes_text, what_fits
from .latency import Counts, forecast
from .weights import Store, Stores

__all__ = ["LaneChoice", "choose_lanes"]

MOST = 64
"""Lanes of a population."""


@dataclass(frozen=True)
class LaneChoice:
    """Lanes of each population, the forecast of their area, of clocks a sample, and the clock."""

    lanes: dict[str, int]
    area: Estimate
    clocks: float
    worst_clocks: float
    clock: float


def choose_lanes(
    contract: NetworkContract,
    board: str,
    counts: Counts,
    *,
    clock: float,
    latency: float | None = None,
    cells: int | None = None,
    stores: Stores = Store.AUTO,
) -> LaneChoice:
    """The fewest lanes that take at most ``latency`` a sample, or the quickest in ``cells``.

    Parameters
    ----------
    counts
        Spikes of calibration samples, see :func:`~.latency.spike_counts`; the mean sample is
        meant.
    clock
        In hertz.
    latency, cells
        Seconds and logic cells; with both, the fewest lanes for the latency, within the cells.

    Raises
    ------
    InvalidValue
        If no lanes on this board do: with the nearest to what was asked.
    """
    require(latency is None or latency > 0, "latency", latency, "more than 0 seconds")
    require(clock > 0, "clock", clock, "more than 0 Hz")
    found = _choice(contract, board, counts, dict.fromkeys(contract.populations, 1), stores, clock)
    if found.area.short:
        fits = what_fits(contract, board, found.lanes, stores)
        raise InvalidValue("network", f"on {board}: {found.area.said()}", fits)
    least = found.area.used[CELLS]
    enough = cells is None or least <= cells
    require(enough, "cells", cells, f"at least {least:,}, for one lane a population")
    while latency is None or found.clocks > latency * clock:
        better = [
            c
            for c in _doubled(contract, board, counts, found, stores)
            if c.clocks < found.clocks and not _lacking(c, cells)
        ]
        if not better:
            break
        found = max(better, key=lambda c: _gain(found, c))
    if latency is not None and found.clocks > latency * clock:
        each = _doubled(contract, board, counts, found, stores)
        stopped = [_lacking(c, cells) for c in each]
        why = next((f"more lanes take {s}" for s in stopped if s), "more lanes make it no quicker")
        allowed = (
            f"at least {found.clocks / clock:.4g} s on {board} at {clock / 1e6:g} MHz, "
            f"with --lanes {lanes_text(found.lanes)}: {why}"
        )
        raise InvalidValue("latency", latency, allowed)
    return found


def _choice(
    contract: NetworkContract,
    board: str,
    counts: Counts,
    lanes: dict[str, int],
    stores: Stores,
    clock: float,
) -> LaneChoice:
    each = forecast(contract, lanes, counts)
    area = estimate(contract, board, lanes, stores)
    return LaneChoice(lanes, area, float(np.mean(each)), float(np.max(each)), clock)


def _doubled(
    contract: NetworkContract, board: str, counts: Counts, found: LaneChoice, stores: Stores
) -> Iterator[LaneChoice]:
    for name, count in found.lanes.items():
        if 2 * count <= min(MOST, contract.populations[name].n):
            lanes = {**found.lanes, name: 2 * count}
            yield _choice(contract, board, counts, lanes, stores, found.clock)


def _lacking(choice: LaneChoice, cells: int | None) -> str:
    """What a choice has too little of; empty where it fits."""
    if choice.area.short:
        return choice.area.said()
    used = choice.area.used[CELLS]
    return f"{used:,} cells, more than {cells:,}" if cells is not None and used > cells else ""


def _gain(before: LaneChoice, after: LaneChoice) -> float:
    """Clocks saved for each cell more."""
    more = max(1, after.area.used[CELLS] - before.area.used[CELLS])
    return (before.clocks - after.clocks) / more
