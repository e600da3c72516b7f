"""The figures of docs/analog.md: what they show, and that they are written whole."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from lifstone.sim import spice_figures
from lifstone.sim.spice_figures import fi_figure, membrane_figure, saturation_figure, tau_figure
from lifstone.sim.spice_sweep import sweep

ROOT = Path(__file__).parents[2]
BASE = {"i_bias": [20e-9], "c": [10e-12], "temperature": [300.15]}


def points(figure: Figure, label: str) -> list[np.ndarray]:
    """The data of the first curve of each pair of axes whose label starts so, ``(n, 2)``."""
    found = []
    for ax in figure.axes:
        lines = [line for line in ax.get_lines() if str(line.get_label()).startswith(label)]
        found += [np.asarray(line.get_xydata()) for line in lines[:1]]
    return found


def words(figure: Figure) -> str:
    return " ".join(t.get_text() for t in figure.findobj() if hasattr(t, "get_text"))


def test_time_constants() -> None:
    data = [
        sweep(**{**BASE, "i_bias": [1e-10, 1e-8]}, jobs=1),
        sweep(**{**BASE, "temperature": [250.0, 350.0]}, jobs=1),
    ]
    figure = tau_figure(data)
    theory, simulated = points(figure, "theory"), points(figure, "SPICE")
    assert [a[:, 0].tolist() for a in simulated] == [[1e-10, 1e-8], [250.0, 350.0]]
    for a, b in zip(theory, simulated, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    assert "at most 0.001 % off" in words(figure)


def test_rates() -> None:
    data = sweep(**BASE, measure="fi", v_th=[1e-3, 0.2], drive=[0.5, 1.5, 3.0], jobs=1)
    figure = fi_figure(data)
    (low, *_), (high, *_) = points(figure, "1 mV"), points(figure, "200 mV")
    assert low[0, 1] == 0 < high[0, 1]
    assert "up to 11.7 mV" in words(figure)
    assert points(figure, "linear, every")[0][0, 1] == 0


def test_one_interval() -> None:
    figure = saturation_figure()
    tanh, linear = points(figure, "tanh"), points(figure, "linear")
    # The two meet the threshold together at 1 mV, and far apart at 200 mV.
    assert tanh[0][-1, 0] == pytest.approx(linear[0][-1, 0], rel=1e-3)
    assert tanh[1][-1, 0] < 0.7 * linear[1][-1, 0]


def test_membrane() -> None:
    figure = membrane_figure()
    (simulated,), (exact,) = points(figure, "SPICE"), points(figure, "event-driven")
    at = np.array([0.03, 0.07, 0.095, 0.14])
    np.testing.assert_allclose(np.interp(at, *simulated.T), np.interp(at, *exact.T), atol=2e-3)
    assert re.search(r"3 spikes, each within \d+ ns", words(figure))


def test_files_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.png"
    spice_figures._write(spice_figures._figure(2.0, 1.0), path)
    assert imread(path).shape[:2] == (110, 220)
    before = path.read_bytes()
    spice_figures._write(spice_figures._figure(2.0, 1.0), path)
    assert path.read_bytes() == before

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="No space"):
        spice_figures._write(spice_figures._figure(2.0, 1.0), path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
    assert path.read_bytes() == before


def test_the_page_shows_figures_that_are_there() -> None:
    page = ROOT / "docs" / "analog.md"
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert len(shown) == 4
    for name in shown:
        assert imread(page.parent / name).shape[1] > 800
