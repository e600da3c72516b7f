"""Recordings and stimuli from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.discrete import discretise, initial_state, step
from lifstone.recording_file import MAX_BYTES, read_recording
from lifstone.stimulus import random_stimulus, read_stimulus
from tests.lifstone.conftest import Lifstone

SHARED = Path(__file__).parents[3] / "shared" / "nir"
DT = 1e-4
TRUE = {"tau_mem": 12e-3, "r": 2e8, "v_leak": -0.07, "v_th": -0.05, "v_reset": -0.075}


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    """A neuron under a noisy current, as its own step gives it."""
    lif = Lif(**TRUE)
    rng = np.random.default_rng(3)
    x = 1.2e-10 + 4e-11 * rng.standard_normal(4000)
    state, c = initial_state(lif), discretise(lif, DT)
    v, spikes = np.zeros(x.size), np.zeros(x.size)
    for k, value in enumerate(x):
        state, fired = step(lif, c, state, np.array([value]))
        v[k], spikes[k] = state.v[0], fired[0]
    return {"v": v, "x": x, "spike": spikes}


def write_csv(path: Path, columns: dict[str, np.ndarray], header: bool = True) -> Path:
    lines = [",".join(columns)] if header else []
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([*lines, *(",".join(map(repr, map(float, r))) for r in rows)]) + "\n")
    return path


def test_fit_finds_the_neuron_in_every_format(
    lifstone: Lifstone, recorded: dict[str, np.ndarray], tmp_path: Path
) -> None:
    archive = tmp_path / "r.npz"
    np.savez(archive, voltage=recorded["v"], current=recorded["x"], spikes=recorded["spike"] > 0)
    table = write_csv(tmp_path / "r.csv", {"time": np.arange(4000.0), **recorded})
    order = {"x": recorded["x"], "v": recorded["v"], "spike": recorded["spike"]}
    bare = write_csv(tmp_path / "bare.csv", order, header=False)
    results = [
        lifstone("fit", path, "--dt", DT, "--json", *more).json()
        for path, *more in ((archive,), (table,), (bare, "--columns", "x,v,spike"))
    ]
    assert results[0] == results[1] == results[2]
    found = results[0]
    assert (found["samples"], found["spikes"]) == (4000, int(recorded["spike"].sum()))
    assert found["spikes"] > 5
    for name in ("tau_mem", "r", "v_leak", "v_reset"):
        assert found[name]["value"] == pytest.approx(TRUE[name], rel=1e-6), name
    off = abs(found["v_th"]["value"] - TRUE["v_th"])
    assert off <= 4 * found["v_th"]["error"]
    said = lifstone("fit", table, "--dt", DT)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("tau_mem   0.012 +- ")
    assert all(f" {unit} (95 %: " in said.out for unit in ("s", "ohm", "V"))


def test_fit_says_what_it_cannot_know(
    lifstone: Lifstone, recorded: dict[str, np.ndarray], tmp_path: Path
) -> None:
    decay = {"v": -0.07 + 0.01 * 0.99 ** np.arange(100)}
    path = write_csv(tmp_path / "r.csv", decay)
    found = lifstone("fit", path, "--dt", DT, "--json").json()
    assert found["r"] == {"value": None, "error": None, "low": None, "high": None, "unit": "ohm"}
    assert found["tau_mem"]["value"] == pytest.approx(-DT / np.log(0.99))
    assert "r         unknown: the recording does not determine it\n" in (
        lifstone("fit", path, "--dt", DT).out
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/nir is absent")
def test_fit_of_a_recording_by_others(lifstone: Lifstone) -> None:
    path = SHARED / "lif_norse.csv"
    found = lifstone("fit", path, "--dt", DT, "--columns", "x,v,spike", "--json").json()
    assert found["tau_mem"]["value"] == pytest.approx(0.0025, rel=0.05)
    assert found["spikes"] == 4


WRONG = [
    ("r.csv", b"v\n1\nx\n", "recording.row 3.v", "'x'", "a number"),
    ("r.csv", b"q,spike\n1,0\n", "recording.header", "['q', 'spike']", "one is v"),
    ("r.csv", b"v,x,input\n1,2,3\n", "recording.header", "['v', 'x', 'input']", "not several"),
    ("r.csv", b"v,x\n1,2\n3\n", "recording.row 3", "['3']", "2 cells"),
    ("r.csv", b"v\n", "recording", "'1 rows'", "a header and data"),
    ("r.csv", b"", "recording", "'0 rows'", "a header and data"),
    ("r.csv", b"\xff\xfe\x00", "recording", "r.csv'", "a table as UTF-8 text"),
    ("r.csv", b"v\n" + b"1\n" * 20, "v", "'a constant'", "a recording that moves"),
    ("r.csv", b"v\n1\n2\n", "v", "'2 samples'", "at least 8 samples"),
    ("r.csv", b"v\n" + b"\n".join([b"nan"] * 9), "v", "'nan throughout'", "with values"),
    ("r.csv", b"v\n1\n2\n" + b"inf\n" * 9, "v[2]", "inf", "finite"),
    ("r.npz", b"no archive", "recording", "r.npz'", "an unbroken .npz archive"),
    ("r.txt", b"v\n1\n", "recording", "r.txt'", "a .csv or .npz file"),
]


@pytest.mark.parametrize(("name", "content", "field", "value", "allowed"), WRONG)
def test_a_recording_that_is_none(
    lifstone: Lifstone,
    tmp_path: Path,
    name: str,
    content: bytes,
    field: str,
    value: str,
    allowed: str,
) -> None:
    (tmp_path / name).write_bytes(content)
    said = lifstone("fit", tmp_path / name, "--dt", DT)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {field} = "), said.err
    assert value in said.err
    assert allowed in said.err
    assert len(said.err.splitlines()) == 1


def test_arrays_that_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    for arrays, message in (
        ({"v": np.zeros((2, 2))}, r"recording\.v = \[2, 2\]: allowed is one dimension"),
        ({"v": np.array(["a"])}, r"recording\.v = '<U1': allowed is an array of numbers"),
        ({"w": np.zeros(3)}, r"recording\.arrays = \['w'\]"),
        ({"v": np.zeros(3), "voltage": np.zeros(3)}, "not several"),
        ({"v": np.array([None])}, "an unbroken .npz archive"),
    ):
        np.savez(path, **arrays)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match=message):
            read_recording(path)
    with pytest.raises(InvalidValue, match=r"a \.npz file names its arrays"):
        read_recording(path, "v")
    with pytest.raises(InvalidValue, match=r"recording = .*: allowed is an existing"):
        read_recording(tmp_path / "none.csv")


def test_a_recording_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InvalidValue, match=f"at most {MAX_BYTES} bytes"):
        read_recording(path)


def test_random_stimuli_repeat_by_seed() -> None:
    a, b, c = (random_stimulus({"x": 3, "y": 2}, 500, 0.3, seed) for seed in (1, 1, 2))
    for name in ("x", "y"):
        np.testing.assert_array_equal(a.spikes[name], b.spikes[name])
        assert (a.spikes[name] != c.spikes[name]).any()
        assert abs(a.spikes[name].mean() - 0.3) < 0.05
    assert random_stimulus({}, 5, 0.3, 1).origin == "none: the network has no input"


WRONG_SPIKES = [
    ({"x": np.zeros((4, 2)), "y": np.zeros((4, 1))}, r"inputs = 'y': allowed is one of x"),
    ({}, r"inputs\.x = None: allowed is an array of spikes"),
    ({"x": np.zeros((4, 3))}, r"inputs\.x = \[4, 3\]: allowed is 2 dimensions, the last 2"),
    ({"x": np.full((4, 2), 0.5)}, r"inputs\.x\[0, 0\] = 0\.5: allowed is 0 or 1"),
    ({"x": np.zeros((0, 2))}, "allowed is at least one step and sample"),
]


@pytest.mark.parametrize(("arrays", "message"), WRONG_SPIKES)
def test_a_stimulus_that_is_none(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "s.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=message):
        read_stimulus(tmp_path / "s.npz", {"x": 2})


def test_stimuli_as_tables(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("0,1\n1,0\n")
    np.testing.assert_array_equal(read_stimulus(path, {"x": 2}).spikes["x"][:, 0], [[0, 1], [1, 0]])
    with pytest.raises(InvalidValue, match="several inputs"):
        read_stimulus(path, {"x": 2, "y": 1})
    with pytest.raises(InvalidValue, match="the network has no input"):
        read_stimulus(path, {})
    path.write_text("")
    with pytest.raises(InvalidValue, match="at least one step"):
        read_stimulus(path, {"x": 2})
    path.write_text("spike\n1\n")
    with pytest.raises(InvalidValue, match="a table of numbers"):
        read_stimulus(path, {"x": 1})
