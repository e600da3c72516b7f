"""Widths files: what is written is read, everything else is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import DecayMode, InvalidValue, Rounding, Widths
from lifstone.widths_file import read_widths, widths_text, write_widths
from tests.lifstone.conftest import Lifstone

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WIDTHS = st.builds(
    Widths,
    state=st.integers(8, 32),
    fraction=st.none() | st.integers(0, 6),
    syn=st.none() | st.integers(30, 32),
    weight=st.integers(2, 24),
    decay=st.integers(1, 24),
    decay_mode=st.sampled_from(list(DecayMode)),
    rounding=st.sampled_from(list(Rounding)),
)


@settings(max_examples=60, deadline=None)
@given(widths=st.dictionaries(NAMES, WIDTHS, min_size=1, max_size=4))
def test_what_is_written_is_read(
    widths: dict[str, Widths], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("w") / "new" / "widths.toml"
    write_widths(path, widths, ["chosen\nfor a test"])
    assert read_widths(path, widths) == widths
    assert path.read_text().startswith("# chosen for a test\n")


GOOD = 'format = "lifstone widths 1"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"widths = .*a TOML file"),
        ("", "widths.format = None"),
        ('format = "other"', "widths.format = 'other'"),
        (GOOD, "widths.populations = None"),
        (GOOD + "speed = 1\n[populations.p]", "widths = 'speed'"),
        (GOOD + "[populations.q]", "widths.p = None: allowed is a Widths for every population"),
        (GOOD + "[populations.p]\n[populations.q]", "widths.q = 'q': allowed is populations p"),
        (GOOD + "populations = {p = 3}", "widths.p = 3"),
        (GOOD + "[populations.p]\nbits = 3", "widths.p.bits = 3: allowed is one of state"),
        (GOOD + "[populations.p]\nstate = 3", "widths.p.state = 3: allowed is 4 to 32 bits"),
        (GOOD + "[populations.p]\nstate = 1.5", "widths.p.state = 1.5: allowed is a whole"),
        (GOOD + "[populations.p]\nstate = true", "widths.p.state = True"),
        (GOOD + "[populations.p]\nrounding = 3", "widths.p.rounding = 3: allowed is a text"),
        (GOOD + "[populations.p]\nrounding = 'up'", "widths.p.rounding = 'up'"),
    ],
)
def test_other_files_are_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=message) as caught:
        read_widths(path, ["p"])
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="an existing widths file"):
        read_widths(tmp_path / "none.toml", ["p"])
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidValue, match="a TOML file"):
        read_widths(tmp_path / "b.toml", ["p"])


def test_commands_take_the_file(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(widths_text({"p": Widths(state=13, fraction=6, weight=7, decay=9)}))
    out = tmp_path / "rtl"
    said = lifstone("generate", chain, "--out", out, "--widths", path, "--json")
    (row,) = said.json()["populations"]
    assert (row["width"], row["fraction"], row["weight_width"]) == (13, 6, 7)
    said = lifstone("verify", chain, "--widths", path, "--bodies", "rtl", "--steps", 40, "--json")
    (row,) = [r for r in said.json()["rows"] if r["body"] == "rtl"]
    assert (said.code, row["status"]) == (0, "exact")
    said = lifstone("prove", chain, "--widths", path, "--component", "step", "--json")
    assert (said.code, said.json()["proved"]) == (0, True)


def test_the_file_and_a_width_contradict(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(widths_text({"p": Widths()}))
    said = lifstone(
        "generate", chain, "--out", tmp_path / "o", "--widths", path, "--weight-bits", 6
    )
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "this file, or --weight-bits: not both" in said.err
    assert not (tmp_path / "o").exists()
