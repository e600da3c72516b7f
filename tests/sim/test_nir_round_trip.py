"""What is written is what is read back."""

from __future__ import annotations

import os
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import Connection, InvalidValue, Lif, Method, Network, Reset, run_float
from lifstone.sim.nir_read import read_nir
from lifstone.sim.nir_write import not_expressed, write_nir
from tests.networks import random_network

ARRAYS = ("tau_mem", "r", "v_leak", "v_th", "v_reset", "v_init", "t_ref", "tau_syn", "w_in")


def assert_equal(a: Network, b: Network) -> None:
    """Equal to the last bit, order of names and connections included."""
    assert (a.dt, a.method, a.outputs) == (b.dt, b.method, b.outputs)
    assert list(a.inputs.items()) == list(b.inputs.items())
    assert list(a.populations) == list(b.populations)
    assert dict(a.fraction) == dict(b.fraction)
    for name, lif in a.populations.items():
        other = b.populations[name]
        assert (lif.n, lif.reset) == (other.n, other.reset), name
        for key in ARRAYS:
            x, y = getattr(lif, key), getattr(other, key)
            assert (x is None) == (y is None), (name, key)
            assert x is None or np.array_equal(x, y), (name, key, x, y)
    ends = [(c.pre, c.post, c.delay) for c in a.connections]
    assert ends == [(c.pre, c.post, c.delay) for c in b.connections]
    for c, d in zip(a.connections, b.connections, strict=True):
        assert np.array_equal(c.weight, d.weight), (c.pre, c.post)
    for name in a.populations:
        zero = np.zeros(a.populations[name].n)
        assert np.array_equal(a.bias.get(name, zero), b.bias.get(name, zero)), name


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), inputs=st.integers(0, 3))
def test_random_networks_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int, inputs: int
) -> None:
    network = random_network(seed, inputs)
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    write_nir(network, path)
    imported = read_nir(path)
    assert_equal(network, imported.network)
    assert not any("names no time step" in a for a in imported.assumptions)


def test_every_kind_of_neuron_survives(tmp_path: Path) -> None:
    populations = {
        "zeta": Lif(tau_mem=np.inf, r=100.0, v_leak=0.25, v_th=[1.0, 1.5], v_init=0.5),
        "if.cuba": Lif(tau_mem=1e-2, tau_syn=[3e-3, 4e-3], w_in=2.5, v_reset=-0.5, t_ref=2e-3),
        "alpha": Lif(tau_mem=2e-2, v_th=np.inf, v_reset=0.0, n=2),
        "cuba_li": Lif(tau_mem=2e-2, tau_syn=1e-2, v_th=np.inf, n=2),
        "i": Lif(tau_mem=np.inf, r=3.0, v_th=np.inf, n=2),
    }
    weights = np.arange(4.0).reshape(2, 2) / 3
    connections = (
        Connection("in", "zeta", weights),
        Connection("in", "zeta", -weights, delay=1),
        Connection("zeta", "if.cuba", weights),
        *(Connection("if.cuba", name, weights) for name in ("alpha", "cuba_li", "i")),
    )
    network = Network(
        2e-4,
        {"in": 2},
        populations,
        connections,
        ("i", "alpha", "cuba_li"),
        {"zeta": np.array([0.1, 1 / 3])},
        Method.EULER_OLD,
        {"alpha": 7},
    )
    path = tmp_path / "all.nir"
    write_nir(network, path)
    kinds = {type(n).__name__ for n in nir.read(path).nodes.values()}
    assert {"IF", "CubaLIF", "LI", "CubaLI", "I", "Linear", "Affine"} <= kinds
    read = read_nir(path)
    assert_equal(network, read.network)
    spikes = {"in": (np.random.default_rng(0).random((50, 2)) < 0.5).astype(np.uint8)}
    a, b = run_float(network, spikes), run_float(read.network, spikes)
    assert all(np.array_equal(a[k].v, b[k].v) for k in a)


def test_the_nir_package_reads_the_file(tmp_path: Path) -> None:
    network = random_network(3)
    write_nir(network, tmp_path / "n.nir")
    graph = nir.read(tmp_path / "n.nir")
    assert set(network.populations) | set(network.inputs) <= set(graph.nodes)
    for c in network.connections:
        found = [n.weight for n in graph.nodes.values() if hasattr(n, "weight")]
        assert any(w.shape == c.weight.shape and np.array_equal(w, c.weight) for w in found)


