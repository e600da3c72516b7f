"""``--lanes`` of generate, build, verify and report."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifstone.golden import InvalidValue
from lifstone.options import lanes_from
from tests.lifstone.conftest import Lifstone


def test_lanes_are_one_number_or_one_for_each_population() -> None:
    assert lanes_from("4") == 4
    assert lanes_from("hidden=8, a=b=2") == {"hidden": 8, "a=b": 2}


@pytest.mark.parametrize("text", ["", "x", "-2", "1.5", "p=", "p=x", "p=2,4", "p=2,p=4", "9" * 9])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="lanes"):
        lanes_from(text)


def test_generate_and_verify_with_lanes(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    said = lifstone("generate", chain, "--out", tmp_path / "rtl", "--lanes", "p=2", "--json")
    assert said.code == 0
    assert [p["lanes"] for p in said.json()["populations"]] == [2]
    assert "3 neurons, 2 at once" in (tmp_path / "rtl" / "lifstone_net.v").read_text()
    said = lifstone("verify", chain, "--bodies", "rtl", "--steps", 40, "--lanes", 2, "--json")
    (row,) = [r for r in said.json()["rows"] if r["body"] == "rtl"]
    assert (said.code, row["status"]) == (0, "exact")


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("generate", ["--out", "new"]),
        ("verify", []),
        ("report", ["--out", "new.html"]),
        ("build", ["--board", "ulx3s", "--out", "new"]),
    ],
)
@pytest.mark.parametrize("lanes", ["0", "3", "4", "q=2", "p=2=2"])
def test_lanes_that_no_population_has_are_one_line(
    lifstone: Lifstone,
    chain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    rest: list[str],
    lanes: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = lifstone(command, chain, *rest, "--lanes", lanes)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "lanes = " in said.err
    assert "allowed is" in said.err
    assert {p.name for p in tmp_path.iterdir()} == {chain.name}


def test_a_written_design_has_its_own_lanes(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    assert lifstone("generate", chain, "--out", tmp_path / "rtl", "--lanes", 2).code == 0
    said = lifstone("verify", chain, "--design", tmp_path / "rtl", "--lanes", 2)
    assert (said.code, "the design has its own" in said.err) == (2, True)
