"""One neuron against the traces that other platforms recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Network, run_float, solve
from lifstone.sim.nir_read import read_nir
from lifstone.sim.replay import BODIES, Match, read_trace_csv, replay

SHARED = Path(__file__).parents[3] / "shared" / "nir"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/nir is absent")
NEURON = Lif(tau_mem=2.5e-3, v_th=0.1)
DT = 1e-4


@real
@pytest.mark.parametrize("body", BODIES)
def test_the_exact_trace_is_met_step_by_step(body: str) -> None:
    match = replay(NEURON, DT, read_trace_csv(SHARED / "lif_exact.csv"))[body]
    assert match.expected == (460, 510, 710, 760)
    assert match.got == match.expected
    assert match.within(0)


@real
def test_the_exact_potential_is_met_at_every_sample() -> None:
    recording = read_trace_csv(SHARED / "lif_exact.csv")
    exact = solve(NEURON, recording.inputs.astype(float), DT)
    assert exact.spike_steps(DT).tolist() == [460, 510, 710, 760]
    # A thousand samples of an adaptive integrator, which names no tolerance of its own.
    assert recording.v.size == 1000
    np.testing.assert_allclose(exact.v, recording.v, rtol=0, atol=1e-8)
    # Between spikes the grid is exact too; a spike costs it the rest of its step.
    grid = run_float(_alone(NEURON), {"in": recording.inputs[:, None]})["lif"]
    np.testing.assert_allclose(grid.v[:460, 0], recording.v[:460], rtol=0, atol=1e-8)
    assert 1e-3 < np.abs(grid.v[:, 0] - recording.v).max() < 1e-2


def _alone(lif: Lif) -> Network:
    return Network(DT, {"in": 1}, {"lif": lif}, (Connection("in", "lif", [[1.0]]),), ("lif",))


@real
def test_the_recorded_neuron_as_its_own_file() -> None:
    recording = read_trace_csv(SHARED / "lif_exact.csv")
    net = read_nir(SHARED / "lif_norse.nir").network
    (name,) = net.populations
    assert net.dt == DT
    spikes = run_float(net, {"input": recording.inputs[:, None]})[name].spikes[:, 0]
    assert np.flatnonzero(spikes).tolist() == [460, 510, 710, 760]


@real
@pytest.mark.parametrize(
    ("file", "matching", "offset"),
    [
        ("lif_lava_cpu_fixed.csv", 0, 1),
        ("lif_lava_loihi_fixed.csv", 0, 1),
        ("lif_nengo.csv", 4, 0),
        ("lif_norse.csv", 4, 0),
        ("lif_snntorch.csv", 4, 0),
        ("lif_spinnaker2.csv", 4, 0),
        # Another model: its spikes come an input spike earlier in the first volley.
        ("lif_sinabs.csv", 2, 10),
    ],
)
def test_where_the_platforms_lie(file: str, matching: int, offset: int) -> None:
    found = replay(NEURON, DT, read_trace_csv(SHARED / file))
    for match in found.values():
        assert (match.matching, match.max_offset) == (matching, offset), str(match)
        assert match.within(1) == (offset <= 1)


def test_the_reader_keeps_every_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,0.5,0\n0.04,1.5,1\n")
    recording = read_trace_csv(path)
    assert recording.inputs.tolist() == [0, 1]
    assert recording.v.tolist() == [0.5, 1.5]
    assert recording.spikes.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 bytes"),
        ("a,b,c\n", "a table of numbers"),
        ("1,2\n", "2 columns"),
        ("1,2,3\n1,2\n", "a table of numbers"),
        ("1,nan,0\n", r"recording\[0, 1\] = nan"),
        ("1,0,0\n2,0,0\n", r"recording.input = \[1.0, 2.0\]"),
        ("1,0,1\n1,0,-1\n", "recording.spike"),
    ],
)
def test_wrong_recordings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=message):
        read_trace_csv(path)


def test_missing_recording_and_several_neurons(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"an existing \.csv file"):
        read_trace_csv(tmp_path / "none.csv")
    path = tmp_path / "a.csv"
    path.write_text("0,0,0\n" * 3)
    with pytest.raises(InvalidValue, match="n = 2"):
        replay(Lif(tau_mem=1e-2, n=2), DT, read_trace_csv(path))


def test_a_match_counts_pairs_and_the_unpaired() -> None:
    match = Match("golden", (3, 7, 9), (3, 8))
    assert (match.matching, match.max_offset) == (1, 1)
    assert not match.within(1)
    assert str(match) == (
        "golden: 1 of 3 spikes in the same step, largest offset 1 steps, 2 spikes in all"
    )
    none = Match("golden", (), ())
    assert none.max_offset is None
    assert none.within(0)
    assert none.matching == 0
