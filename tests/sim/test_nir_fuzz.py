"""Whatever the bytes: a network, or one InvalidValue."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.sim import nir_file
from lifstone.sim.nir_read import Imported, read_nir
from lifstone.sim.nir_write import write_nir
from tests.networks import random_network
from tests.sim.nir_files import ends, lif, linear, write

NODES = {**ends(), "w": linear([[1.0]]), "n": lif()}
EDGES = [("in", "w"), ("w", "n"), ("n", "out")]


def outcome(path: Path) -> str:
    """Read, and say how it ended; any other exception fails the test."""
    try:
        imported = read_nir(path)
    except InvalidValue:
        return "refused"
    assert isinstance(imported, Imported)
    return "read"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "n.nir"
    write_nir(random_network(5), path)
    assert outcome(path) == "read"
    return path.read_bytes()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bytes(good: bytes, tmp_path: Path, data: st.DataObject) -> None:
    broken = bytearray(good)
    flips = st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(flips, min_size=1, max_size=12)):
        broken[at] = value
    path = tmp_path / "b.nir"
    path.write_bytes(broken)
    with pytest.MonkeyPatch.context() as patch:
        # One in some hundred keeps the HDF5 library busy for ever.
        patch.setattr(nir_file, "MAX_SECONDS", 1)
        assert outcome(path) in ("read", "refused")


def test_every_metadata_byte_may_change(good: bytes, tmp_path: Path) -> None:
    start = good.index(b'{"dt"')
    rng = np.random.default_rng(0)
    ends_seen = set()
    for at in range(start, start + 400, 4):
        broken = bytearray(good)
        broken[at] = rng.choice(list(b'0[]{}",:x-9'))
        path = tmp_path / "m.nir"
        path.write_bytes(broken)
        ends_seen.add(outcome(path))
    assert ends_seen == {"read", "refused"}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated(good: bytes, tmp_path: Path, share: float) -> None:
    path = tmp_path / "t.nir"
    path.write_bytes(good[: int(len(good) * share)])
    assert outcome(path) == "refused"


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_no_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.nir"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match="an unbroken NIR file in HDF5"):
        read_nir(path)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.nir", tmp_path):
        with pytest.raises(InvalidValue, match=r"an existing \.nir file"):
            read_nir(path)


def test_empty_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "e.nir", "w"):
        pass
    with pytest.raises(InvalidValue, match="node = None: allowed is a group in the file"):
        read_nir(tmp_path / "e.nir")


def test_a_small_file_of_huge_arrays(tmp_path: Path) -> None:
    path = write(tmp_path / "h.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        del file["node/nodes/w/weight"]
        shape = (1 << 16, 1 << 16)
        file["node/nodes/w"].create_dataset(
            "weight", shape=shape, dtype="f8", chunks=(1024, 1024), compression="gzip"
        )
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InvalidValue, match=r"w.weight = '4294967296 values': allowed is at most"):
        read_nir(path)


def test_many_big_arrays_count_together(tmp_path: Path) -> None:
    path = write(tmp_path / "h.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        for k in range(40):
            node = file["node/nodes"].create_group(f"x{k}")
            node["type"] = "Linear"
            node.create_dataset(
                "weight",
                shape=(1 << 11, 1 << 10),
                dtype="f8",
                chunks=(512, 512),
                compression="gzip",
            )
    with pytest.raises(InvalidValue, match="values in a file"):
        read_nir(path)


def test_graphs_that_contain_themselves(tmp_path: Path) -> None:
    path = write(tmp_path / "l.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        for k in range(4):
            file[f"node/nodes/g{k}"] = file["node"]
    with pytest.raises(InvalidValue, match="at most 16 nested graphs"):
        read_nir(path)


def test_too_many_nodes(tmp_path: Path) -> None:
    path = write(tmp_path / "l.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        nodes = file["node/nodes"]
        for k in range(10_001):
            nodes[f"x{k}"] = nodes["w"]
    with pytest.raises(InvalidValue, match="at most 10000 nodes"):
        read_nir(path)


@pytest.mark.parametrize("at", ["node/nodes/w/weight", "node/nodes/w", "node/nodes", "node"])
def test_links_to_other_files(tmp_path: Path, at: str) -> None:
    other = write(tmp_path / "other.nir", NODES, EDGES)
    path = write(tmp_path / "l.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        del file[at]
        file[at] = h5py.ExternalLink(other, at)
    with pytest.raises(InvalidValue, match="a link to another file"):
        read_nir(path)


def test_data_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(np.ones(1).tobytes())
    path = write(tmp_path / "e.nir", NODES, EDGES)
    with h5py.File(path, "a") as file:
        del file["node/nodes/w/weight"]
        outside = [(str(tmp_path / "secret"), 0, 8)]
        file["node/nodes/w"].create_dataset("weight", (1, 1), "f8", external=outside)
    with pytest.raises(InvalidValue, match="data of another file"):
        read_nir(path)


def test_odd_types(tmp_path: Path) -> None:
    def change(at: str, value: object) -> str:
        path = write(tmp_path / "o.nir", NODES, EDGES)
        with h5py.File(path, "a") as file:
            if at in file:
                del file[at]
            file[at] = value
        with pytest.raises(InvalidValue) as error:
            read_nir(path)
        return str(error.value)

    assert "w.type" in change("node/nodes/w/type", 3)
    assert "w.type" in change("node/nodes/w/type", np.array([b"Linear", b"LIF"]))
    assert "node.edges" in change("node/edges", np.array([b"in", b"w"]))
    assert "node.edges" in change("node/edges", np.zeros((1, 2)))
    assert "node.edges" in change("node/edges", np.array([[b"x" * 5000, b"w"]]))
    assert "w.weight" in change("node/nodes/w/weight", h5py.Empty("f8"))
    assert "w.weight = None" in change("node/nodes/w/weight", b"text")
    assert "node.type" in change("node/type", b"LIF")
    assert "w.type" in change("node/nodes/w/type", h5py.Empty("S4"))
