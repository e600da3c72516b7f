"""``lifstone compare``: table, JSON and page, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lifstone.cli import cli
from lifstone.golden import InvalidValue
from lifstone.sim.digits import encode, load_digits

DIGITS = str(Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["compare", DIGITS, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_table_and_page(tmp_path: Path) -> None:
    page = tmp_path / "compare.html"
    said = run("--platform", "loihi,odin", "--steps", "40", "--choices", "--out", str(page))
    assert "all spikes are the float run's" in said
    assert "its leak is a constant" in said
    assert "estimate" in said
    assert "reset behind the next step's leak" in said
    text = page.read_text(encoding="utf-8")
    assert "<h2>Layers</h2>" in text
    assert "lifstone compare" in text
    assert "http" not in text.lower().replace("https://", "http")


def test_json_with_labels(tmp_path: Path) -> None:
    data = load_digits()
    np.savez(tmp_path / "x.npz", pixels=encode(data.test_images[:6]))
    np.save(tmp_path / "y.npy", data.test_labels[:6])
    labels = tmp_path / "y.csv"
    labels.write_text("\n".join(map(str, data.test_labels[:6])))
    given = ["--stimulus", str(tmp_path / "x.npz"), "--json", "--platform", "spinnaker", "--labels"]
    found = json.loads(run(*given, str(tmp_path / "y.npy")))
    again = json.loads(run(*given, str(labels)))
    assert found["samples"] == 6
    assert found["float"]["accuracy"] == again["float"]["accuracy"] >= 0.5
    (row,) = found["platforms"]
    assert row["cost"]["joules"] is None
    assert len(row["layers"][0]["by_step"]) == found["steps"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--platform", "abacus"], "platform = 'abacus': allowed is loihi, truenorth"),
        (["--labels", "none.npy"], "labels = 'none.npy': allowed is an existing"),
        (["--chip", "-1"], "chip = -1"),
        (["--out", "."], "out"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        CliRunner().invoke(cli, ["compare", DIGITS, *arguments], catch_exceptions=False)


def test_labels_that_are_none(tmp_path: Path) -> None:
    for name, content in (("a.npy", b"no"), ("b.csv", b"a,b"), ("c.csv", b"0.5")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidValue, match="whole numbers, one a sample"):
            CliRunner().invoke(
                cli, ["compare", DIGITS, "--labels", str(tmp_path / name)], catch_exceptions=False
            )
