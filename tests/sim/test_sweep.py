"""Sweeps of transistor neurons: grids, mismatch, retries on record, journals that survive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.analog.generic import GENERIC
from lifstone.analog.mismatch import draw_shifts, sigma
from lifstone.analog.silicon import SiliconNeuron, schematic
from lifstone.analog.solver import LADDER
from lifstone.golden import InvalidValue
from lifstone.sim.spice_workers import Outcome
from lifstone.sim.sweep.journal import Journal
from lifstone.sim.sweep.points import SiliconPoint, silicon_points
from lifstone.sim.sweep.run import sweep_silicon

HEADER = {"measure": "ac", "digest": "1"}
Settle = Callable[[int, Outcome], SiliconPoint | None]


def test_mismatch_shrinks_with_the_gate() -> None:
    die = schematic(SiliconNeuron()).transistors
    draws = [draw_shifts(GENERIC, die, seed) for seed in range(2000)]
    for t in die[:4]:
        spread = np.std([d[t.name].v_t for d in draws])
        # 2000 draws: a standard error of 1.6 %, and three of them.
        assert spread == pytest.approx(sigma(GENERIC, t).v_t, rel=0.048)
    pair = next(t for t in die if t.name == "leaka")
    assert sigma(GENERIC, pair).v_t == pytest.approx(5e-9 / np.sqrt(2 * 4e-6 * 2e-6))
    assert draws[7] == draw_shifts(GENERIC, die, 7)
    with pytest.raises(InvalidValue, match="seed"):
        draw_shifts(GENERIC, die, -1)


def test_grid_in_order_and_checked() -> None:
    points = silicon_points("ac", {"corner": ["tt", "ff"], "i_bias": [1e-9, 2e-9]})
    assert [(p.neuron.corner, p.neuron.i_bias) for p in points] == [
        ("tt", 1e-9),
        ("tt", 2e-9),
        ("ff", 1e-9),
        ("ff", 2e-9),
    ]
    dice = silicon_points("ac", {"seed": [0, 1]})
    assert dice[0].neuron.shifts != dice[1].neuron.shifts
    for axes, field in (
        ({"colour": [1]}, "axis"),
        ({"corner": []}, "corner"),
        ({"corner": ["tt", "tt"]}, "corner"),
        ({"corner": ["zz"]}, "corner"),
        ({"c": [-1e-12]}, "c"),
    ):
        with pytest.raises(InvalidValue, match=field):
            silicon_points("ac", axes)
    with pytest.raises(InvalidValue, match="current"):
        silicon_points("rate", {"corner": ["tt"]})


def test_sweep_gives_labelled_figures_and_their_origin() -> None:
    data = sweep_silicon("ac", {"i_bias": [1e-9, 4e-9], "corner": ["tt", "ss"]}, workers=1)
    tau = data["tau"].sel(corner="tt")
    assert float(tau[0] / tau[1]) == pytest.approx(4.0, rel=0.02)
    assert data["tau"].attrs["units"] == "s"
    assert data["i_bias"].attrs["units"] == "A"
    assert "lif_nmos" in data.attrs["netlist"]
    assert set(data["solver"].values.ravel()) == {"as designed"}
    assert not data["error"].values.any()


def scripted(script: dict[int, list[Any]]) -> Callable[..., list[Outcome]]:
    """Who runs the points: every attempt of a point takes the next entry of its list."""

    def spread(
        _measure: object,
        points: Sequence[SiliconPoint],
        _workers: int,
        tell: Callable[[int, int], None],
        *,
        timeout: float,
        settle: Settle,
    ) -> list[Outcome]:
        for k, first in enumerate(points):
            trial: SiliconPoint | None = first
            rungs = []
            for answer in script[k]:
                assert trial is not None
                rungs.append(trial.neuron.solver)
                error = answer if isinstance(answer, str) else ""
                trial = settle(k, (answer, error))
            assert trial is None
            assert rungs == list(LADDER[: len(rungs)])
            tell(k + 1, len(points))
        return []

    return spread


def test_every_retry_is_on_record() -> None:
    good = {"tau": 1.0, "g_m": 2.0}
    script = {0: [good], 1: ["no convergence", good], 2: ["a", "b", "c", "d"]}
    data = sweep_silicon("ac", {"i_bias": [1e-9, 2e-9, 3e-9]}, spread=scripted(script))
    assert list(data["solver"].values) == ["as designed", "trapezoidal", "gmin 1e-15"]
    assert list(data["error"].values) == ["", "", "d"]
    assert json.loads(str(data["attempts"].values[1])) == ["as designed: no convergence"]
    assert len(json.loads(str(data["attempts"].values[2]))) == len(LADDER)
    assert np.isnan(data["tau"].values[2])


def test_journal_drops_a_torn_line_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "sweep.journal"
    with Journal(path, HEADER) as book:
        book.write(3, {"values": {"tau": 1.0}})
        book.write(1, {"values": {"tau": 2.0}})
    whole = path.read_bytes()
    for cut in range(len(whole) - 30, len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path, HEADER) as book:
            assert set(book.done) == {3}
            book.write(1, {"values": {"tau": 2.0}})
        assert path.read_bytes() == whole


def test_journal_of_another_sweep_or_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.journal"
    with Journal(path, HEADER):
        with pytest.raises(InvalidValue, match="no process writes"):
            Journal(path, HEADER)
        before = path.read_bytes()
    with pytest.raises(InvalidValue, match="same sweep"):
        Journal(path, {**HEADER, "digest": "2"})
    assert path.read_bytes() == before
    path.write_text("not a journal\n")
    with pytest.raises(InvalidValue, match="of this program"):
        Journal(path, HEADER)


KILLED = """
import sys
from pathlib import Path
from lifstone.sim.sweep.run import sweep_silicon
if __name__ == "__main__":
    axes = {"i_bias": [k * 1e-9 for k in range(1, 9)]}
    sweep_silicon("ac", axes, journal=Path(sys.argv[1]), workers=1)
"""


def test_a_killed_sweep_goes_on_without_running_a_point_twice(tmp_path: Path) -> None:
    script, path = tmp_path / "killed.py", tmp_path / "sweep.journal"
    script.write_text(KILLED)
    process = subprocess.Popen([sys.executable, str(script), str(path)])
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= 3:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = path.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    assert 2 <= kept.count(b"\n") <= 9
    axes = {"i_bias": [k * 1e-9 for k in range(1, 9)]}
    data = sweep_silicon("ac", axes, journal=path, workers=1)
    after = path.read_bytes()
    assert after.startswith(kept)
    numbers = [json.loads(line)["point"] for line in after.splitlines()[1:]]
    assert sorted(numbers) == list(range(8))
    fresh = sweep_silicon("ac", {"i_bias": [8e-9]}, workers=1)
    assert float(data["tau"][7]) == float(fresh["tau"][0])
