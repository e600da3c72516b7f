"""Networks in the words of the platforms: units lead back, limits are seen, refusals are named."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Method, Network, run_float
from lifstone.golden.platforms.limits import met_limit
from lifstone.golden.platforms.loihi import LoihiPopulation
from lifstone.golden.platforms.mapping import BIAS, Reached
from lifstone.golden.platforms.place import PLATFORMS, Cores, map_network, profile_bits
from lifstone.golden.platforms.profile import PlatformNetwork, Projection, run_platform
from lifstone.golden.platforms.spinnaker import SpinnakerPopulation
from lifstone.golden.platforms.truenorth import TrueNorthPopulation

FAR = {"p": Reached(4.0, 4.0)}
INTEGER = [name for name in PLATFORMS if name != "brainscales"]


def one(lif: Lif, weight: np.ndarray, bias: float = 0.0, **more: object) -> Network:
    connection = Connection("x", "p", weight)
    return Network(
        1e-3, {"x": weight.shape[1]}, {"p": lif}, (connection,), ("p",),
        {"p": np.full(lif.n, bias)} if bias else {}, **more,
    )  # fmt: skip


def drive(network: Network, platform: str, spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and volts of ``p``."""
    mapped = map_network(network, platform, FAR)
    fed = {"x": spikes}
    if BIAS in mapped.inputs:
        fed[BIAS] = np.ones((len(spikes), mapped.inputs[BIAS]), np.uint8)
    trace = run_platform(mapped.net, fed)["p"]
    return trace.spikes, mapped.volts("p", trace.v)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_single_weight_comes_out_in_volts(platform: str) -> None:
    """Neurons of different gain and leak, each half way to its threshold after one spike."""
    lif = Lif(tau_mem=[10e-3, 30e-3], r=[1.0, 7.0], v_leak=[0.2, -0.1], v_th=[1.2, 0.9],
              v_reset=[0.2, -0.1], n=2)  # fmt: skip
    gain = lif.r * -np.expm1(-1e-3 / lif.tau_mem)
    network = one(lif, (0.5 / gain)[:, None])
    _, volts = drive(network, platform, np.ones((1, 1), np.uint8))
    loose = {"brainscales": 0.5, "odin": 0.06, "truenorth": 0.02}.get(platform, 2e-2)
    leaks = {"odin", "truenorth"}
    expected = run_float(network, {"x": np.ones((1, 1), np.uint8)})["p"].v
    if platform in leaks:  # of a constant: what the threshold leaks
        expected = expected - (lif.v_th - lif.v_leak) * (1 - np.exp(-1e-3 / lif.tau_mem))
    np.testing.assert_allclose(volts, expected, atol=loose)


@pytest.mark.parametrize("platform", ["loihi", "spinnaker"])
@pytest.mark.parametrize("method", list(Method))
def test_a_constant_current_ends_where_the_model_does(platform: str, method: Method) -> None:
    lif = Lif(tau_mem=10e-3, r=2.0, tau_syn=4e-3, w_in=3.0, n=1)
    network = one(lif, np.array([[0.1]]), bias=0.05, method=method)
    _, volts = drive(network, platform, np.ones((300, 1), np.uint8))
    assert volts[-1, 0] == pytest.approx(2.0 * 3.0 * 0.15, rel=5e-3)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_readouts_never_fire(platform: str) -> None:
    lif = Lif(tau_mem=10e-3, v_th=np.inf, n=2)
    spikes, volts = drive(one(lif, np.array([[8.0], [-8.0]])), platform, np.ones((40, 1), np.uint8))
    assert volts[-1, 0] > 1.0 > -1.0 > volts[-1, 1]
    if platform != "odin":  # whose potential ends at the threshold, and falls
        assert not spikes.any()


