"""The Loihi contract equals nengo-loihi's emulator, state for state and spike for spike."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.platforms.loihi import LoihiPopulation, from_lif, weight_words, wrap
from lifstone.golden.platforms.profile import PlatformNetwork, Projection, run_platform

HERE = Path(__file__).parent


def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_loihi", HERE / "record_loihi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare(p: dict[str, np.ndarray]) -> int:
    """Every state and spike; returns how many spikes there were."""
    n, lines = p["weight_in"].shape
    names = ("decay_u", "decay_v", "v_th", "bias", "refract_delay")
    population = LoihiPopulation(n, **{k: p[k] for k in names}, v_min=int(p["v_min"]))
    state = population.start()
    steps = len(p["spikes_in"])
    before = np.zeros(n, dtype=np.int64)
    for k in range(steps):
        # An input spike takes one step to arrive, as a neuron's does.
        came = np.flatnonzero(p["spikes_in"][k - 1]) if k else np.zeros(0, dtype=np.int64)
        back = np.flatnonzero(before)
        arrived = np.concatenate([p["weight_in"].T[came], p["weight_back"].T[back]])
        state, before = population.advance(state, arrived.astype(np.int64))
        for name, got in (("u", state.u), ("v", state.v), ("spikes", before)):
            np.testing.assert_array_equal(got, p[name][k], err_msg=f"step {k}, {name}")
    net = PlatformNetwork(
        {"in": lines},
        {"a": population},
        [
            Projection("in", "a", p["weight_in"].astype(np.int64)),
            Projection("a", "a", p["weight_back"].astype(np.int64)),
        ],
    )
    trace = run_platform(net, {"in": p["spikes_in"]})["a"]
    np.testing.assert_array_equal(trace.v, p["v"])
    np.testing.assert_array_equal(trace.spikes, p["spikes"])
    return int(before.sum() + trace.spikes.sum())


@pytest.mark.parametrize("seed", range(8))
def test_loihi_equals_the_recorded_emulator(seed: int) -> None:
    with np.load(HERE / "loihi.npz") as archive:
        p = {k.partition("_")[2]: archive[k] for k in archive.files if k.startswith(f"{seed}_")}
    assert compare(p) > 20


def test_loihi_equals_the_emulator_where_it_is_installed() -> None:
    pytest.importorskip("nengo_loihi", reason="nengo-loihi is not installed")
    module = recorder()
    for seed in range(100, 110):
        p = module.network(seed)
        assert compare({**p, **module.emulate(p)}) >= 0


def test_loihi_words_wrap_and_decay_towards_zero() -> None:
    assert wrap(np.array([2**23, -(2**23) - 1, 5]), 24).tolist() == [-(2**23), 2**23 - 1, 5]
    population = LoihiPopulation(1, 4095, 1, 64)
    state = population.start()
    state, _ = population.advance(state, np.array([[-50]]))
    assert state.v.tolist() == [-50]
    state, _ = population.advance(state, np.zeros((0, 1), np.int64))
    assert state.v.tolist() == [-49]


def test_loihi_weights_have_even_mantissas() -> None:
    assert weight_words([64.0 * 3, -64.0 * 5], 0).tolist() == [64 * 4, -64 * 4]
    assert weight_words([100.0], -6).tolist() == [100]
    with pytest.raises(InvalidValue, match="at most 254 at exponent -6"):
        weight_words([1000.0], -6)
    with pytest.raises(InvalidValue, match="exponent = 9"):
        weight_words([1.0], 9)


def test_loihi_population_of_a_lif_fires_at_its_rate() -> None:
    lif = Lif(tau_mem=20e-3, r=1.0, v_leak=-0.065, v_th=-0.05, v_reset=-0.065, t_ref=2e-3)
    population, volts, amperes = from_lif(lif, 1e-3)
    assert volts * population.v_th[0] == pytest.approx(0.015, rel=1e-4)
    drive = round(0.03 / amperes[0])
    state, count = population.start(), 0
    for _ in range(2000):
        state, fired = population.advance(state, np.array([[drive]]))
        count += int(fired[0])
    period = 2e-3 + 20e-3 * np.log(2.0)
    assert count / 2.0 == pytest.approx(1 / period, rel=0.06)  # whole steps of 1 ms


def test_loihi_neurons_that_differ_each_get_their_own_unit() -> None:
    """Every neuron of a mixed population does what it does alone."""
    r, tau = np.array([1.0, 5.0, 0.2]), np.array([10e-3, 10e-3, 40e-3])
    syn = np.array([2e-3, 4e-3, 4e-3])
    level = np.array([0.01, 0.01, 0.02])
    lif = Lif(tau_mem=tau, r=r, tau_syn=syn, v_th=level, n=3)
    mixed, volts, amperes = from_lif(lif, 1e-3)
    assert amperes.shape == (3,)
    for j in range(3):
        one = Lif(tau_mem=tau[j], r=r[j], tau_syn=syn[j], v_th=level[j])
        alone, unit, ampere = from_lif(one, 1e-3, int(mixed.v_th[j]))
        assert unit == pytest.approx(volts, rel=1e-4)
        assert ampere[0] == pytest.approx(amperes[j], rel=1e-4)
        assert (alone.decay_u[0], alone.decay_v[0]) == (mixed.decay_u[j], mixed.decay_v[j])
    # Half the threshold's current leads each to half its threshold.
    state = mixed.start()
    drive = np.rint(level / r / 2 / amperes).astype(np.int64)
    for _ in range(400):
        state, fired = mixed.advance(state, drive[None, :])
        assert not fired.any()
    np.testing.assert_allclose(volts * state.v, level / 2, rtol=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decay_u": 4096}, r"decay_u\[0\] = 4096: allowed is 0 to 4095"),
        ({"decay_v": -1}, r"decay_v\[0\] = -1"),
        ({"v_th": 2**24}, r"v_th\[0\] = 16777216"),
        ({"bias": [1, 2, 3]}, r"bias = \[3\]: allowed is one or 2 whole numbers"),
        ({"bias": 0.5}, "bias = 0.5"),
        ({"refract_delay": 0}, r"refract_delay\[0\] = 0: allowed is 1 to 63"),
        ({"v_min": 1}, "24-bit rails"),
        ({"n": 0}, "n = 0"),
    ],
)
def test_wrong_loihi_populations(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        LoihiPopulation(**{"n": 2, "decay_u": 1, "decay_v": 1, "v_th": 64, **arguments})


def test_wrong_lif_for_loihi() -> None:
    with pytest.raises(InvalidValue, match="the resting potential"):
        from_lif(Lif(tau_mem=1e-2, v_reset=-0.5), 1e-3)
    with pytest.raises(InvalidValue, match="v_th = inf: allowed is finite"):
        from_lif(Lif(tau_mem=1e-2, v_th=np.inf), 1e-3)
    with pytest.raises(InvalidValue, match="reset = 'subtract': allowed is set"):
        from_lif(Lif(tau_mem=1e-2, reset="subtract"), 1e-3)
    with pytest.raises(InvalidValue, match=r"v_reset\[1\] = -0.5"):
        from_lif(Lif(tau_mem=1e-2, v_reset=[0.0, -0.5], n=2), 1e-3)
