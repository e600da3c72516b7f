"""TrueNorth, SpiNNaker, ODIN and BrainScaleS against a second, scalar reading of their rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.platforms.brainscales import BrainscalesPopulation, Spread, weight_words
from lifstone.golden.platforms.odin import OdinPopulation
from lifstone.golden.platforms.profile import PlatformNetwork, Projection, run_platform
from lifstone.golden.platforms.spinnaker import SpinnakerPopulation, s1615
from lifstone.golden.platforms.truenorth import ResetMode, TrueNorthPopulation, galois16
from lifstone.golden.systems.platforms import SYSTEM, Parameters


def clamp(x: int, low: int, high: int) -> int:
    return min(max(x, low), high)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_platform_truenorth_reads_as_its_paper(data: st.DataObject) -> None:
    leak = data.draw(st.integers(-256, 255))
    alpha, beta = data.draw(st.integers(1, 400)), data.draw(st.integers(0, 400))
    mask = data.draw(st.sampled_from([0, 0, 7, 255]))
    value = data.draw(st.integers(-256, 255))
    mode = data.draw(st.sampled_from(ResetMode))
    flags = [data.draw(st.booleans()) for _ in range(4)]
    reversal, saturates, leaky, chancy = flags
    seed = data.draw(st.integers(1, 1000))
    p = TrueNorthPopulation(
        1, alpha, leak=leak, beta=beta, mask=mask, reset_value=value, reset=mode,
        leak_reversal=reversal, negative_saturates=saturates, stochastic_leak=leaky,
        stochastic_synapses=chancy, seed=seed,
    )  # fmt: skip
    state, v, word = p.start(), 0, seed
    top, bottom = 2**19 - 1, -(2**19)

    def draw() -> int:
        nonlocal word
        low, word = word & 1, word >> 1
        word ^= 0xB400 if low else 0
        return word

    def sign(x: int) -> int:
        return (x > 0) - (x < 0)

    for _ in range(40):
        weights = data.draw(st.lists(st.integers(-255, 255), max_size=3))
        arrived = np.array(weights, dtype=np.int64).reshape(-1, 1)
        state, fired = p.advance(state, arrived)
        if chancy:
            for w in weights:
                v = clamp(v + (sign(w) if (draw() & 255) < abs(w) else 0), bottom, top)
        else:
            v = clamp(v + sum(weights), bottom, top)
        amount = leak
        if leaky:
            amount = sign(leak) if (draw() & 255) < abs(leak) else 0
        if reversal:
            moved = v + (amount if v >= 0 else -amount)
            if amount < 0 and (v == 0 or moved * v < 0):
                moved = 0
            v = clamp(moved, bottom, top)
        else:
            v = clamp(v + amount, bottom, top)
        eta = draw() & mask
        spike = v >= alpha + eta
        if spike:
            v = {"normal": value, "linear": v - alpha - eta, "none": v}[mode]
        elif saturates:
            v = max(v, -beta)
        elif v < -(beta + eta):
            v = {"normal": -value, "linear": v + beta + eta, "none": v}[mode]
        assert (int(state.v[0]), int(fired[0])) == (v, int(spike))


def test_platform_register_has_its_full_period() -> None:
    word, seen = np.array([1]), 0
    while True:
        word, seen = galois16(word), seen + 1
        if word[0] == 1:
            break
    assert seen == 65535


@settings(max_examples=60, deadline=None)
@given(data=st.data(), tiny=st.booleans())
def test_platform_odin_reads_as_its_hardware_description(data: st.DataObject, tiny: bool) -> None:
    theta, leak = data.draw(st.integers(1, 60)), data.draw(st.integers(0, 9))
    p = OdinPopulation(1, theta, leak, tiny)
    low, high = (-2048, 2047) if tiny else (0, 255)
    state, v = p.start(), 0
    for _ in range(30):
        weights = data.draw(st.lists(st.integers(-7, 7), max_size=6))
        state, fired = p.advance(state, np.array(weights, dtype=np.int64).reshape(-1, 1))
        count = 0
        for w in weights:
            v = clamp(v + w, low, high)
            if v >= theta:
                v, count = 0, count + 1
        v = max(v - leak, 0) if v >= 0 else min(v + leak, 0)
        if v >= theta:
            v, count = 0, count + 1
        assert (int(state[0]), int(fired[0])) == (v, count)


def test_platform_odin_may_fire_twice_in_a_step() -> None:
    p = OdinPopulation(2, 5, 0)
    _, fired = p.advance(p.start(), np.array([[5, 3], [5, 3], [1, 3]]))
    assert fired.tolist() == [2, 1]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), synapse=st.booleans(), hold=st.integers(0, 3))
def test_platform_spinnaker_reads_as_exact_fractions(
    data: st.DataObject, synapse: bool, hold: int
) -> None:
    lif = Lif(
        tau_mem=data.draw(st.floats(5e-3, 50e-3)), v_leak=-0.065, v_reset=-0.07, v_th=-0.05,
        t_ref=hold * 1e-3, tau_syn=5e-3 if synapse else None,
    )  # fmt: skip
    p = SpinnakerPopulation(lif, 1e-3)
    state = p.start()
    decay, keep = (int(p.decay(t)[0]) for t in (lif.tau_mem, np.array([5e-3])))
    v, i, wait = (-65 * 2**15), 0, 0
    for _ in range(40):
        weight = data.draw(st.integers(-(2**19), 2**21))
        state, fired = p.advance(state, np.array([[weight]]))
        i += weight
        alpha = i + (-65 * 2**15)
        new = alpha - ((alpha - v) * decay >> 32)
        spike = wait == 0 and new >= (-50 * 2**15)
        if wait == 0:
            v = new
        wait = hold if spike else max(wait - 1, 0)
        v = (-70 * 2**15) if spike else v
        i = i * keep >> 32 if synapse else 0
        assert (int(state.v[0]), int(state.i[0]), int(fired[0])) == (v, i, int(spike))


def test_platform_spinnaker_saturates() -> None:
    p = SpinnakerPopulation(Lif(tau_mem=1e-2), 1e-3, 1.0)
    state, _ = p.advance(p.start(), np.array([[2**31 - 1], [2**31 - 1]]))
    assert abs(int(state.v[0])) <= 2**31 - 1


def test_platform_brainscales_is_its_chip_and_its_trial() -> None:
    lif = Lif(tau_mem=1e-2, n=200)
    spread = Spread(0.2, 0.1, 0.2, noise=0.05)
    raw = BrainscalesPopulation(lif, 1e-3, 0.1, spread, chip=1, calibrated=False)
    same = BrainscalesPopulation(lif, 1e-3, 0.1, spread, chip=1, calibrated=False)
    other = BrainscalesPopulation(lif, 1e-3, 0.1, spread, chip=2, calibrated=False)
    tidy = BrainscalesPopulation(lif, 1e-3, 0.1, spread, chip=1)
    assert raw.circuit.tau_mem.tolist() == same.circuit.tau_mem.tolist()
    assert raw.circuit.tau_mem.tolist() != other.circuit.tau_mem.tolist()
    for name in ("tau_mem", "v_th", "r"):
        before, after = getattr(raw.circuit, name), getattr(tidy.circuit, name)
        assert np.std(after / after.mean()) < 0.05 * np.std(before / before.mean())
    arrived = np.full((1, 200), 20)
    a, _ = raw.advance(raw.start(), arrived)
    b, _ = same.advance(same.start(), arrived)
    again = BrainscalesPopulation(lif, 1e-3, 0.1, spread, chip=1, trial=1, calibrated=False)
    c, _ = again.advance(again.start(), arrived)
    assert raw.potential(a).tolist() == raw.potential(b).tolist()
    assert raw.potential(a).tolist() != raw.potential(c).tolist()


def test_platform_brainscales_without_spread_is_golden() -> None:
    from lifstone.golden import discrete

    lif = Lif(tau_mem=1e-2, tau_syn=3e-3, r=5.0)
    p = BrainscalesPopulation(lif, 1e-3, 0.2, Spread(0, 0, 0), calibrated=False)
    state, c, exact = p.start(), discrete.discretise(lif, 1e-3), discrete.initial_state(lif)
    for k in range(60):
        weight = np.array([[(k * 7) % 13]])
        state, fired = p.advance(state, weight)
        exact, wanted = discrete.step(lif, c, exact, 0.2 * weight[0])
        assert p.potential(state).tolist() == exact.v.tolist()
        assert bool(fired[0]) == bool(wanted[0])


def test_platform_weights_of_six_bits() -> None:
    got, unit = weight_words([[0.5, -1.0], [0.25, 0.0]])
    assert got.tolist() == [[32, -63], [16, 0]]
    assert unit == pytest.approx(1 / 63)


def test_platform_network_keeps_delays_and_counts() -> None:
    p = OdinPopulation(1, 1, 0)
    net = PlatformNetwork(
        {"in": 1},
        {"a": p, "b": OdinPopulation(1, 3, 0)},
        [
            Projection("in", "a", np.array([[1]]), 0),
            Projection("a", "b", np.array([[2]]), 2),
        ],
    )
    spikes = np.array([[1], [1], [0], [0], [0]])
    got = run_platform(net, {"in": spikes})
    assert got["a"].spikes[:, 0].tolist() == [1, 1, 0, 0, 0]
    assert got["b"].v[:, 0].tolist() == [0, 0, 2, 0, 0]
    assert got["b"].spikes[:, 0].tolist() == [0, 0, 0, 1, 0]


def test_platforms_system_agrees() -> None:
    result = SYSTEM.run(Parameters())
    assert result.agrees
    rates = {f.name: f.value for f in result.figures}
    assert len(rates) == 6
    assert all(rate > 50 for rate in rates.values())


def test_platforms_system_notices_a_wrong_decay(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifstone.golden.platforms import loihi

    monkeypatch.setattr(loihi, "_decay", lambda x, d: x - (x * d >> 11))
    failed = [c.name for c in SYSTEM.run(Parameters(points=3)).checks if not c.holds]
    assert any("Loihi" in name for name in failed)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TrueNorthPopulation(1, 2**18), r"alpha\[0\] = 262144"),
        (lambda: TrueNorthPopulation(1, 1, leak=300), r"leak\[0\] = 300: allowed is -256 to 255"),
        (lambda: TrueNorthPopulation(1, 1, reset="some"), "reset = 'some'"),
        (lambda: TrueNorthPopulation(1, 1, mask=1 << 16), "mask = 65536"),
        (lambda: TrueNorthPopulation(1, 1, seed=0), "seed = 0"),
        (lambda: OdinPopulation(257, 1), "n = 257: allowed is 1 to 256"),
        (lambda: OdinPopulation(1, 256), r"threshold\[0\] = 256: allowed is 1 to 255"),
        (
            lambda: OdinPopulation(1, 9).advance(np.zeros(1, np.int64), np.array([[9]])),
            "weight = 9: allowed is -7 to 7",
        ),
        (lambda: s1615(70_000.0), "within"),
        (lambda: SpinnakerPopulation(Lif(tau_mem=np.inf), 1e-3), "tau_mem = 'inf'"),
        (lambda: Spread(noise=-1.0), "noise = -1.0"),
        (lambda: weight_words([[0.0]]), "not all 0"),
        (
            lambda: PlatformNetwork({}, {"a": OdinPopulation(1, 1)},
                                    [Projection("a", "a", np.array([[1]]), 0)]),
            "a->a.delay = 0: allowed is 1 or more steps",
        ),
        (
            lambda: PlatformNetwork({}, {"a": OdinPopulation(1, 1)},
                                    [Projection("b", "a", np.array([[1]]))]),
            "b->a.pre = 'b'",
        ),
        (
            lambda: PlatformNetwork({}, {"a": OdinPopulation(1, 1)},
                                    [Projection("a", "a", np.array([[1, 2]]))]),
            r"a->a.weight = \[1, 2\]",
        ),
        (lambda: Parameters(dt=1.0), "dt = 1.0: allowed is below tau_mem"),
    ],
)  # fmt: skip
def test_wrong_platform_input(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
