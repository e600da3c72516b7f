"""The integer step: its order by hand, case by case, and a second reading in plain integers."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import Contract, Decay, Drive, InvalidValue, Reset, Rounding
from lifstone.golden.contract import initial_state, step
from tests.golden.test_fixed import rounded
from tests.networks import random_quantised


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def half(fraction: int = 4) -> Decay:
    """A decay by one half."""
    return Decay(ints(1 << (fraction - 1)), fraction)


def contract(**changes: Any) -> Contract:
    """One neuron: 8 bits, decay 1/2, threshold 20, set to 0, no synapse."""
    given: dict[str, Any] = {
        "n": 1,
        "width": 8,
        "fraction": 4,
        "syn_width": 0,
        "weight_width": 8,
        "weight_shift": 0,
        "acc_width": 9,
        "decay_mem": half(),
        "decay_syn": None,
        "drive": Drive.NEW,
        "couple": None,
        "couple_fraction": 0,
        "threshold": ints(20),
        "reset": Reset.SET,
        "u_reset": ints(0),
        "u_drop": ints(20),
        "u_init": ints(0),
        "hold": ints(0),
        "bias": ints(0),
        "rounding": Rounding.NEAREST,
        "lsb": np.array([0.5]),
        "i_lsb": np.array([0.25]),
        "v_rest": np.array([-1.0]),
    }
    return Contract(**{**given, **changes})


SYN = {"syn_width": 8, "decay_syn": Decay(ints(12), 4)}


def run(c: Contract, totals: list[int]) -> tuple[list[int], list[int], list[int]]:
    """``u``, ``i`` and spikes of one neuron after each step."""
    state = initial_state(c)
    rows = []
    for total in totals:
        state, fired = step(c, state, ints(total))
        rows.append((int(state.u[0]), int(state.i[0]), int(fired[0])))
    u, i, spikes = zip(*rows, strict=True)
    return list(u), list(i), list(spikes)


def test_input_is_shifted_then_biased() -> None:
    u, _, _ = run(contract(weight_shift=2, bias=ints(3), decay_mem=None), [1, -2, 0])
    assert u == [7, 2, 5]


def test_leak_comes_before_the_input() -> None:
    # (10 / 2) + 6, not (10 + 6) / 2.
    assert run(contract(), [10, 6])[0] == [10, 11]


def test_compare_is_strictly_above() -> None:
    c = contract(decay_mem=None)
    assert run(c, [20])[2] == [0]
    assert run(c, [21])[2] == [1]
    assert run(c, [20, 1])[2] == [0, 1]


def test_compare_looks_at_the_integrated_potential() -> None:
    # 20 held over would fire with 1 more, but leaks to 10 first.
    assert run(contract(), [20, 10, 11])[2] == [0, 0, 1]


def test_set_reset_forgets_and_subtract_keeps_the_excess() -> None:
    assert run(contract(u_reset=ints(-5)), [33, 0])[0] == [-5, -2]
    assert run(contract(reset=Reset.SUBTRACT), [33, 0])[0] == [13, 7]
    # One spike a step, even where what is left exceeds the threshold.
    u, _, spikes = run(contract(reset=Reset.SUBTRACT, decay_mem=None), [70, 0, 0, 0])
    assert (u, spikes) == ([50, 30, 10, 10], [1, 1, 1, 0])


def test_a_spike_holds_the_membrane_for_so_many_steps() -> None:
    c = contract(hold=ints(2), u_reset=ints(4))
    u, _, spikes = run(c, [21, 100, 100, 100])
    # Held in two steps whose input is lost; free again in the third.
    assert spikes == [1, 0, 0, 1]
    assert u == [4, 4, 4, 4]
    u, _, spikes = run(c, [21, 100, 100, 10])
    assert (u[-1], spikes[-1]) == (12, 0)


def test_a_held_subtracting_neuron_above_threshold_waits() -> None:
    u, _, spikes = run(contract(hold=ints(1), reset=Reset.SUBTRACT, decay_mem=None), [50, 0, 0])
    assert (u, spikes) == ([30, 30, 10], [1, 0, 1])


def test_the_synapse_decays_and_adds_also_while_held() -> None:
    c = contract(**SYN, hold=ints(2), decay_mem=None)
    u, i, spikes = run(c, [24, 8, 0, 0])
    # i: 24, 18 + 8, 19.5 -> 20, 15; the membrane takes it up in the last step only.
    assert i == [24, 26, 20, 15]
    assert u == [0, 0, 0, 15]
    assert spikes == [1, 0, 0, 0]


def test_drive_new_old_and_blend() -> None:
    totals = [8, 0, 4]
    base = {**SYN, "decay_mem": None, "threshold": ints(100)}
    # i: 8, 6, 4.5 -> 5 (half up) + 4 = 9.
    u, i, _ = run(contract(**base, drive=Drive.NEW), totals)
    assert (i, u) == ([8, 6, 9], [8, 14, 23])
    assert run(contract(**base, drive=Drive.OLD), totals)[0] == [0, 8, 14]
    # new + round(old 5/4): 8, 6 + 10, 9 + 7.5 -> 8.
    blend = contract(**base, drive=Drive.BLEND, couple=ints(5), couple_fraction=2)
    assert run(blend, totals)[0] == [8, 24, 41]


@pytest.mark.parametrize(
    ("rounding", "positive", "negative"),
    [("floor", 2, -3), ("nearest", 3, -2), ("even", 2, -2), ("zero", 2, -2)],
)
def test_every_rounding_of_a_half(rounding: str, positive: int, negative: int) -> None:
    c = contract(rounding=Rounding(rounding))
    assert run(c, [5, 0])[0][1] == positive
    assert run(c, [-5, 0])[0][1] == negative
    # The shift decay rounds what it takes away: 5 - round(2.5).
    c = contract(rounding=Rounding(rounding), decay_mem=Decay(shift=1))
    assert run(c, [5, 0])[0][1] == 5 - positive
    assert run(c, [-5, 0])[0][1] == -5 - negative


def test_shift_decay_by_hand() -> None:
    c = contract(decay_mem=Decay(shift=2), rounding=Rounding.FLOOR, threshold=ints(126))
    # 100 - 25, 75 - 18, 57 - 14; below zero the floor takes more away: -100 + 25, -75 + 19.
    assert run(c, [100, 0, 0, 0])[0] == [100, 75, 57, 43]
    assert run(c, [-100, 0, 0])[0] == [-100, -75, -56]
    # It stalls where the shift takes nothing; towards minus infinity it always takes one.
    assert run(c, [3, 0, 0])[0] == [3, 3, 3]
    assert run(c, [-3, 0, 0, 0])[0] == [-3, -2, -1, 0]


def test_decay_factors() -> None:
    assert Decay(ints(3, 16), 4).factor().tolist() == [3 / 16, 1.0]
    assert Decay(shift=3).factor().tolist() == [7 / 8]
    assert run(contract(decay_mem=Decay(ints(16), 4)), [7, 0, 0])[0] == [7, 7, 7]
    assert run(contract(decay_mem=Decay(ints(0), 4)), [7, 0, 3])[0] == [7, 0, 3]


def test_saturation_at_both_rails() -> None:
    c = contract(decay_mem=None, threshold=ints(126))
    assert run(c, [126, 1])[2] == [0, 1]
    assert run(c, [100, 100])[2] == [0, 1]
    assert run(c, [-100, -100, 1])[0] == [-100, -128, -127]
    silent = contract(decay_mem=None, threshold=None)
    assert run(silent, [100, 100, -1])[0] == [100, 127, 126]
    c = contract(**SYN, threshold=None, decay_mem=None)
    assert run(c, [100, 100, -300])[1] == [100, 127, -128]
    # A drop saturates as well; the potential compared is the saturated one.
    c = contract(reset=Reset.SUBTRACT, decay_mem=None, u_drop=ints(255), threshold=ints(-100))
    assert run(c, [100, 0])[0] == [-128, -128]
    c = contract(reset=Reset.SUBTRACT, decay_mem=None)
    assert run(c, [300])[0] == [107]


def test_a_readout_integrates_and_never_fires() -> None:
    assert run(contract(threshold=None), [100, 100])[2] == [0, 0]
    assert run(contract(threshold=None), [100, 0])[0] == [100, 50]


def test_initial_state_and_volts() -> None:
    c = contract(u_init=ints(6))
    assert run(c, [0])[0] == [3]
    state = initial_state(c, (2, 3))
    assert state.u.shape == state.i.shape == state.hold.shape == (2, 3, 1)
    assert np.all(state.u == 6)
    assert c.volts(ints(6)).tolist() == [2.0]
    assert not c.has_synapse
    assert contract(**SYN).has_synapse


def plain_step(c: Contract, j: int, u: int, i: int, hold: int, total: int) -> tuple[int, ...]:
    """The contract's six lines for neuron ``j``, read again with exact fractions."""

    def sat(x: int, width: int) -> int:
        return min(max(x, -(2 ** (width - 1))), 2 ** (width - 1) - 1)

    def decay(d: Decay | None, s: int) -> int:
        if d is None:
            return s
        if d.shift is not None:
            return s - rounded(Fraction(s, 2**d.shift), c.rounding)
        assert d.coefficient is not None
        return rounded(Fraction(s * int(d.coefficient[j]), 2**d.fraction), c.rounding)

    x = total * 2**c.weight_shift + int(c.bias[j])
    new = sat(decay(c.decay_syn, i) + x, c.syn_width) if c.has_synapse else x
    drive = i if c.drive is Drive.OLD else new
    if c.couple is not None:
        drive += rounded(Fraction(i * int(c.couple[j]), 2**c.couple_fraction), c.rounding)
    after = u if hold else sat(decay(c.decay_mem, u) + drive, c.width)
    kept = new if c.has_synapse else i
    if c.threshold is None:
        return after, kept, hold, 0
    if hold or after <= int(c.threshold[j]):
        return after, kept, max(hold - 1, 0), 0
    reset = int(c.u_reset[j]) if c.reset is Reset.SET else sat(after - int(c.u_drop[j]), c.width)
    return reset, kept, int(c.hold[j]), 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), strong=st.booleans(), old=st.booleans())
