"""Graphs in the shape in which other simulators write them read as the network they mean.

The names, shapes and gains follow each exporter's public source; no data are theirs.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Method, Network, run_float
from lifstone.sim.nir_read import Imported, read_nir
from tests.sim.nir_files import linear, write

RNG = np.random.default_rng(7)
W1, W2 = RNG.normal(0.6, 0.5, (3, 2)), RNG.normal(0.6, 0.5, (2, 3))
REC = RNG.normal(0.0, 0.3, (3, 3))
B1 = np.array([0.1, 0.0, -0.1])
SHARED = Path(__file__).parents[3] / "shared" / "nir"
Nodes = dict[str, dict[str, Any]]


def io(n_in: Any, n_out: Any) -> Nodes:
    """The ends as the tracers of these exporters name them."""
    return {
        "input": {"type": "Input", "shape": np.atleast_1d(n_in)},
        "output": {"type": "Output", "shape": np.atleast_1d(n_out)},
    }


def chain(*names: str) -> list[tuple[str, str]]:
    row = ["input", *names, "output"]
    return list(itertools.pairwise(row))


def same(imported: Imported, plain: Network, names: dict[str, str]) -> None:
    """Equal parameters, weights and delays, and equal spikes; ``names``: theirs by ours."""
    net = imported.network
    assert (net.dt, net.method) == (pytest.approx(plain.dt, rel=1e-12), plain.method)
    assert sorted(net.populations) == sorted(names[k] for k in plain.populations)
    for ours, lif in plain.populations.items():
        other = net.populations[names[ours]]
        for key in ("tau_mem", "tau_syn", "r", "v_leak", "v_th", "v_reset", "w_in", "t_ref"):
            a, b = getattr(lif, key), getattr(other, key)
            assert (a is None) == (b is None), (ours, key)
            if a is not None:
                np.testing.assert_allclose(b, a, rtol=1e-6, err_msg=f"{ours}.{key}")
        assert other.reset == lif.reset
    renamed = {"in": "input", **names}
    theirs = {(c.pre, c.post, c.delay): c.weight for c in net.connections}
    assert len(theirs) == len(net.connections) == len(plain.connections)
    for c in plain.connections:
        found = theirs[renamed[c.pre], renamed[c.post], c.delay]
        np.testing.assert_allclose(found, c.weight, rtol=1e-6)
    for ours, current in plain.bias.items():
        np.testing.assert_allclose(net.bias[names[ours]], current, rtol=1e-6)
    assert net.outputs == tuple(names[k] for k in plain.outputs)
    spikes = (np.random.default_rng(0).random((120, plain.inputs["in"])) < 0.5).astype(np.uint8)
    mine, got = run_float(plain, {"in": spikes}), run_float(net, {"input": spikes})
    for ours in plain.populations:
        assert mine[ours].spikes.any(), ours
        assert np.array_equal(mine[ours].spikes, got[names[ours]].spikes), ours


def plain(
    dt: float, method: Method, cell: dict[str, Any], *, recurrent: bool, bias: bool = True
) -> Network:
    """Two layers, written out."""
    connections = [Connection("in", "a", W1), Connection("a", "b", W2)]
    if recurrent:
        connections.insert(1, Connection("a", "a", REC, 1))
    populations = {"a": Lif(**cell, n=3), "b": Lif(**cell, n=2)}
    return Network(
        dt, {"in": 2}, populations, tuple(connections), ("b",), {"a": B1} if bias else {}, method
    )


def fields(kind: str, n: int | None, **values: float) -> dict[str, Any]:
    """A neuron node; scalars of no shape where ``n`` is ``None``."""
    wide = {k: np.asarray(v) if n is None else np.full(n, v) for k, v in values.items()}
    return {"type": kind, **wide}


BETA = 0.9


def snntorch_lif(n: int | None) -> dict[str, Any]:
    """``tau = 1 / (1 - beta)`` in steps, ``r = beta``, no v_reset; Leaky keeps scalars."""
    return fields("LIF", n, tau=1 / (1 - BETA), r=BETA, v_leak=0.0, v_threshold=0.1)


SNNTORCH = {"tau_mem": 1 / (1 - BETA), "r": BETA, "v_th": 0.1}


def test_snntorch_leaky(tmp_path: Path) -> None:
    nodes = {
        **io(2, 2),
        "0": linear(W1, bias=B1),
        "1": snntorch_lif(None),
        "2": linear(W2, bias=np.zeros(2)),
        "3": snntorch_lif(None),
    }
    imported = read_nir(write(tmp_path / "s.nir", nodes, chain("0", "1", "2", "3")))
    same(imported, plain(1.0, Method.EULER, SNNTORCH, recurrent=False), {"a": "1", "b": "3"})
    assert "dt = 1, since all time constants are 1 or more: steps" in "\n".join(
        imported.assumptions
    )


@pytest.mark.parametrize("flat", [True, False])
def test_snntorch_recurrent_subgraph(tmp_path: Path, flat: bool) -> None:
    """Nested, or with its nodes among the others and edges to the name that no node has."""
    inside = {
        "input": {"type": "Input", "shape": np.array([3])},
        "lif": snntorch_lif(3),
        "w_rec": linear(REC),
        "output": {"type": "Output", "shape": np.array([3])},
    }
    inner = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    nodes = {
        **io(2, 2),
        "fc1": linear(W1, bias=B1),
        "fc2": linear(W2, bias=np.zeros(2)),
        "lif2": snntorch_lif(2),
    }
    edges = chain("fc1", "lif1", "fc2", "lif2")
    if flat:
        nodes |= {f"lif1.{k}": v for k, v in inside.items()}
        edges += [(f"lif1.{a}", f"lif1.{b}") for a, b in inner]
    else:
        nodes["lif1"] = {"nodes": inside, "edges": inner}
    imported = read_nir(write(tmp_path / "r.nir", nodes, edges))
    model = plain(1.0, Method.EULER, SNNTORCH, recurrent=True)
    same(imported, model, {"a": "lif1.lif", "b": "lif2"})
    assert dict(imported.network.inputs) == {"input": 2}


def test_norse_numbers_its_nodes_and_writes_single_precision(tmp_path: Path) -> None:
    one = np.float32
    cell = {k: one(v) for k, v in (("tau", 0.0025), ("r", 1), ("v_leak", 0), ("v_threshold", 0.02))}
    nodes = {
        **io(2, 2),
        "0": {"type": "Affine", "weight": one(W1), "bias": one(B1)},
        "1": {"type": "LIF", **{k: np.full(3, v) for k, v in cell.items()}},
        "2": {"type": "Linear", "weight": one(W2)},
        "3": {"type": "LIF", **{k: np.full(2, v) for k, v in cell.items()}},
    }
    imported = read_nir(write(tmp_path / "n.nir", nodes, chain("0", "1", "2", "3")))
    model = plain(1e-4, Method.EXPONENTIAL, {"tau_mem": 0.0025, "v_th": 0.02}, recurrent=False)
    same(imported, model, {"a": "1", "b": "3"})
    assert "the file names no time step: dt = 0.0001 s" in imported.assumptions


def test_sinabs_counts_in_steps_and_keeps_a_batch_axis(tmp_path: Path) -> None:
    """Scalars for a whole layer, an Affine of zero bias, a batch axis at the ends."""

    def lif() -> dict[str, Any]:
        return fields("LIF", None, tau=20.0, r=1.0, v_leak=0.0, v_threshold=0.05)

    nodes = {
        **io([1, 2], [1, 2]),
        "0": linear(W1, bias=B1),
        "1": lif(),
        "2": linear(W2, bias=np.zeros(2)),
        "3": lif(),
    }
    imported = read_nir(write(tmp_path / "s.nir", nodes, chain("0", "1", "2", "3")))
    cell = {"tau_mem": 20.0, "v_th": 0.05}
    same(
        imported,
        plain(1.0, Method.EXPONENTIAL, cell, recurrent=False),
        {"a": "1", "b": "3"},
    )
    said = "\n".join(imported.assumptions)
    assert "input has shape [1, 2]: read as one axis" in said


def test_an_axis_of_one_is_one_neuron(tmp_path: Path) -> None:
    """Scalars spread over a layer, an array of one value is a layer of one: NIR's shapes."""
    lif = fields("LIF", 1, tau=20.0, r=1.0, v_leak=0.0, v_threshold=0.05)
    nodes = {**io(2, 3), "0": linear(W1, bias=B1), "1": lif}
    with pytest.raises(InvalidValue, match=r"0\.bias = \[3\]: allowed is 1 values for 1"):
        read_nir(write(tmp_path / "one.nir", nodes, chain("0", "1")))


