"""What is generated from a contract: manifest, hash, memory files, core file, and writing."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lifstone.golden import Contract, Decay, Drive, InvalidValue, NetworkContract, Reset, Rounding
from lifstone.hdl import Design, contract_hash, generate, read_design
from lifstone.hdl.core import pack_parameters, pack_weights
from tests.hdl.contracts import one_core, random_contract
from tests.networks import random_quantised


def contract(**changes: Any) -> NetworkContract:
    """One core with a synapse, blended drive and parameters that differ, if not changed."""
    chosen = (Rounding.EVEN, "multiply", "multiply", Drive.BLEND, Reset.SET)
    c = random_contract(np.random.default_rng(5), 3, chosen)
    c = dataclasses.replace(c, acc_width=9, bias=np.array([1, -2, 3]), weight_shift=1, **changes)
    return one_core(c, np.array([[1, -2], [3, 4], [-5, 31]]))


@pytest.fixture(scope="module")
def network() -> NetworkContract:
    return random_quantised(5, inputs=2).contract


@pytest.fixture(scope="module")
def design(network: NetworkContract) -> Design:
    return generate(network, "net", trace=True)


def test_the_manifest_says_what_the_ports_are(network: NetworkContract, design: Design) -> None:
    m = design.manifest
    assert (m["name"], m["generator"], m["contract_version"]) == ("net", "lifstone", "1.0")
    assert m["contract_sha256"] == contract_hash(network)
    assert m["reset"] == {"port": "rst", "active": "high", "synchronous": True}
    assert [(p["name"], p["n"]) for p in m["inputs"]] == list(network.inputs.items())
    assert [p["name"] for p in m["outputs"]] == list(network.outputs)
    head = re.search(r"^module net \((.*?)\);(.*?)^endmodule", design.verilog, re.M | re.S)
    assert head is not None
    ports = re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);", head[2], re.M)
    widths = {name: int(top or 0) + 1 for top, name in ports}
    expected = {"clk": 1, "rst": 1}
    for p in (*m["inputs"], *m["outputs"]):
        fields = {"valid": 1, "ready": 1, "tick": 1, "address": p["address_width"]}
        expected |= {f"{p['port']}_{k}": w for k, w in fields.items()}
        assert 1 << p["address_width"] >= p["n"]
    for p in m["populations"]:
        fields = {"valid": 1, **p["trace"]["fields"]}
        expected |= {f"{p['trace']['port']}_{k}": w for k, w in fields.items()}
    assert widths == expected


def test_the_manifest_says_what_the_integers_are(network: NetworkContract, design: Design) -> None:
    for p in design.manifest["populations"]:
        c = network.populations[p["name"]]
        for key in ("n", "width", "fraction", "syn_width", "weight_width", "weight_shift"):
            assert p[key] == getattr(c, key), key
        assert p["state"] == f"Q{c.width - c.fraction}.{c.fraction}"
        assert p["spiking"] == (c.threshold is not None)
        assert p["volts_per_unit"] == c.lsb.tolist()
        assert f"module net_{p['core']} " in design.verilog
        known = [x for x in network.connections if x.post == p["name"]]
        assert [(s["pre"], s["delay"], s["rows"]) for s in p["sources"]] == [
            (x.pre, x.delay, network.size(x.pre)) for x in known
        ]
        rows = np.cumsum([0, *(s["rows"] for s in p["sources"])])
        assert [s["first_row"] for s in p["sources"]] == rows[:-1].tolist()


def test_without_trace_there_are_no_trace_ports(network: NetworkContract) -> None:
    plain = generate(network, "net")
    assert plain.manifest["trace"] is False
    assert all("trace" not in p for p in plain.manifest["populations"])
    assert "output trace_" not in plain.verilog


def inline(verilog: str, module: str, memory: str) -> list[int]:
    """Contents of a memory as the Verilog initialises it."""
    text = re.search(rf"^module {module} .*?^endmodule", verilog, re.M | re.S)
    assert text is not None
    found = re.findall(rf"^    {memory}\[(\d+)\] = \d+'h([0-9a-f]+);", text[0], re.M)
    assert [int(k) for k, _ in found] == list(range(len(found)))
    return [int(word, 16) for _, word in found]


def test_memory_files_are_what_the_verilog_holds() -> None:
    made = generate(contract(), "net")
    c = contract().populations["p"]
    assert set(made.memories) == {"net_p_weight.hex", "net_p_parameter.hex"}
    weights = [int(line, 16) for line in made.memories["net_p_weight.hex"].split()]
    assert weights == inline(made.verilog, "net_core_p", "weight_memory")
    assert weights == pack_weights(c, [contract().connections[0].weight])
    numbers = [int(line, 16) for line in made.memories["net_p_parameter.hex"].split()]
    assert numbers == inline(made.verilog, "net_core_p", "parameter_memory")
    assert numbers == pack_parameters(c)
    assert made.manifest["memories"] == list(made.memories)


def test_each_memory_word_has_all_its_digits(design: Design) -> None:
    for text in design.memories.values():
        assert len({len(line) for line in text.splitlines()}) == 1


CHANGES: dict[str, Callable[[Contract], Any]] = {
    "width": lambda c: c.width + 1,
    "fraction": lambda c: c.fraction - 1,
    "syn_width": lambda c: c.syn_width + 1,
    "weight_width": lambda c: c.weight_width + 1,
    "weight_shift": lambda c: c.weight_shift + 1,
    "acc_width": lambda c: c.acc_width + 1,
    "decay_mem": lambda c: Decay(shift=3),
    "decay_syn": lambda c: Decay(np.asarray(c.decay_syn.coefficient), c.decay_syn.fraction + 1),
    "drive": lambda c: Drive.NEW,
    "couple": lambda c: c.couple + 1,
    "couple_fraction": lambda c: c.couple_fraction + 1,
    "threshold": lambda c: c.threshold - 1,
    "reset": lambda c: Reset.SUBTRACT,
    "u_reset": lambda c: np.zeros(3, np.int64) + 7,
    "u_drop": lambda c: np.zeros(3, np.int64) + 7,
    "u_init": lambda c: np.zeros(3, np.int64) + 7,
    "hold": lambda c: c.hold + np.array([0, 0, 1]),
    "bias": lambda c: c.bias + 1,
    "rounding": lambda c: Rounding.ZERO,
}
FOR_PEOPLE = {"lsb", "i_lsb", "v_rest"}


def test_the_hash_changes_with_every_field_of_a_contract() -> None:
    base = contract()
    c = base.populations["p"]
    names = {f.name for f in dataclasses.fields(Contract)}
    assert set(CHANGES) == names - FOR_PEOPLE - {"n"}
    seen = {contract_hash(base)}
    for name, change in CHANGES.items():
        extra = {"couple": None} if name == "drive" else {}
        other = dataclasses.replace(c, **{name: change(c)}, **extra)
        seen.add(contract_hash(dataclasses.replace(base, populations={"p": other})))
    assert len(seen) == len(CHANGES) + 1
    for name in FOR_PEOPLE:
        other = dataclasses.replace(c, **{name: getattr(c, name) * 2 + 1})
        same = dataclasses.replace(base, populations={"p": other})
        assert contract_hash(same) == contract_hash(base), name


def test_the_hash_changes_with_the_network() -> None:
    base = contract()
    x = base.connections[0]

    def other(**changes: object) -> object:
        return dataclasses.replace(x, **changes)

    wider = np.pad(x.weight, ((0, 0), (0, 1)))
    q = {"q": base.populations["p"]}
    others = [
        dataclasses.replace(base, connections=(other(weight=x.weight // 2),)),
        dataclasses.replace(base, connections=(other(delay=1),)),
        dataclasses.replace(base, connections=()),
        dataclasses.replace(base, inputs={"y": 2}, connections=(other(pre="y"),)),
        dataclasses.replace(base, inputs={"x": 3}, connections=(other(weight=wider),)),
        dataclasses.replace(base, outputs=()),
        dataclasses.replace(base, populations=q, connections=(other(post="q"),), outputs=("q",)),
    ]
    assert len({contract_hash(c) for c in (base, *others)}) == len(others) + 1
    assert contract_hash(base) == contract_hash(contract())


def test_the_fusesoc_core_names_files_that_exist(design: Design, tmp_path: Path) -> None:
    design.write(tmp_path)
    text = (tmp_path / "net.core").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "CAPI=2:"
    core = yaml.safe_load(text.partition("\n")[2])
    assert core["name"] == "lifstone:networks:net:0.1.0"
    files = [name for entry in core["filesets"]["rtl"]["files"] for name in entry]
    assert set(files) == {"net.v", "net.vlt", *design.memories}
    assert all((tmp_path / name).is_file() for name in files)
    for target in core["targets"].values():
        assert target["toplevel"] == "net"
        assert target["filesets"] == ["rtl"]


def test_what_was_written_is_read_again(
    network: NetworkContract, design: Design, tmp_path: Path
) -> None:
    design.write(tmp_path / "new" / "folder")
    again = read_design(tmp_path / "new" / "folder", network)
    assert again.verilog == design.verilog
    assert again.memories == design.memories
    assert again.manifest == json.loads(json.dumps(design.manifest))
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(design.files())


def test_a_failing_write_leaves_the_old_files(
    design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(contract(), "net").write(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write_text = Path.write_text

    def full(self: Path, text: str, **kwargs: Any) -> int:
        if self.name == "manifest.json":
            raise OSError(28, "No space left on device")
        return write_text(self, text, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        design.write(tmp_path)
    monkeypatch.undo()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    design.write(tmp_path)
    assert (tmp_path / "net.v").read_text(encoding="utf-8") == design.verilog


def test_nothing_is_replaced_where_a_folder_is_in_the_way(design: Design, tmp_path: Path) -> None:
    (tmp_path / "net.v").write_text("old", encoding="utf-8")
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(InvalidValue, match=r"out = .*manifest\.json"):
        design.write(tmp_path)
    assert (tmp_path / "net.v").read_text(encoding="utf-8") == "old"
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", "net.v"]


def test_a_file_is_no_folder_to_write_into(design: Design, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidValue, match=r"out = .*a folder or new name"):
        design.write(tmp_path / "taken")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


def edited(tmp_path: Path, design: Design, change: Callable[[dict[str, Any]], object]) -> Path:
    """A written design whose manifest was changed by hand."""
    design.write(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("name"), "a manifest that lifstone wrote"),
        (lambda m: m.pop("memories"), "a manifest that lifstone wrote"),
        (lambda m: m.update(memories=5), "a manifest that lifstone wrote"),
        (lambda m: m.update(name="../net"), "name = '../net'"),
        (lambda m: m.update(memories=["../../etc/passwd"]), "plain file names"),
        (lambda m: m.update(memories=["gone.hex"]), "design.memories = "),
        (lambda m: m.update(name="other"), "design.memories = "),
        (lambda m: m.update(contract_sha256="0" * 64), "contract_sha256 = '000"),
        (lambda m: m.pop("inputs"), "design.inputs = None"),
        (lambda m: m["outputs"].pop(), "design.outputs = "),
        (lambda m: m.update(outputs={}), "design.outputs = {}"),
        (lambda m: m["populations"][0].update(n=99), "design.populations = "),
        (lambda m: m["populations"][0]["trace"].update(port="x"), "design.populations = "),
        (lambda m: m.update(trace=False), "design.populations = "),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line(
    tmp_path: Path,
    network: NetworkContract,
    design: Design,
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    folder = edited(tmp_path, design, change)
    with pytest.raises(InvalidValue, match=message) as error:
        read_design(folder, network)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "null", '"net"', "\x00"])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValue, match="a manifest that lifstone wrote"):
        read_design(tmp_path)


def test_other_volts_are_the_same_design(
    tmp_path: Path, network: NetworkContract, design: Design
) -> None:
    folder = edited(tmp_path, design, lambda m: m["populations"][0].update(volts_per_unit=[1.0]))
    assert read_design(folder, network).name == "net"


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_a_manifest_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidValue, match=r"a folder with manifest\.json"):
        read_design(tmp_path / name)


@pytest.mark.parametrize("name", ["net.v", "net_a_weight.hex"])
def test_a_missing_file_is_named(
    tmp_path: Path, network: NetworkContract, design: Design, name: str
) -> None:
    design.write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InvalidValue, match=rf"design = .*{name}.*an existing file"):
        read_design(tmp_path, network)


def test_a_design_of_other_widths_is_refused(tmp_path: Path, design: Design) -> None:
    design.write(tmp_path)
    with pytest.raises(InvalidValue, match=r"design\.contract_sha256 = .* with these widths"):
        read_design(tmp_path, contract())


@pytest.mark.parametrize("name", ["", "a b", "module", "1x"])
def test_a_bad_name_makes_no_design(network: NetworkContract, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"^name = "):
        generate(network, name)
