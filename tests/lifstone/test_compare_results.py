"""The page of results is made by a command, from few images here."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifstone.compare_results import main, results_text

ROOT = Path(__file__).parents[2]


def test_the_page_holds_all_platforms_and_choices(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--images", "4"]) == 0
    text = (tmp_path / "results-platforms.md").read_text(encoding="utf-8")
    for word in ("| loihi |", "| odin |", "reset behind the next step's leak", "pJ a synaptic"):
        assert word in text
    assert "emulation |" not in text
    assert text == results_text(4, None)


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--images", "2", "--recurrent", "none.nir"]) == 2
    assert "none.nir" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_page_in_the_repository_has_the_present_tables() -> None:
    """Heads and rows, not figures: these follow the shipped network."""
    page = (ROOT / "docs" / "results-platforms.md").read_text(encoding="utf-8")
    now = results_text(2, None)
    heads = [line for line in now.splitlines() if line.startswith(("| platform", "| one choice"))]
    assert heads
    assert all(head in page for head in heads)