@pytest.mark.parametrize("dt", [1.0, 1e-4, 1e-3])
def test_integrators_move_by_the_weight(tmp_path: Path, dt: float) -> None:
    """Sinabs writes ``r = 1``, SpikingJelly ``r = 1 / dt``; convolutions name no input shape."""
    kernel = RNG.normal(0.4, 0.3, (2, 1, 2, 2))
    nodes = {
        **io([1, 3, 3], [8]),
        "0": {
            "type": "Conv2d",
            "weight": kernel,
            "bias": np.zeros(2),
            "stride": np.array([1, 1]),
            "padding": np.array([0, 0]),
            "dilation": np.array([1, 1]),
            "groups": 1,
        },
        "1": {
            "type": "IF",
            "r": np.full((2, 2, 2), 1 / dt),
            "v_threshold": np.ones((2, 2, 2)),
        },
        "2": {"type": "Flatten", "start_dim": 0, "end_dim": -1},
        "3": linear(np.eye(8)),
        "4": {"type": "IF", "r": np.full(8, 1 / dt), "v_threshold": np.full(8, 1.5)},
    }
    net = read_nir(write(tmp_path / "c.nir", nodes, chain("0", "1", "2", "3", "4"))).network
    assert net.dt == pytest.approx(dt)
    weight = net.connections[0].weight
    assert weight.shape == (8, 9)
    pulse = np.zeros((1, 9), np.uint8)
    pulse[0, 4] = 1
    v = run_float(net, {"input": pulse})["1"].v[0]
    # The middle pixel lies in all four windows, in each under another weight of the kernel.
    moved = kernel[:, 0, ::-1, ::-1].reshape(-1)
    np.testing.assert_allclose(v, np.where(moved >= 1, 0.0, moved), rtol=1e-12)


