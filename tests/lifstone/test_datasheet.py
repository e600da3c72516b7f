"""Datasheets and characterisation from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner

from lifstone.cli import cli
from lifstone.datasheet import read_datasheet
from lifstone.golden import InvalidValue

SHEET = """
title = "A <b>neuron</b>"
[neuron]
c = "4 pF"
[conditions]
corner = ["tt", "ff"]
[[specification]]
figure = "tau"
min = "200 us"
max = {most}
note = "a | note"
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_limits_that_hold_and_that_break(tmp_path: Path) -> None:
    spec = tmp_path / "neuron.toml"
    for most, code in (('"400 us"', 0), ('"250 us"', 1)):
        spec.write_text(SHEET.format(most=most))
        found, text = run("datasheet", str(spec), "--out", str(tmp_path / "sheet"), "--jobs", "1")
        assert found == code, text
        data = json.loads((tmp_path / "sheet" / "datasheet.json").read_text())
        row = data["specifications"][0]
        assert data["passes"] is (code == 0)
        assert row["measured_min"] <= row["measured_median"] <= row["measured_max"]
        assert 2.5e-4 < row["measured_max"] < 4e-4
        assert row["points"] == 2
        assert row["failed"] == 0
        assert ("corner = " in row["worst"]) is (code == 1)
    page = (tmp_path / "sheet" / "datasheet.html").read_text()
    assert "<b>neuron" not in page
    assert "&lt;b&gt;neuron" in page
    assert "<svg" in page
    assert "a | note" not in (tmp_path / "sheet" / "datasheet.md").read_text()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("title = 3", "title"),
        ("nonsense", "datasheet"),
        ("[neuron]\nvolume = 1", "neuron.volume"),
        ('[neuron]\nc = "4 nV"', "neuron.c"),
        ("[neuron]\nc = -4e-12", "c"),
        ("", "specification"),
        ('[[specification]]\nfigure = "speed"\nmin = 1', "specification[0].figure"),
        ('[[specification]]\nfigure = "tau"', "specification[0]"),
        ('[[specification]]\nfigure = "tau"\nmin = 2.0\nmax = 1.0', "specification[0]"),
        ('[[specification]]\nfigure = "tau"\nmin = 0.1\nmust = 1', "specification[0].must"),
        ('[[specification]]\nfigure = "rate"\nmin = 1.0', "specification[0].conditions.current"),
        (
            '[[specification]]\nfigure = "tau"\nmin = 1.0\nconditions = { seed = [0.5] }',
            "specification[0].conditions.seed",
        ),
    ],
)
def test_bad_specifications_name_the_field(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "neuron.toml"
    path.write_text(text)
    with pytest.raises(InvalidValue) as caught:
        read_datasheet(path)
    assert caught.value.field == field


def test_the_example_is_a_specification() -> None:
    sheet = read_datasheet(Path("docs/examples/neuron.toml"))
    assert [s.figure for s in sheet.specifications] == ["tau", "rest", "rate", "idle"]


def test_characterise_writes_axes_and_goes_on_from_its_journal(tmp_path: Path) -> None:
    out, book = tmp_path / "tau.nc", tmp_path / "tau.journal"
    before = ("characterise", "--measure", "ac", "--axis", "corner=tt,ss", "--axis")
    after = ("--out", str(out), "--journal", str(book), "--jobs", "1")
    arguments = (*before, "i_bias=1nA,2nA", *after)
    code, text = run(*arguments)
    assert code == 0, text
    lines = book.read_bytes()
    with xr.open_dataset(out, engine="h5netcdf") as data:
        assert data["tau"].dims == ("corner", "i_bias")
        assert float(data["tau"][0, 0]) > 1.8 * float(data["tau"][0, 1])
    code, _ = run(*arguments)
    assert code == 0
    assert book.read_bytes() == lines
    with pytest.raises(InvalidValue, match="journal"):
        run(*before, "i_bias=1nA,3nA", *after)


@pytest.mark.parametrize(
    ("axis", "field"),
    [("corner", "axis"), ("colour=1", "colour"), ("seed=0.5", "seed"), ("corner=xx", "corner")],
)
def test_bad_axes(tmp_path: Path, axis: str, field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        run("characterise", "--axis", axis, "--out", str(tmp_path / "x.nc"))