def test_what_a_platform_cannot_express_is_said() -> None:
    lif = Lif(tau_mem=10e-3, v_reset=-0.5, v_init=0.5, tau_syn=4e-3, t_ref=3e-3, n=1)
    weight = np.arange(1.0, 7.0)[None]
    said = {name: " ".join(map_network(one(lif, weight), name, FAR).notes) for name in PLATFORMS}
    assert "reset goes to rest" in said["loihi"]
    assert "not from v_init" in said["loihi"]
    assert said["spinnaker"] == ""
    for name in ("truenorth", "odin"):
        assert "p: no synaptic current" in said[name]
        assert "no refractory period" in said[name]
        assert "the leak is a constant" in said[name]
    assert "four weights" in said["truenorth"]
    subtract = one(Lif(tau_mem=10e-3, reset="subtract", n=1), weight[:, :1])
    assert "subtracting reset" in " ".join(map_network(subtract, "spinnaker", FAR).notes)
    assert "subtracting" not in " ".join(map_network(subtract, "truenorth", FAR).notes)


def test_what_a_platform_cannot_hold_is_refused() -> None:
    integrator = one(Lif(tau_mem=np.inf, n=1), np.array([[300.0]]))
    with pytest.raises(InvalidValue, match=r"p.tau_mem = 'inf': allowed is finite"):
        map_network(integrator, "spinnaker", FAR)
    for name in ("loihi", "truenorth", "odin", "brainscales"):
        spikes, _ = drive(integrator, name, np.ones((12, 1), np.uint8))
        assert 2 <= spikes.sum() <= 4, name
    with pytest.raises(InvalidValue, match="platform = 'abacus': allowed is loihi, truenorth"):
        map_network(integrator, "abacus", FAR)


def test_a_cycle_without_delay_is_refused() -> None:
    p = TrueNorthPopulation(1, 5)
    loop = [Projection("a", "b", np.array([[1]]), 0), Projection("b", "a", np.array([[1]]), 0)]
    with pytest.raises(InvalidValue, match="no cycle without a delay"):
        PlatformNetwork({}, {"a": p, "b": p}, loop)


def test_layers_work_one_after_the_other_in_a_step() -> None:
    def chip(delay: int) -> np.ndarray:
        p = {k: TrueNorthPopulation(1, 5) for k in "ba"}
        nine = np.array([[9]])
        links = [Projection("x", "a", nine, 0), Projection("a", "b", nine, delay)]
        net = PlatformNetwork({"x": 1}, p, links)
        return run_platform(net, {"x": np.array([[0], [1], [0], [1], [0]])})["b"].spikes[:, 0]

    assert chip(0).tolist() == [0, 1, 0, 1, 0]
    assert chip(1).tolist() == [0, 0, 1, 0, 1]


def test_many_neurons_fill_several_cores_of_odin() -> None:
    n = 300
    rng = np.random.default_rng(0)
    cores = Cores(n, rng.integers(1, 20, n), rng.integers(0, 3, n))
    assert [c.n for c in cores.parts] == [256, 44]
    state, total = cores.start(), np.zeros(n, np.int64)
    alone = [core.start() for core in cores.parts]
    for _ in range(20):
        arrived = rng.integers(-7, 8, (5, n))
        state, fired = cores.advance(state, arrived)
        parts = [c.advance(s, arrived[:, k : k + 256])
                 for c, s, k in zip(cores.parts, alone, (0, 256), strict=True)]  # fmt: skip
        alone = [s for s, _ in parts]
        np.testing.assert_array_equal(np.concatenate(alone), state)
        np.testing.assert_array_equal(np.concatenate([f for _, f in parts]), fired)
        total += fired
    assert total.any()


def test_ended_words_are_seen() -> None:
    chips = {
        "loihi": (LoihiPopulation(2, 4095, 0, 1 << 22), np.array([[1 << 21, 5]])),
        "spinnaker": (SpinnakerPopulation(Lif(tau_mem=1e-2, n=2), 1e-3), np.array([[1 << 31, 5]])),
        "truenorth": (TrueNorthPopulation(2, 9, beta=50), np.array([[-60, 5]])),
        "odin": (Cores(2, np.array([9, 9]), np.array([1, 1])), np.array([[-8, 5]] * 300)),
    }
    for name, (chip, arrived) in chips.items():
        state = chip.start()
        after, _ = chip.advance(state, arrived)
        assert met_limit(chip, state, arrived, after).tolist() == [True, False], name
        assert profile_bits(chip) in (12, 20, 24, 32)
    with pytest.raises(InvalidValue, match="profile = 'int'"):
        profile_bits(3)  # type: ignore[arg-type]