def test_spikingjelly_folds_its_step_into_both_gains(tmp_path: Path) -> None:
    dt, decay_syn, decay_mem = 1e-3, 0.8, 0.9
    tau_syn, tau_mem = dt / (1 - decay_syn), dt / (1 - decay_mem)
    values = {
        "tau_syn": tau_syn,
        "tau_mem": tau_mem,
        "r": tau_mem / dt,
        "v_leak": 0.0,
        "v_threshold": 1.0,
        "v_reset": -0.1,
        "w_in": tau_syn / dt,
    }
    nodes = {
        **io(2, 2),
        "0": linear(W1, bias=B1),
        "1": fields("CubaLIF", 3, **values),
        "2": linear(W2),
        "3": fields("CubaLIF", 2, **values),
    }
    imported = read_nir(write(tmp_path / "j.nir", nodes, chain("0", "1", "2", "3")))
    cell = {
        "tau_mem": tau_mem,
        "tau_syn": tau_syn,
        "r": tau_mem / dt,
        "w_in": tau_syn / dt,
        "v_reset": -0.1,
    }
    same(imported, plain(dt, Method.EULER, cell, recurrent=False), {"a": "1", "b": "3"})


@pytest.mark.parametrize("dt", [1e-4, 1e-3])
def test_rockpool_step_is_read_off_the_gain(tmp_path: Path, dt: float) -> None:
    """Names with the module's, ``r = tau / dt exp(-dt / tau)``, no w_in, axes of one at the end."""
    tau = 10e-3
    r = tau / dt * np.exp(-dt / tau)

    def lif(n: int) -> dict[str, Any]:
        values = {"tau_mem": tau, "tau_syn": 5e-3, "r": r, "v_leak": 0.0, "v_threshold": 1.0}
        return {
            k: np.float32(v) if k != "type" else v
            for k, v in fields("CubaLIF", n, **values).items()
        }

    nodes = {
        **io(2, [1, 1, 2]),
        "0_LinearTorch": linear(W1),
        "1_LIFTorch": lif(3),
        "2_LinearTorch": linear(W2),
        "3_LIFTorch": lif(2),
    }
    row = chain("0_LinearTorch", "1_LIFTorch", "2_LinearTorch", "3_LIFTorch")
    imported = read_nir(write(tmp_path / "k.nir", nodes, row))
    cell = {"tau_mem": tau, "tau_syn": 5e-3, "r": r}
    model = plain(dt, Method.EXPONENTIAL, cell, recurrent=False, bias=False)
    same(imported, model, {"a": "1_LIFTorch", "b": "3_LIFTorch"})
    assert "output has shape [1, 1, 2]: read as one axis" in "\n".join(imported.assumptions)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/nir is absent")
