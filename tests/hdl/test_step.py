"""The step circuit equals the contract's step: every option, corners and random states."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from lifstone.golden import Contract, Decay, Drive, Reset, Rounding
from lifstone.golden.contract import IntState, step
from lifstone.golden.fixed import limits
from lifstone.hdl.step import LifStep, parameters, state_layout
from tests.hdl.contracts import DECAYS, options, random_contract

VECTORS = 40


def corners_and_random(
    rng: np.random.Generator, low: int, high: int, n: int, extra: np.ndarray | None = None
) -> np.ndarray:
    """Extremes, what lies around zero, and values from the whole range."""
    fixed = np.array([low, high, 0, -1, 1, low + 1, high - 1], dtype=np.int64)
    chosen = np.where(rng.random(n) < 0.4, rng.choice(fixed, n), rng.integers(low, high + 1, n))
    if extra is not None:
        chosen = np.where(rng.random(n) < 0.3, extra, chosen)
    return np.clip(chosen, low, high)


def draw(rng: np.random.Generator, c: Contract) -> tuple[IntState, np.ndarray]:
    """A state and a sum of weights for each neuron; many near the threshold."""
    low, high = limits(c.width)
    near = None if c.threshold is None else c.threshold + rng.integers(-2, 3, c.n)
    u = corners_and_random(rng, low, high, c.n, near)
    i = np.zeros(c.n, np.int64)
    if c.has_synapse:
        i = corners_and_random(rng, *limits(c.syn_width), c.n)
    held = "hold" in dict(state_layout(c))
    hold = rng.integers(0, int(c.hold.max()) + 1, c.n) if held else np.zeros(c.n, np.int64)
    total = corners_and_random(rng, *limits(c.acc_width), c.n)
    return IntState(u, i, hold), total


def run_circuit(c: Contract, state: IntState, total: np.ndarray) -> tuple[IntState, np.ndarray]:
    """The step circuit on each neuron's state, sum and parameters."""
    dut = LifStep(c)
    out = {k: np.zeros(c.n, np.int64) for k in ("u", "i", "hold", "spike")}
    fields = [k for k in ("u", "i", "hold") if k in dict(state_layout(c))]
    values = {p.name: p.values for p in parameters(c)}

    async def bench(ctx: object) -> None:
        for j in range(c.n):
            for k in fields:
                ctx.set(getattr(dut.state, k), int(getattr(state, k)[j]))
            for k, v in values.items():
                ctx.set(getattr(dut.numbers, k), v[j])
            ctx.set(dut.total, int(total[j]))
            await ctx.delay(1e-9)
            for k in fields:
                out[k][j] = ctx.get(getattr(dut.after, k))
            out["spike"][j] = ctx.get(dut.spike)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    return IntState(out["u"], out["i"], out["hold"]), out["spike"].astype(bool)


def assert_equal(c: Contract, state: IntState, total: np.ndarray) -> IntState:
    expected, spikes = step(c, state, total)
    got, fired = run_circuit(c, state, total)
    np.testing.assert_array_equal(fired, spikes)
    np.testing.assert_array_equal(got.u, expected.u)
    np.testing.assert_array_equal(got.i, expected.i)
    np.testing.assert_array_equal(got.hold, expected.hold)
    return expected


def visited(c: Contract, state: IntState, total: np.ndarray, after: IntState) -> Counter[str]:
    """Which corners the vectors reached, as the contract tells it."""
    low, high = limits(c.width)
    _, spikes = step(c, state, total)
    free = state.hold == 0
    found = Counter(
        spike=int(spikes.sum()),
        held=int((~free).sum()),
        top=int((after.u == high).sum()),
        bottom=int((after.u == low).sum()),
    )
    if c.has_synapse:
        found["i_top"] = int((after.i == limits(c.syn_width)[1]).sum())
        found["i_bottom"] = int((after.i == limits(c.syn_width)[0]).sum())
    if c.threshold is not None:
        unlimited = replace(c, threshold=None)
        reached = step(unlimited, state, total)[0].u
        found["at_threshold"] = int((free & (reached == c.threshold)).sum())
        found["just_above"] = int((free & (reached == c.threshold + 1)).sum())
    return found


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("mem", DECAYS)
def test_every_combination_of_options(rounding: Rounding, mem: str) -> None:
    seen: Counter[str] = Counter()
    combinations = [o for o in options() if o[0] is rounding and o[1] == mem]
    assert len(combinations) == 21
    for k, chosen in enumerate(combinations):
        rng = np.random.default_rng([k, list(Rounding).index(rounding), DECAYS.index(mem)])
        c = random_contract(rng, VECTORS, chosen)
        state, total = draw(rng, c)
        seen += visited(c, state, total, assert_equal(c, state, total))
    # A set of vectors that never met these would prove little.
    for corner in ("spike", "held", "top", "bottom", "i_top", "i_bottom"):
        assert seen[corner] >= 5, (corner, seen)


