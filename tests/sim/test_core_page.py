"""The page on cores: its example runs, and it knows every registered core's contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "cores.md"


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "__main__"}
    exec(compile(text, "cores.md", "exec"), space)
    assert capsys.readouterr().out.split() == ["exact", str(500 * 3 * 2)]
    assert (tmp_path / "counter" / "counter.v").is_file()


def test_the_files_that_it_names_exist() -> None:
    root = PAGE.parents[1]
    named = re.findall(r"`((?:golden|hdl|sim|tests)/[\w/.]+)`", PAGE.read_text("utf-8"))
    assert len(named) > 8
    for path in named:
        assert (root / path).exists(), path
