"""The arithmetic of Loihi, SpiNNaker, TrueNorth and ODIN."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ....golden import Lif
from ....golden.cell import Cell
from ....golden.platforms.cells import LoihiCell, SpinnakerCell, TrueNorthCell
from ....golden.platforms.event_unit import EventContract, run_events
from ....golden.platforms.events import EventCell, OdinEvents, TrueNorthEvents
from ....golden.platforms.loihi import LoihiPopulation, weight_words
from ....golden.platforms.odin import OdinPopulation
from ....golden.platforms.spinnaker import SpinnakerPopulation
from ....golden.platforms.truenorth import ResetMode, TrueNorthPopulation
from ....golden.unit import Projection, UnitContract
from ....hdl import platforms as _registers_the_logic  # noqa: F401
from ....hdl.platforms.event_top import generate_events
from ..soak_case import Case, unit_case

__all__ = ["CASES", "CONTRACTS"]

N, LINES = 64, 8


def _unit(cell: Cell, weight: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> UnitContract:
    return UnitContract(cell, {"x": LINES}, (Projection("x", "input", weight),), "p")


WRAPS = np.arange(N) % 16 == 0
"""Neurons whose words end."""
TIES = np.arange(N) % 16 == 1
"""Neurons that forget at once, so that their potential often is the threshold itself."""


def _loihi() -> UnitContract:
    rng = np.random.default_rng(1)
    population = LoihiPopulation(
        N, np.where(TIES, 4095, rng.integers(200, 3000, N)),
        np.where(TIES, 4096, rng.integers(50, 1000, N)),
        np.where(TIES, 1 << 18, rng.integers(3000, 8000, N) << 6),
        np.where(TIES, 0, rng.integers(-100, 100, N) << 6),
        v_min=-250_000,
        v_max=490_000,  # below a few thresholds: there the upper rail can be seen
        refract_delay=rng.integers(1, 4, N),
    )  # fmt: skip
    size = np.where(WRAPS, 500_000.0, 60_000.0)[:, None]
    drawn = rng.normal(0.3, 1.0, (N, LINES)).clip(-3, 3) * size
    whole = rng.choice([-(2.0**17), 2.0**17, 2.0**18], (N, LINES))
    drawn[WRAPS, :4] = 700_000.0  # four of them wrap in 22 bits
    return _unit(LoihiCell(population), weight_words(np.where(TIES[:, None], whole, drawn), 7))


def _spinnaker(synapse: bool) -> UnitContract:
    rng = np.random.default_rng(2)
    lif = Lif(
        tau_mem=np.where(TIES, 1e-6, rng.uniform(5e-3, 40e-3, N)), v_leak=-0.065,
        v_th=np.where(TIES, -0.05, rng.uniform(-0.055, -0.045, N)),
        v_reset=rng.uniform(-0.08, -0.06, N), t_ref=rng.integers(0, 4, N) * 1e-3,
        tau_syn=np.where(TIES, 1e-6, rng.uniform(1e-3, 8e-3, N)) if synapse else None, n=N,
    )  # fmt: skip
    size = np.where(WRAPS, 30_000.0, 30.0)[:, None]
    drawn = rng.normal(0.3, 1.0, (N, LINES)) * size
    whole = rng.choice([-5.0, 5.0, 10.0, 15.0], (N, LINES))
    weight = np.rint(np.where(TIES[:, None], whole, drawn) * 2**15).astype(np.int64)
    return _unit(SpinnakerCell(SpinnakerPopulation(lif, 1e-3), acc_width=36), weight)


def _truenorth(
    synapses: bool, reset: ResetMode, *, reversal: bool = False, saturates: bool = True
) -> TrueNorthPopulation:
    rng = np.random.default_rng(3)
    top = 12 if synapses else 400
    return TrueNorthPopulation(
        N, rng.integers(4, top, N), leak=rng.integers(-30, 30, N), beta=rng.integers(0, top, N),
        mask=3 if synapses else 31, reset_value=-2, seed=77, stochastic_leak=True,
        stochastic_synapses=synapses, reset=reset, leak_reversal=reversal,
        negative_saturates=saturates,
    )  # fmt: skip


def _north(population: TrueNorthPopulation) -> UnitContract:
    weight = np.random.default_rng(4).integers(-120, 200, (N, LINES))
    return _unit(TrueNorthCell(population), weight)


def _odin(tiny: bool) -> EventContract:
    rng = np.random.default_rng(5)
    population = OdinPopulation(N, rng.integers(1, 40, N), rng.integers(0, 4, N), tiny)
    weight = rng.integers(-7, 8, (N, LINES))
    return _events(OdinEvents(population, LINES), weight)


def _north_events() -> EventContract:
    cell = TrueNorthEvents(_truenorth(True, ResetMode.LINEAR, reversal=True), LINES)
    return _events(cell, np.random.default_rng(6).integers(-120, 200, (N, LINES)))


def _events(
    cell: EventCell, weight: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> EventContract:
    return EventContract(cell, weight, "x", "p")


def _event_case(name: str, make: Callable[[], EventContract]) -> Case:
    made = cache(make)
    return Case(
        name,
        lambda: generate_events(made(), trace=True),
        lambda: made().cell.n,
        lambda: {made().source: made().lines},
        lambda spikes, steps: {made().name: run_events(made(), spikes)},
        lambda spikes, traces, difference: "",
        bare=lambda: generate_events(made()),
    )


CONTRACTS: dict[str, Callable[[], UnitContract | EventContract]] = {
    "loihi": _loihi,
    "spinnaker_delta": lambda: _spinnaker(False),
    "spinnaker_exponential": lambda: _spinnaker(True),
    "truenorth_normal": lambda: _north(_truenorth(False, ResetMode.NORMAL, reversal=True)),
    "truenorth_linear": lambda: _north(_truenorth(False, ResetMode.LINEAR, saturates=False)),
    "truenorth_synapses": _north_events,
    "odin": lambda: _odin(False),
    "tinyodin": lambda: _odin(True),
}
"""What each case builds."""


def _case(name: str) -> Case:
    made = cache(CONTRACTS[name])
    first = made()
    if isinstance(first, EventContract):
        return _event_case(name, lambda: first)
    return unit_case(name, lambda: first)


CASES = tuple(_case(name) for name in CONTRACTS)
