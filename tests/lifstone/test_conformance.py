"""The matrix: outcomes, the registry, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lifstone.cli import cli
from lifstone.conformance import BODIES, compute, recorded
from lifstone.conformance.cell import MatrixCell, Overlay, from_checks, joined
from lifstone.conformance.matrix import find
from lifstone.conformance.page import render
from lifstone.golden import InvalidValue, Status
from lifstone.golden.systems import KEYS, Check


def check(error: float, tolerance: float, name: str = "a figure") -> Check:
    return Check(name, 1.0 + error, 1.0, error, tolerance, "relative", "Hz", "theory", "rounding")


def test_the_figure_nearest_to_its_tolerance_speaks_for_the_cell() -> None:
    outcome = from_checks([check(1e-9, 1e-3), check(5e-4, 1e-3, "worse")], "steps", 3)
    assert outcome.status is Status.WITHIN
    assert outcome.verdict == "within 0.001 relative"
    assert outcome.figure == 5e-4
    assert outcome.checks[0].name == "worse"
    assert from_checks([check(0.0, 0.0)], "").status is Status.EXACT
    broken = from_checks([check(1e-9, 1e-3), check(2e-3, 1e-3, "broken")], "")
    assert broken.status is Status.DEVIATES
    assert "broken is 1.002 instead of 1" in broken.verdict
    assert joined([outcome, broken]) is broken
    assert from_checks([check(float("nan"), 1e-3)], "").status is Status.DEVIATES


def test_cells_are_computed_and_name_their_command() -> None:
    (cell,) = compute(["ota"], ["network"])
    assert cell.agrees
    assert cell.command == "lifstone conformance --system ota --body network"
    assert cell.to_dict()["number"] == 10
    for kind, value in (("system", "ott"), ("body", "rt")):
        systems, bodies = (["ott"], ["rtl"]) if kind == "system" else (["ota"], ["rt"])
        with pytest.raises(InvalidValue, match=value):
            list(compute(systems, bodies))


def test_a_cell_that_nothing_computes_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifstone.conformance.matrix.MAKERS", {})
    (cell,) = compute(["fi"], ["rtl"])
    assert not cell.agrees
    assert "not built" in cell.outcome.verdict


def test_the_record_has_every_cell_with_what_it_rests_on() -> None:
    cells = {(c["system"], c["body"]): c for c in recorded()["cells"]}
    assert set(cells) == {(key, body) for key in KEYS for body in BODIES}
    for place, cell in cells.items():
        assert cell["verdict"], place
        built = find(*place) is not None
        assert (cell["status"] != "deviates") is built, cell["verdict"]
        if built:
            assert cell["stimulus"], place
            assert cell["because"], place


def test_list_prints_the_record_at_once() -> None:
    result = CliRunner().invoke(cli, ["conformance", "--list", "--json", "--system", "fi"])
    assert result.exit_code == 0
    assert [c["body"] for c in json.loads(result.output)["cells"]] == list(BODIES)


def test_the_command_writes_page_and_record(tmp_path: Path) -> None:
    page, record = tmp_path / "m.html", tmp_path / "m.json"
    arguments = ["conformance", "--system", "summation", "--body", "network",
                 "--out", str(page), "--record", str(record)]  # fmt: skip
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(record.read_text())["cells"][0]["status"] == "within"
    assert 'id="summation-network"' in page.read_text()


def test_the_page_shows_the_traces_where_they_part() -> None:
    x = np.arange(2000.0)
    body = np.where(x < 1500, 0.0, 1.0)
    outcome = from_checks([check(2.0, 1.0, "<b>")], "")
    drawn = type(outcome)(**{**vars(outcome), "overlay": Overlay("step", "u", x, x * 0, body)})
    text = render([MatrixCell("fi", 5, "rtl", drawn, 1.0)])
    assert "<svg" in text
    assert "<b>" not in text