def plain(**changes: object) -> Contract:
    """Eight bits, no leak, no synapse, threshold 20; one neuron for each threshold."""
    n = int(changes.pop("n", 4))

    def full(value: int) -> np.ndarray:
        return np.full(n, value, np.int64)

    values: dict[str, object] = {
        "n": n, "width": 8, "fraction": 4, "syn_width": 0, "weight_width": 6, "weight_shift": 0,
        "acc_width": 10, "decay_mem": None, "decay_syn": None, "drive": Drive.NEW, "couple": None,
        "couple_fraction": 0, "threshold": full(20), "reset": Reset.SET, "u_reset": full(-3),
        "u_drop": full(25), "u_init": full(0), "hold": full(0), "bias": full(0),
        "rounding": Rounding.FLOOR, "lsb": np.ones(n), "i_lsb": np.ones(n), "v_rest": np.zeros(n),
    }  # fmt: skip
    return Contract(**(values | changes))  # type: ignore[arg-type]


def states(u: list[int], hold: list[int] | None = None) -> IntState:
    zero = np.zeros(len(u), np.int64)
    return IntState(np.array(u), zero, zero if hold is None else np.array(hold))


def test_the_threshold_itself_does_not_fire() -> None:
    c = plain()
    got, fired = run_circuit(c, states([20, 21, 0, 0]), np.array([0, 0, 20, 21]))
    assert fired.tolist() == [False, True, False, True]
    assert got.u.tolist() == [20, -3, 20, -3]


def test_sums_beyond_the_word_saturate_instead_of_wrapping() -> None:
    c = plain(threshold=None)
    got, _ = run_circuit(c, states([127, -128, 127, -128]), np.array([1, -1, 511, -512]))
    assert got.u.tolist() == [127, -128, 127, -128]


def test_a_subtracting_reset_saturates_at_the_bottom() -> None:
    c = plain(reset=Reset.SUBTRACT, u_drop=np.array([25, 255, 200, 0]))
    got, fired = run_circuit(c, states([30, 21, 100, 21]), np.zeros(4, np.int64))
    assert fired.all()
    assert got.u.tolist() == [5, -128, -100, 21]


def test_refractory_steps_hold_u_and_count_to_zero() -> None:
    c = plain(hold=np.array([3, 3, 3, 3]))
    got, fired = run_circuit(c, states([50, 50, 50, 50], [3, 2, 1, 0]), np.full(4, 60))
    assert fired.tolist() == [False, False, False, True]
    assert got.u.tolist() == [50, 50, 50, -3]
    assert got.hold.tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.FLOOR, [0, 1, -1, -2]),
        (Rounding.NEAREST, [1, 2, 0, -1]),
        (Rounding.EVEN, [0, 2, 0, -2]),
        (Rounding.ZERO, [0, 1, 0, -1]),
    ],
)
def test_halves_round_as_named(rounding: Rounding, expected: list[int]) -> None:
    half = Decay(np.full(4, 1), 1)
    c = plain(threshold=None, rounding=rounding, decay_mem=half)
    got, _ = run_circuit(c, states([1, 3, -1, -3]), np.zeros(4, np.int64))
    assert got.u.tolist() == expected


def test_parameters_are_read_neuron_by_neuron() -> None:
    c = plain(bias=np.array([1, 2, 3, 4]), threshold=np.array([0, 5, 2, 9]))
    got, fired = run_circuit(c, states([0, 0, 0, 0]), np.zeros(4, np.int64))
    assert fired.tolist() == [True, False, True, False]
    assert got.u.tolist() == [-3, 2, -3, 4]