def test_a_real_rockpool_file_tells_its_step() -> None:
    imported = read_nir(SHARED / "lif_rockpool.nir")
    assert "dt = 0.0001 s, since r = tau_mem / dt exp(-dt / tau_mem)" in imported.assumptions


def test_lava_delays_and_scaled_thresholds(tmp_path: Path) -> None:
    """For Lava people write decays as time constants of its step and a Delay on the way."""
    dt = 1e-3
    cell = {"tau_mem": 10e-3, "tau_syn": 5e-3, "r": 10.0, "w_in": 5.0}
    neuron = {"tau_mem": 10e-3, "tau_syn": 5e-3, "r": 10.0, "w_in": 5.0, "v_leak": 0.0}
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "w1": nir.Affine(W1, B1),
        "lif1": nir.CubaLIF(
            **{k: np.full(3, v) for k, v in neuron.items()}, v_threshold=np.ones(3)
        ),
        "delay": nir.Delay(np.full(3, 2e-3)),
        "w2": nir.Linear(W2),
        "lif2": nir.CubaLIF(
            **{k: np.full(2, v) for k, v in neuron.items()}, v_threshold=np.ones(2)
        ),
        "output": nir.Output({"output": np.array([2])}),
    }
    graph = nir.NIRGraph(nodes, chain("w1", "lif1", "delay", "w2", "lif2"))
    nir.write(tmp_path / "l.nir", graph)
    connections = (Connection("in", "a", W1), Connection("a", "b", W2, 2))
    populations = {"a": Lif(**cell, n=3), "b": Lif(**cell, n=2)}
    model = Network(dt, {"in": 2}, populations, connections, ("b",), {"a": B1}, Method.EULER)
    same(read_nir(tmp_path / "l.nir"), model, {"a": "lif1", "b": "lif2"})


def test_a_net_of_lava_dl_is_no_nir(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.nir", "w") as file:
        file["layer/0/type"] = b"dense"
        file["layer/0/weight"] = W1
    with pytest.raises(InvalidValue, match=r"node = None: allowed is a group in the file"):
        read_nir(tmp_path / "net.nir")


@pytest.mark.parametrize(
    ("nodes", "dt"),
    [
        # Near a rule, and outside it.
        ({"1": fields("LIF", 1, tau=0.9, r=1.0, v_leak=0.0, v_threshold=1.0)}, 1e-4),
        ({"1": fields("LIF", 1, tau=1e-2, r=1.0, v_leak=0.0, v_threshold=1.0)}, 1e-4),
        ({"1": fields("LIF", 1, tau=1e-2, r=24.1, v_leak=0.0, v_threshold=1.0)}, 1e-4),
        ({"1": {"type": "IF", "r": np.array([1.0, 2.0]), "v_threshold": np.ones(2)}}, 1e-4),
        ({"1": {"type": "IF", "r": np.array([-1.0]), "v_threshold": np.ones(1)}}, 1e-4),
        ({"1": fields("LIF", 1, tau=np.inf, r=1.0, v_leak=0.0, v_threshold=1.0)}, 1e-4),
        ({"1": fields("LIF", 1, tau=1.0, r=1.0, v_leak=0.0, v_threshold=1.0)}, 1.0),
    ],
)
def test_a_step_is_inferred_only_where_a_rule_holds(
    tmp_path: Path, nodes: Nodes, dt: float
) -> None:
    n = next(iter(nodes.values()))["r"].size
    path = write(tmp_path / "x.nir", {**io(n, n), **nodes}, chain("1"))
    assert read_nir(path).network.dt == dt
    assert read_nir(path, dt=0.25).network.dt == 0.25
