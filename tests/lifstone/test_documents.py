"""What the documents tell a reader to type does work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from lifstone.cli import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(path: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(path.read_text("utf-8")) if kind == language]


def command_lines() -> list[tuple[str, str]]:
    """Every line of a code block that calls lifstone, with its document."""
    found = []
    for path in DOCUMENTS:
        for _, text in FENCE.findall(path.read_text(encoding="utf-8")):
            for line in text.replace("\\\n", " ").splitlines():
                call = re.search(r"(?:^|run: |\s)(?:\.venv/bin/)?(lifstone [a-z-].*)$", line)
                if call and "import" not in line:
                    found.append((path.name, call[1]))
    return found


def test_the_readme_shows_commands() -> None:
    shown = {line.split()[1] for name, line in command_lines() if name == "README.md"}
    assert {"verify", "report", "generate", "build", "sweep", "fit", "doctor"} <= shown


@pytest.mark.parametrize(("document", "line"), command_lines())
def test_a_command_line_is_understood(document: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    with click.Context(cli, info_name="lifstone") as context:
        name, command, rest = cli.resolve_command(context, words)
        assert command is not None, document
        command.make_context(name, rest, parent=context).close()


def test_a_wrong_command_line_is_not_understood() -> None:
    with click.Context(cli, info_name="lifstone") as context:
        name, command, rest = cli.resolve_command(context, ["verify", "m.nir", "--nope"])
        assert command is not None
        with pytest.raises(click.NoSuchOption):
            command.make_context(name, rest, parent=context)


def test_the_python_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = blocks(ROOT / "README.md", "python")
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "__main__"}
    exec(compile(text, "README.md", "exec"), space)
    said = capsys.readouterr()
    assert said.err == ""
    assert "my_net" in said.out
    assert int(said.out.split()[-1]) > 0
