"""``lifstone diff``: every format, the first difference, distances, causes, and what it refuses."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lifstone.case import contract_of
from lifstone.golden import Network, Reset, Rounding, Trace, Widths, run_contract, run_float
from lifstone.sim.compare_choices import Order, run_ordered
from lifstone.sim.nir_read import read_nir
from lifstone.stimulus import random_stimulus
from tests.lifstone.conftest import Lifstone

RNG = np.random.default_rng(3)
SPIKES = (RNG.random((80, 3)) < 0.12).astype(np.uint8)
V = RNG.normal(0.0, 1.0, (80, 3))
DT = 1e-3


@pytest.fixture
def a(tmp_path: Path) -> Path:
    np.savez(tmp_path / "a.npz", spikes=SPIKES, v=V, dt=DT)
    return tmp_path / "a.npz"


def archive(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "b.npz", **arrays)
    return folder / "b.npz"


def as_csv(folder: Path) -> Path:
    heads = [*(f"spike[{j}]" for j in range(3)), *(f"v_{j}" for j in range(3))]
    path = folder / "b.csv"
    table = np.column_stack([np.arange(80) * DT, SPIKES * 0.5, V])
    np.savetxt(path, table, "%.17g", ",", header=",".join(["t", *heads]))
    return path


def as_events(folder: Path) -> Path:
    rows = [f"{j},{k * DT:.6f}" for k, j in np.argwhere(SPIKES)]
    (folder / "b.csv").write_text("\n".join(["neuron,time", *rows]))
    return folder / "b.csv"


def as_table(folder: Path) -> Path:
    np.savetxt(folder / "b.csv", SPIKES, "%d", ",")
    return folder / "b.csv"


def as_spike_times(folder: Path) -> Path:
    steps, neurons = np.nonzero(SPIKES)
    return archive(folder, spike_times=steps * DT, neuron=neurons, dt=DT)


def as_netcdf(folder: Path) -> Path:
    dims = ("neuron", "time")
    data = xr.Dataset({"spikes": (dims, SPIKES.T), "v": (dims, V.T)}, attrs={"dt": DT})
    data.to_netcdf(folder / "b.nc", engine="h5netcdf")
    return folder / "b.nc"


def as_zarr(folder: Path) -> Path:
    dims = ("step", "neuron")
    xr.Dataset({"spikes": (dims, SPIKES), "v": (dims, V)}).to_zarr(folder / "b.zarr", zarr_format=2)
    return folder / "b.zarr"


def as_nwb(folder: Path) -> Path:
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("spikes", "b", datetime(2026, 1, 1, tzinfo=UTC))
    for train in SPIKES.T:
        file.add_unit(spike_times=np.flatnonzero(train) * DT)
    with pynwb.NWBHDF5IO(str(folder / "b.nwb"), "w") as io:
        io.write(file)
    return folder / "b.nwb"


def as_vcd(folder: Path, spikes: np.ndarray = SPIKES) -> Path:
    """A word of spikes behind a clock; the registers change at its edge, unknown before."""
    head = [
        "$timescale 1 ns $end", "$scope module tb $end", "$var wire 1 c clk $end",
        "$scope module core $end", "$var wire 3 s spikes [2:0] $end",
        "$var wire 16 n count [15:0] $end", "$upscope $end", "$upscope $end",
        "$enddefinitions $end", "#0", "0c", "bxxx s",
    ]  # fmt: skip
    for k, row in enumerate([*spikes, np.zeros(3, dtype=int)]):
        word = "".join(str(int(s)) for s in row[::-1])
        # The first edge belongs to no step: it loads the first word.
        head += [f"#{10 * k + 5}", "1c", f"b{word} s", f"#{10 * k + 10}", "0c"]
    (folder / "b.vcd").write_text("\n".join(head) + "\n")
    return folder / "b.vcd"


@pytest.mark.parametrize(
    "make",
    [as_csv, as_events, as_table, as_spike_times, as_netcdf, as_zarr, as_nwb],
)
def test_the_same_trace_in_every_format(
    lifstone: Lifstone, a: Path, tmp_path: Path, make: object
) -> None:
    b = make(tmp_path)  # type: ignore[operator]
    said = lifstone("diff", a, b, "--dt", DT, "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json()
    assert found["same"] is True
    assert found["steps"] == 80
    assert [s["differing"] for s in found["signals"]] == [0] * len(found["signals"])
    both = make in (as_csv, as_netcdf, as_zarr)
    assert [s["name"] for s in found["signals"]] == ["spike", "v"][: 1 + both]
    # The same reader sees one spike less, so the comparison above could have failed.
    less = SPIKES.copy()
    less[tuple(np.argwhere(SPIKES)[3])] = 0
    assert lifstone("diff", archive_as(tmp_path, less), b, "--dt", DT).code == 1


def archive_as(folder: Path, spikes: np.ndarray) -> Path:
    np.savez(folder / "less.npz", spikes=spikes)
    return folder / "less.npz"


def test_a_dump_behind_its_clock(lifstone: Lifstone, a: Path, tmp_path: Path) -> None:
    said = lifstone("diff", a, as_vcd(tmp_path), "--align", "--json")
    found = said.json()
    # The sample at the first edge is unknown, so the dump runs one step behind.
    assert (said.code, found["offset"], found["steps"]) == (0, 1, 80)
    spikes = SPIKES.copy()
    spikes[20, 1] ^= 1
    first = lifstone("diff", a, as_vcd(tmp_path, spikes), "--align", "--json").json()["first"]
    assert (first["step"], first["neuron"]) == (20, 1)
    assert first["got"] == spikes[20, 1]
    plain = lifstone("diff", a, tmp_path / "b.vcd", "--clock", "tb.clk")
    assert "unknown" in plain.out
    # Sampled by time: the end of a step lies half a clock behind its edge.
    by_time = lifstone("diff", a, as_vcd(tmp_path), "--dt", 1e-8, "--json").json()
    assert by_time["same"] is True


def test_words_of_a_dump_are_signed(lifstone: Lifstone, tmp_path: Path) -> None:
    (tmp_path / "a.vcd").write_text(
        "$timescale 1 us $end\n$scope module p $end\n$var wire 4 v v [3:0] $end\n"
        "$var real 64 i i $end\n$upscope $end\n$enddefinitions $end\n"
        "#0\nb111 v\nr0.5 i\n#1\nb1111 v\n#2\nb1000 v\nr-2 i\n#3\n"
    )
    # A change at the end of a step still belongs to it.
    b = archive(tmp_path, v=[-1, -8, -8], i=[0.5, -2, -2])
    said = lifstone("diff", tmp_path / "a.vcd", b, "--dt", 1e-6)
    assert (said.code, said.out.splitlines()[-1]) == (0, "same")


def test_first_difference_and_distances(lifstone: Lifstone, a: Path, tmp_path: Path) -> None:
    k, j = (int(c) for c in np.argwhere(SPIKES)[9])
    spikes, v = SPIKES.copy(), V.copy()
    spikes[k, j] = 0
    v[k + 5, 2] += 0.25
    b = archive(tmp_path, spikes=spikes, v=v)
    said = lifstone("diff", a, b, "--json")
    found = said.json()
    assert said.code == 1
    assert {q: found["first"][q] for q in ("step", "neuron", "quantity", "expected", "got")} == {
        "step": k, "neuron": j, "quantity": "spike", "expected": 1.0, "got": 0.0,
    }  # fmt: skip
    (d,) = found["distances"]
    assert d["van_rossum"] == pytest.approx(np.sqrt(0.5))
    assert (d["victor_purpura"], d["worst"]) == (1.0, j)
    assert d["rate"] == pytest.approx(-1 / 80)
    _, state = found["signals"]
    assert state["first"]["step"] == k + 5
    assert state["largest"] == pytest.approx(0.25)
    assert found["causes"][0]["kind"] == "missing spike"
    text = lifstone("diff", a, b).out
    assert f"differ first at step {k}, neuron {j}: spike is 1 in a, 0 in b" in text
    assert "van Rossum (tau 10 steps)" in text
    assert lifstone("diff", b, a, "--json").json()["causes"][0]["kind"] == "extra spike"
    assert lifstone("diff", a, b, "--signal", "v", "--tolerance", 0.3).code == 0


def later(x: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([np.zeros((steps, 3)), x])[:80]


@pytest.mark.parametrize(
    ("arrays", "kind", "words"),
    [
        ({"spikes": later(SPIKES, 2), "v": later(V, 2)}, "offset", "b is 2 steps later"),
        ({"spikes": SPIKES[3:], "v": V[3:]}, "offset", "b is 3 steps earlier"),
        ({"v": V * 0.25}, "scale", "0.25, 2^-2"),
        ({"v": V * 0}, "silence", "b is 0 throughout"),
        ({"v": V + 0.07}, "zero", "plus 0.07"),
        ({"v": V * (1 + 1e-15 * RNG.normal(size=V.shape))}, "rounding", "rounding of floats"),
        ({"v": np.clip(V, -1, 1)}, "saturation", "the limit of a word, wherever"),
        ({"v": np.floor(V * 256) / 256}, "rounding", "multiples of 0.00390625 (floor)"),
        ({"v": np.trunc(V * 256) / 256}, "rounding", "multiples of 0.00390625 (zero)"),
        ({"v": np.rint(V * 256) / 256}, "rounding", "multiples of 0.00390625"),
    ],
)
def test_causes_that_the_traces_show(
    lifstone: Lifstone,
    a: Path,
    tmp_path: Path,
    arrays: dict[str, np.ndarray],
    kind: str,
    words: str,
) -> None:
    found = lifstone("diff", a, archive(tmp_path, **arrays), "--json").json()
    (cause,) = [c for c in found["causes"] if c["explains"]]
    assert cause["kind"] == kind
    assert words in cause["text"]


def test_no_cause_is_made_up(lifstone: Lifstone, a: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    b = archive(tmp_path, spikes=rng.random((80, 3)) < 0.12, v=rng.normal(size=(80, 3)))
    found = lifstone("diff", a, b, "--json").json()
    assert [c["kind"] for c in found["causes"]] == ["moved spikes"]
    assert not found["causes"][0]["explains"]
    assert found["found_offset"] == 0


def test_integers_one_unit_apart_and_the_rail(lifstone: Lifstone, tmp_path: Path) -> None:
    u = RNG.integers(-100, 100, (60, 2))
    u[7, 1] = 300
    np.savez(tmp_path / "a.npz", u=u)
    other = u.copy()
    other[5, 0] += 1
    one = lifstone("diff", tmp_path / "a.npz", archive(tmp_path, u=other), "--json").json()
    assert [(c["kind"], c["explains"]) for c in one["causes"]] == [("rounding", False)]
    clipped = archive(tmp_path, u=np.minimum(u, 127))
    rail = lifstone("diff", tmp_path / "a.npz", clipped, "--json").json()
    assert "b ends at 127, the limit of a word" in rail["causes"][0]["text"]
    # The same highest value, but a difference far from it comes first.
    early = np.minimum(u, 127)
    early[2, 0] -= 9
    other_cause = lifstone("diff", tmp_path / "a.npz", archive(tmp_path, u=early), "--json").json()
    assert other_cause["causes"] == []


def test_the_reset_shows_in_the_potential(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    network = read_nir(chain).network
    x = random_stimulus(network.inputs, 60, 0.4, 1)
    set_, subtract = (
        run_ordered(with_reset(network, r), x.spikes, Order())["p"]
        for r in (Reset.SET, Reset.SUBTRACT)
    )
    np.savez(tmp_path / "a.npz", v=set_.v[:, 0], spikes=set_.spikes[:, 0])
    b = archive(tmp_path, v=subtract.v[:, 0], spikes=subtract.spikes[:, 0])
    found = lifstone("diff", tmp_path / "a.npz", b, "--json").json()
    (reset,) = [c for c in found["causes"] if c["kind"] == "reset"]
    assert "a sets the potential, b subtracts" in reset["text"]


def with_reset(network: Network, reset: Reset) -> Network:
    return replace(
        network, populations={k: replace(m, reset=reset) for k, m in network.populations.items()}
    )


def recorded(folder: Path, name: str, trace: Trace) -> Path:
    np.savez(folder / name, spikes=trace.spikes, v=trace.v)
    return folder / name


def test_a_model_says_which_choice_made_each_trace(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    network = read_nir(chain).network
    x = random_stimulus(network.inputs, 80, 0.4, 1)
    np.savez(tmp_path / "x.npz", **{k: s[:, 0] for k, s in x.spikes.items()})
    a = recorded(tmp_path, "a.npz", run_float(network, x.sample(0))["p"])
    other = run_float(with_reset(network, Reset.SUBTRACT), x.sample(0))["p"]
    model = ("--model", chain, "--stimulus", tmp_path / "x.npz")
    said = lifstone("diff", a, recorded(tmp_path, "b.npz", other), *model, "--json")
    first, second = said.json()["causes"][:2]
    assert said.code == 1
    assert first["text"] == "a is the model: as the file says (spike for spike)"
    assert "b is the model: the other reset" in second["text"]
    assert second["explains"]
    text = lifstone("diff", a, tmp_path / "b.npz", *model).out
    assert "model replayed" in text
    # A trace that no choice gives is called nearest, not found.
    noise = Trace(other.v, other.i, RNG.random(other.spikes.shape) < 0.3)
    wrong = lifstone("diff", a, recorded(tmp_path, "c.npz", noise), *model, "--json").json()
    assert "nearest" in wrong["causes"][1]["text"]
    assert not wrong["causes"][1]["explains"]


def test_a_model_tells_one_rounding_from_another(
    lifstone: Lifstone, loop: Path, tmp_path: Path
) -> None:
    network = read_nir(loop).network
    x = random_stimulus(network.inputs, 150, 0.4, 1)
    np.savez(tmp_path / "x.npz", **{k: s[:, 0] for k, s in x.spikes.items()})
    paths = []
    for name, rounding in (("a.npz", Rounding.NEAREST), ("b.npz", Rounding.ZERO)):
        contract = contract_of(network, Widths(state=10, rounding=rounding)).contract
        trace = run_contract(contract, x.sample(0))["p"]
        volts = replace(trace, v=contract.populations["p"].volts(trace.v))
        paths.append(recorded(tmp_path, name, volts))
    model = ("--model", loop, "--stimulus", tmp_path / "x.npz", "--state-bits", 10)
    first, second = lifstone("diff", *paths, *model, "--json").json()["causes"][:2]
    # No sum ended on a half, so both ways of rounding halves give the same trace.
    assert first["text"].startswith("a is the model: the contract, rounding nearest or the")
    assert first["explains"]
    assert second["text"] == "b is the model: the contract, rounding zero (spike for spike)"


def huge(folder: Path) -> Path:
    """An archive of few bytes that declares 8 TB."""
    with zipfile.ZipFile(folder / "b.npz", "w") as file, file.open("v.npy", "w") as member:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 20, 1 << 20)}
        np.lib.format.write_array_header_1_0(member, header)
    return folder / "b.npz"


def text(name: str, content: str) -> object:
    def make(folder: Path) -> Path:
        (folder / name).write_text(content)
        return folder / name

    return make


VCD = "$timescale 1 ns $end $var wire 1 s spike $end $enddefinitions $end #0 0s #9 1s"


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (lambda f: f / "no.npz", (), "no.npz': allowed is an existing .npz"),
        (text("b.txt", "1"), (), "b.txt': allowed is a file in .csv, .npz"),
        (text("b.fst", "1"), (), "fst2vcd"),
        (text("b.csv", ""), (), "b.csv = '0 bytes'"),
        (text("b.csv", "v,spike\n1,2\n1,x\n"), (), "b.csv = 'broken': allowed is a table"),
        (text("b.csv", "v,spike\n1,2\n1,3\n"), (), "b.csv.spike = [2.0, 3.0]"),
        (text("b.csv", "spike[0],spike[2]\n1,0\n"), (), "b.csv.spike = [0, 2]"),
        (text("b.csv", "spike,spike\n1,0\n"), (), "b.csv.spike = 'twice'"),
        (text("b.csv", "t,spike\n0,0\n1,1\n5,1\n"), (), "b.csv.t[1] = 1.0"),
        (text("b.csv", "neuron,time\n0,0.5\n"), ("--dt", "0"), "dt = 0.0"),
        (text("b.csv", "neuron,time\n0,0.5\n"), (), "b.csv.time.dt = 'not given'"),
        (text("b.csv", "neuron,time\n0,-1\n"), ("--dt", "1"), "b.csv.time[0] = -1.0"),
        (text("b.csv", "neuron,step\n0.5,1\n"), (), "b.csv.neuron[0] = 0.5"),
        (text("b.csv", "neuron,step\n9,30000000\n"), (), "b.csv = [30000001, 10]"),
        (text("b.csv", "neuron,time\n0,0.1\n0,0.2\n"), ("--dt", "1"), "b.csv = '1 spikes'"),
        (text("b.csv", "v\ninf\n"), (), "b.csv.v = 'inf'"),
        (text("b.csv", "0,1\n1,0\n"), (), "b.csv.spike.neurons = 2: allowed is 3 as in a.npz"),
        (text("b.csv", "weight\n1\n"), (), "a.npz.signals = ['spike', 'v']"),
        (text("b.npz", "no archive"), (), "b.npz = 'broken'"),
        (huge, (), "b.npz.v.npy = '1099511627776 values'"),
        (lambda f: archive(f, name="text"), (), "b.npz = 'no signal'"),
        (lambda f: archive(f, v=np.zeros((2, 2, 2))), (), "b.npz.v = [2, 2, 2]"),
        (lambda f: archive(f, spikes=SPIKES, dt=-1.0), (), "b.npz.dt = -1.0"),
        (text("b.nc", "no file"), (), "b.nc = 'broken'"),
        pytest.param(
            text("b.nwb", "no file"),
            (),
            "unbroken .nwb",
            marks=pytest.mark.skipif(find_spec("pynwb") is None, reason="pynwb is not installed"),
        ),
        (text("b.vcd", "no dump"), ("--dt", "1"), "b.vcd"),
        (text("b.vcd", VCD), (), "b.vcd.clock = 'not given': allowed is --clock of spike"),
        (text("b.vcd", VCD), ("--clock", "q"), "b.vcd.clock = 'q'"),
        (text("b.vcd", VCD), ("--dt", "1"), "b.vcd = 'no step'"),
        (text("b.vcd", VCD + " #3 0s"), ("--dt", "1e-9"), "b.vcd.time = 3"),
        (lambda f: archive(f, v=V), ("--signal", "w"), "signal = 'w': allowed is v"),
        (lambda f: archive(f, v=V), ("--clock", "w"), "clock = 'w': allowed is none without"),
        (lambda f: archive(f, v=V), ("--tau", "0"), "tau = 0.0"),
        (lambda f: archive(f, v=V), ("--cost", "-1"), "cost = -1.0"),
        (lambda f: archive(f, v=V), ("--max-offset", "-1"), "max-offset = -1"),
        (lambda f: archive(f, v=V), ("--tolerance", "nan"), "tolerance = nan"),
        (lambda f: archive(f, v=V), ("--stimulus", "x"), "--model and --stimulus together"),
    ],
)
def test_refused(
    lifstone: Lifstone, a: Path, tmp_path: Path, make: object, options: tuple[str, ...], words: str
) -> None:
    said = lifstone("diff", a, make(tmp_path), *options)  # type: ignore[operator]
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_model_of_other_neurons(lifstone: Lifstone, a: Path, loop: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **{"in": np.zeros((80, 3), dtype=int)})
    b = archive(tmp_path, spikes=1 - SPIKES)
    said = lifstone("diff", a, b, "--model", loop, "--stimulus", tmp_path / "x.npz")
    assert (said.code, "spike.neurons = 3: allowed is 5 as in p" in said.err) == (2, True)


def test_longer_traces_are_cut_and_said_so(lifstone: Lifstone, a: Path, tmp_path: Path) -> None:
    said = lifstone("diff", a, archive(tmp_path, spikes=SPIKES[:70]))
    assert said.code == 0
    assert "note: a has 10 steps more, not compared" in said.out
    assert "only in one trace, not compared: a.npz: v" in said.out
