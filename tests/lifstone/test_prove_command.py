"""``lifstone prove``: the table, the counterexample, what is left undecided, exit codes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.case import contract_of
from lifstone.golden import InvalidValue, Status
from lifstone.hdl import generate
from lifstone.hdl.formal.network import prove_network
from lifstone.sim.nir_read import read_nir
from tests.lifstone.conftest import Lifstone

DIGITS = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"


def test_the_digits_network_is_proved(lifstone: Lifstone) -> None:
    said = lifstone("prove", DIGITS, "--json")
    assert said.code == 0
    rows = said.json()["rows"]
    assert [r["verdict"] for r in rows] == ["proved"] * 11
    assert {r["component"] for r in rows} == {"step", "sum", "memories", "streams"}


def test_a_loop_has_every_stream_component(lifstone: Lifstone, loop: Path) -> None:
    said = lifstone("prove", loop, "--component", "streams")
    assert said.code == 0, said.out + said.err
    for part in (
        "core p",
        "merge 3 + 5",
        "delay of 5",
        "fork 5 to 2",
        "network",
        "Proved: 5 of 5.",
    ):
        assert part in said.out


def test_a_counterexample_shows_golden_against_rtl(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    assert lifstone("generate", chain, "--out", tmp_path / "rtl").code == 0
    (path,) = (tmp_path / "rtl").glob("*.v")
    text = path.read_text()
    assert text.count("$signed(u_sum) > ") == 1
    path.write_text(text.replace("$signed(u_sum) > ", "$signed(u_sum) >= "))
    said = lifstone("prove", chain, "--design", tmp_path / "rtl", "--component", "step")
    assert said.code == 1
    assert "deviates" in said.out
    assert "spike" in said.out
    assert "golden" in said.out
    assert "<-- differs" in said.out


def test_of_several_lanes_each_step_and_every_stream_is_proved(
    lifstone: Lifstone, loop: Path
) -> None:
    said = lifstone("prove", loop, "--lanes", "2", "--json")
    # The way through the memories is not proved, and the exit code does not hide it.
    assert said.code == 3, said.out + said.err
    words = {r["body"]: r["verdict"] for r in said.json()["rows"]}
    assert {b for b, word in words.items() if word != "proved"} == {"memories of p"}
    assert words["memories of p"] == "unknown"
    assert words["step of p, lane 0"] == words["step of p, lane 1"] == "proved"
    assert words["core p"] == words["queue of 5"] == "proved"


def test_without_the_memories_cores_with_lanes_are_proved(lifstone: Lifstone, loop: Path) -> None:
    for component in ("step", "sum"):
        said = lifstone("prove", loop, "--lanes", "2", "--component", component)
        assert said.code == 0, said.out + said.err
    said = lifstone("prove", loop, "--lanes", "2", "--component", "memories")
    assert said.code == 3
    assert "no proof for 2 lanes" in " ".join(said.out.split())


def test_a_design_has_its_own_lanes(lifstone: Lifstone, loop: Path, tmp_path: Path) -> None:
    assert lifstone("generate", loop, "--out", tmp_path / "rtl", "--lanes", "2").code == 0
    said = lifstone("prove", loop, "--design", tmp_path / "rtl", "--lanes", "2")
    assert said.code == 2
    assert "allowed is not given: the design has its own" in said.err


def test_what_is_not_decided_in_time_is_said(lifstone: Lifstone, chain: Path) -> None:
    said = lifstone("prove", chain, "--component", "step", "--timeout", "0.000001")
    assert said.code == 3
    assert "unknown" in said.out
    assert "not decided within 1e-06 s" in said.out
    assert "Proved: 0 of 1." in said.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--timeout", "0"), "timeout = 0.0: allowed is seconds"),
        (
            ("--component", "leak"),
            "component = 'leak': allowed is step, sum, memories, streams or all",
        ),
    ],
)
def test_bad_options(lifstone: Lifstone, chain: Path, options: tuple[str, str], words: str) -> None:
    said = lifstone("prove", chain, *options)
    assert said.code == 2
    assert words in said.err


def test_without_z3_the_install_line_is_given(
    lifstone: Lifstone, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("lifstone.hdl.formal")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "z3", None)
    said = lifstone("prove", chain)
    assert said.code == 3
    assert "pip install z3-solver" in said.err


def test_an_accumulator_too_narrow_deviates() -> None:
    contract = contract_of(read_nir(DIGITS).network).contract
    design = generate(contract)
    c = contract.populations["hidden"]
    less = {**contract.populations, "hidden": replace(c, acc_width=c.acc_width - 1)}
    with pytest.raises(InvalidValue, match=f"allowed is at least {c.acc_width} bits"):
        replace(contract, populations=less)
    narrow = replace(contract)
    object.__setattr__(narrow, "populations", less)  # as no constructor allows it
    rows = prove_network(narrow, design, ("sum",))
    assert [r.verdict.status for r in rows] == [Status.DEVIATES, Status.PROVED]
    assert f"needs {c.acc_width} bits" in rows[0].verdict.reason
    most = max(k.weight.clip(0).sum(axis=1).max() for k in contract.into("hidden"))
    assert str(int(np.asarray(most))) in rows[0].verdict.reason
