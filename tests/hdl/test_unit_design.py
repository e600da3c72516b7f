"""The files of a unit: deterministic, plain, and true to the contract."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.cell import Word
from lifstone.golden.unit import UnitContract
from lifstone.hdl import Design
from lifstone.hdl.lint import waiver_file
from lifstone.hdl.names import KEYWORDS
from lifstone.hdl.unit_layout import passes_of, weight_image, weight_shape
from lifstone.hdl.unit_top import generate_unit, unit_hash
from tests.hdl.test_verilog import lint
from tests.hdl.toy_cell import Toy, toy_unit


@pytest.fixture(scope="module")
def contract() -> UnitContract:
    return toy_unit(1, 5, inputs=2)


@pytest.fixture(scope="module")
def design(contract: UnitContract) -> Design:
    return generate_unit(contract, "net", trace=True)


def test_the_same_contract_gives_the_same_text(contract: UnitContract, design: Design) -> None:
    again = generate_unit(toy_unit(1, 5, inputs=2), "net", trace=True)
    assert again.verilog == design.verilog
    assert again.manifest == design.manifest


def test_another_weight_is_another_contract(contract: UnitContract) -> None:
    first, *others = contract.projections
    weight = first.weight.copy()
    weight[0, 0] += 1
    changed = replace(contract, projections=(replace(first, weight=weight), *others))
    assert unit_hash(changed) != unit_hash(contract)


def test_everything_is_written(design: Design, tmp_path: Path) -> None:
    design.write(tmp_path)
    names = {"net.v", "net.vlt", "net.core", "manifest.json", "net_weight.hex", "net_parameter.hex"}
    assert {p.name for p in tmp_path.iterdir()} == names
    said = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert said["populations"][0]["words"]["wide"] == {"width": 63, "signed": False}
    assert said["populations"][0]["trace"]["unsigned"] == ["wide", "hold"]


def test_the_weight_memory_is_laid_out_by_line(contract: UnitContract) -> None:
    """The rows of an event's line, and of the projection that follows it."""
    width, words = weight_shape(contract).width, weight_image(contract)
    passes = passes_of(contract)
    lines = sum(contract.inputs.values()) + contract.cell.n
    assert [p.first for p in passes][:1] == [0]
    assert len(words) == 8 * sum(p.lines for p in passes)
    follow = passes[passes[0].follow or 0]
    assert follow.first == lines
    for p in passes:
        for line in range(p.lines):
            row = words[8 * (p.first + line) :][:5]
            signed = [w - (1 << width) if w >> (width - 1) else w for w in row]
            assert signed == p.weight[:, line].tolist()


def test_no_name_is_reserved_and_lint_is_silent(design: Design, tmp_path: Path) -> None:
    declared = re.findall(r"^  (?:input|output|wire|reg) (?:\[.*?\] )?(\w+)", design.verilog, re.M)
    instances = re.findall(r"^  net_\w+ (\w+) \(", design.verilog, re.M)
    assert instances
    assert not KEYWORDS & {*declared, *instances}
    (tmp_path / "net.v").write_text(design.verilog, encoding="utf-8")
    (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
    assert lint(tmp_path, "net.vlt") == []


def test_a_cell_without_logic_is_named() -> None:
    class Unknown(Toy):
        pass

    class Other:
        n, words, receptors, numbers = 1, {"u": Word(4)}, {}, {}

        def start(self) -> dict[str, np.ndarray]:
            return {"u": np.zeros(1, np.int64)}

        def step(self, state: object, totals: object) -> object:
            return state

    with pytest.raises(NotImplementedError, match="Other"):
        generate_unit(UnitContract(Other(), {}))
    # One that is a kind of a known cell has its logic.
    generate_unit(UnitContract(Unknown(1, np.array([3])), {}))


def test_a_word_may_not_be_called_like_a_port() -> None:
    cell = Toy(1, np.array([3]))
    cell.words["index"] = Word(3)
    with pytest.raises(InvalidValue, match="words = 'index'"):
        generate_unit(UnitContract(cell, {}))