def test_step_equals_a_second_reading(seed: int, strong: bool, old: bool) -> None:
    rng = np.random.default_rng(seed)
    for c in random_quantised(seed).contract.populations.values():
        if old and c.has_synapse:
            c = replace(c, drive=Drive.OLD, couple=None)
        # Totals up to several thresholds, or far beyond the rails.
        reach = max(1, (1 << (c.width + 1 if strong else c.fraction)) >> c.weight_shift)
        state = initial_state(c)
        plain = [(int(c.u_init[j]), 0, 0, 0) for j in range(c.n)]
        for _ in range(25):
            total = rng.integers(-reach, reach + 1, c.n)
            state, fired = step(c, state, total)
            plain = [plain_step(c, j, *plain[j][:3], int(total[j])) for j in range(c.n)]
            columns = [list(x) for x in zip(*plain, strict=True)]
            got = (state.u, state.i, state.hold, fired.astype(int))
            assert [a.tolist() for a in got] == columns


def test_the_second_reading_meets_every_option() -> None:
    """The property above is worth what its draws are: all modes must occur among them."""
    seen: set[Any] = set()
    for seed in range(60):
        for c in random_quantised(seed).contract.populations.values():
            seen |= {c.rounding, c.reset, c.drive, c.threshold is None, c.has_synapse}
            seen |= {("shift", c.decay_mem is not None and c.decay_mem.shift is not None)}
            seen |= {("hold", bool(c.hold.any()))}
    wanted = {*Rounding, *Reset, *Drive, True, False, ("shift", True), ("shift", False)}
    wanted |= {("hold", True), ("hold", False)}
    assert seen >= wanted - {Drive.OLD}  # which the property sets itself


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, "n = 0: allowed is at least 1"),
        ({"width": 1}, "width = 1: allowed is 2 to 32 bits"),
        ({"width": 33}, "width = 33"),
        ({"fraction": 8}, "fraction = 8: allowed is 0 to width - 1"),
        ({"fraction": -1}, "fraction = -1"),
        ({**SYN, "syn_width": 1}, "syn_width = 1: allowed is 0 or 2 to 32 bits"),
        ({**SYN, "syn_width": 33}, "syn_width = 33"),
        ({"syn_width": 8}, "decay_syn = None: allowed is a decay exactly where syn_width > 0"),
        ({"decay_syn": half()}, "decay_syn = .*exactly where"),
        ({"weight_width": 0}, "weight_width = 0: allowed is 1 to 24 bits"),
        ({"weight_width": 25}, "weight_width = 25"),
        ({"weight_shift": -1}, "weight_shift = -1: allowed is 0 to 31"),
        ({"weight_shift": 32}, "weight_shift = 32"),
        ({"acc_width": 0}, "acc_width = 0: allowed is 1 to 40 bits"),
        ({"acc_width": 39, "weight_shift": 2}, "acc_width = 39: allowed is 1 to 38 bits"),
        ({**SYN, "drive": Drive.BLEND}, "couple = None: allowed is set for Drive.BLEND"),
        ({"couple": ints(1)}, "couple = .*set for Drive.BLEND"),
        (
            {**SYN, "drive": Drive.BLEND, "couple": ints(1), "couple_fraction": 25},
            "couple_fraction = 25: allowed is 0 to 24",
        ),
        ({"threshold": ints(127)}, r"threshold\[0\] = 127: allowed is <= 126"),
        ({"threshold": ints(-129)}, r"threshold\[0\] = -129: allowed is -128 to 127"),
        ({"u_reset": ints(128)}, r"u_reset\[0\] = 128: allowed is -128 to 127"),
        ({"u_init": ints(-129)}, r"u_init\[0\] = -129"),
        ({"u_drop": ints(-1)}, r"u_drop\[0\] = -1: allowed is 0 to 255"),
        ({"u_drop": ints(256)}, r"u_drop\[0\] = 256"),
        ({"hold": ints(-1)}, r"hold\[0\] = -1: allowed is 0 to 65535 steps"),
        ({"hold": ints(65536)}, r"hold\[0\] = 65536"),
        *(
            ({name: ints(1, 2)}, rf"{name} = \[2\]: allowed is 1 values")
            for name in ("threshold", "u_reset", "u_drop", "u_init", "hold", "bias", "lsb")
        ),
        ({"decay_mem": Decay(ints(1, 2), 4)}, r"decay_mem = \[2\]: allowed is 1 values"),
        ({"syn_width": 8, "decay_syn": Decay(ints(1, 2), 4)}, r"decay_syn = \[2\]"),
    ],
)
def test_wrong_contracts(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        contract(**changes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "either a coefficient or a shift"),
        ({"coefficient": ints(1), "fraction": 4, "shift": 1}, "either a coefficient or a shift"),
        ({"shift": 0}, "decay.shift = 0: allowed is 1 to 31"),
        ({"shift": 32}, "decay.shift = 32"),
        ({"coefficient": ints(0), "fraction": 0}, "decay.fraction = 0: allowed is 1 to 24"),
        ({"coefficient": ints(0), "fraction": 25}, "decay.fraction = 25"),
        ({"coefficient": ints(3, 17), "fraction": 4}, "decay.coefficient = 17: allowed is 0 to 16"),
        ({"coefficient": ints(-1), "fraction": 4}, "decay.coefficient = -1"),
    ],
)
def test_wrong_decays(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Decay(**values)


def test_widest_words_do_not_overflow() -> None:
    """32-bit states times 24-bit fractions, 40-bit inputs: all inside int64."""
    top = 2**31 - 1
    c = contract(
        width=32,
        fraction=20,
        syn_width=32,
        decay_syn=Decay(ints(1 << 24), 24),
        decay_mem=Decay(ints((1 << 24) - 1), 24),
        threshold=None,
        drive=Drive.BLEND,
        couple=ints(1 << 24),
        couple_fraction=24,
        weight_shift=8,
        acc_width=32,
    )
    u, i, _ = run(c, [top, top, -top, -top])
    assert i == [top, top, -(2**31), -(2**31)]
    second = min(top, math.floor(top * (1 - 2.0**-24) + 0.5) + 2 * top)
    assert u[:2] == [top, second]