def test_shipped_digits_have_their_names() -> None:
    path = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"
    assert path.stat().st_size < 100_000
    network = read_nir(path).network
    assert dict(network.inputs) == {"pixels": 64}
    assert list(network.populations) == ["hidden", "digit"]
    assert network.outputs == ("digit",)
    assert set(network.bias) == {"hidden", "digit"}


def test_a_bias_without_connection_survives(tmp_path: Path) -> None:
    lif = Lif(tau_mem=1e-2, n=3)
    network = Network(1e-3, {}, {"a": lif}, (), ("a",), {"a": np.array([1.0, 2.0, 3.0])})
    write_nir(network, tmp_path / "b.nir")
    assert_equal(network, read_nir(tmp_path / "b.nir").network)


def test_names_of_weights_and_outputs_step_aside(tmp_path: Path) -> None:
    lif = Lif(tau_mem=1e-2)
    connections = (Connection("w0", "w1", [[1.0]]), Connection("w1", "output", [[2.0]]))
    network = Network(1e-3, {"w0": 1}, {"w1": lif, "output": lif}, connections, ("output",))
    write_nir(network, tmp_path / "n.nir")
    assert_equal(network, read_nir(tmp_path / "n.nir").network)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "\ud800"])
def test_names_that_no_file_can_hold(tmp_path: Path, name: str) -> None:
    network = Network(1e-3, {}, {name: Lif(tau_mem=1e-2)}, (), (name,))
    with pytest.raises(InvalidValue, match="name = "):
        write_nir(network, tmp_path / "x.nir")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "lif", [Lif(tau_mem=[1e-2, np.inf]), Lif(tau_mem=1e-2, v_th=[1.0, np.inf])]
)
def test_mixed_populations_are_refused(tmp_path: Path, lif: Lif) -> None:
    network = Network(1e-3, {}, {"a": lif}, (), ("a",))
    with pytest.raises(InvalidValue, match="all finite or all infinite"):
        write_nir(network, tmp_path / "x.nir")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "n.nir"
    write_nir(random_network(1), path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_nir(random_network(2), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n.nir"]


def test_what_nir_has_no_word_for_is_listed() -> None:
    populations = {
        "a": Lif(tau_mem=1e-2, t_ref=2e-3, v_init=0.5, reset=Reset.SUBTRACT),
        "b": Lif(tau_mem=np.inf, v_leak=0.1),
    }
    connections = (Connection("a", "a", [[1.0]], 1), Connection("a", "b", [[1.0]]))
    network = Network(1e-3, {}, populations, connections, ("b",))
    text = "\n".join(not_expressed(network))
    for phrase in (
        "step of 0.001 s",
        "a: refractory period",
        "a: reset by subtraction",
        "a: initial potential",
        "b: resting potential of a neuron without leak",
        "a to a: delay of one step",
    ):
        assert phrase in text


@pytest.mark.parametrize("seed", range(4))
def test_the_nir_package_may_write_the_file_anew(tmp_path: Path, seed: int) -> None:
    """Metadata and all, though another program had the graph in hand."""
    network = random_network(seed)
    write_nir(network, tmp_path / "a.nir")
    nir.write(tmp_path / "b.nir", nir.read(tmp_path / "a.nir"))
    imported = read_nir(tmp_path / "b.nir")
    assert_equal(network, imported.network)
    assert imported.assumptions == read_nir(tmp_path / "a.nir").assumptions


def test_the_ends_of_what_doubles_and_delays_hold(tmp_path: Path) -> None:
    lif = Lif(
        tau_mem=[1e-9, 1e3, 0.1], r=[1e-300, 1e300, 1 / 3], v_reset=[-1e9, -5e-324, -0.0], v_th=1.0
    )
    weights = np.array([[5e-324, -1e300, 1 / 3], [-0.0, 2**-1074, 1e-17], [1e9, -1e-9, 0.1]])
    delays = (0, 1, 2, 63, 1023, 1024)
    connections = tuple(Connection("in", "a", weights * (k + 1), k) for k in delays[:1])
    connections += tuple(Connection("a", "a", weights[::-1], k) for k in delays[1:])
    network = Network(1e-3, {"in": 3}, {"a": lif}, connections, ("a",))
    write_nir(network, tmp_path / "e.nir")
    assert_equal(network, read_nir(tmp_path / "e.nir").network)
