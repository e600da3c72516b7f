"""The command line that a report prints gives the same report."""

from __future__ import annotations

import shlex

import click
import pytest

from lifstone.cli import cli
from lifstone.options import rerun


def printed(words: list[str]) -> str:
    with click.Context(cli, info_name="lifstone") as context:
        name, command, rest = cli.resolve_command(context, words)
        assert command is not None
        return rerun(command.make_context(name, rest, parent=context))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["verify", "m.nir"], "lifstone verify m.nir"),
        (["verify", "m.nir", "--json", "--junit", "j.xml"], "lifstone verify m.nir"),
        (
            ["verify", "a b.nir", "--strict", "--seed", "7", "--report", "it's.html"],
            "lifstone verify 'a b.nir' --report 'it'\"'\"'s.html' --strict --seed 7",
        ),
        (
            ["report", "m.nir", "--out", "r.html", "--weight-bits", "6", "--rate", "0.2"],
            "lifstone report m.nir --out r.html --rate 0.2 --weight-bits 6",
        ),
    ],
)
def test_what_was_given_and_no_more(given: list[str], wanted: str) -> None:
    assert printed(given) == wanted
    assert printed(shlex.split(wanted)[1:]) == wanted
