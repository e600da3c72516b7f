"""A user's core in the user's own CI: the command, the pytest plugin and the action."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.case import contract_of
from lifstone.core_file import read_core
from lifstone.golden import InvalidValue, Widths
from lifstone.sim.nir_read import read_nir
from tests.lifstone.conftest import Lifstone

ROOT = Path(__file__).parents[2]
CORES = ROOT / "tests" / "sim" / "user_core"


@pytest.fixture
def right(tmp_path: Path) -> Path:
    for name in ("sprout.v", "sprout.toml"):
        shutil.copy(CORES / name, tmp_path)
    return tmp_path / "sprout.toml"


@pytest.fixture
def broken(right: Path) -> Path:
    source = right.parent / "sprout.v"
    text = source.read_text(encoding="utf-8")
    assert "nxt > FIRE" in text
    source.write_text(text.replace("nxt > FIRE", "nxt >= FIRE"), encoding="utf-8")
    return right


def test_a_right_core(lifstone: Lifstone, right: Path, tmp_path: Path) -> None:
    junit, page = tmp_path / "c.xml", tmp_path / "c.html"
    said = lifstone("check", right, "--junit", junit, "--report", page)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("sprout: exact\n20,000 values of 10,000 steps, seed 1")
    suite = ElementTree.fromstring(junit.read_text(encoding="utf-8"))
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")
    html = page.read_text(encoding="utf-8")
    assert "<strong>exact</strong>" in html
    assert "Around the first difference" not in html


def test_a_broken_core(lifstone: Lifstone, broken: Path, tmp_path: Path) -> None:
    junit, page = tmp_path / "c.xml", tmp_path / "c.html"
    arguments = ("check", broken, "--steps", 2000, "--junit", junit, "--report", page, "--json")
    said = lifstone(*arguments)
    data = said.json()
    assert (said.code, data["status"], data["steps"]) == (1, "deviates", 2000)
    assert data["cause"] == "it compares with >= where the contract says >"
    assert data["cause"] in data["verdict"]
    (first,) = [row for row in data["around"] if row["step"] == data["difference"]["step"]]
    assert (first["spike"], first["got_spike"], first["v"]) == (False, True, 600)
    suite = ElementTree.fromstring(junit.read_text(encoding="utf-8"))
    failing = suite.findall("testcase/failure")
    assert suite.get("failures") == str(len(failing))
    assert len(failing) == sum(row["differing"] > 0 for row in data["segments"]) > 0
    assert data["verdict"] == failing[0].get("message")
    assert f'<tr class="first"><td class="n">{first["step"]}</td>' in page.read_text("utf-8")


def test_coverage_is_said(lifstone: Lifstone, right: Path) -> None:
    data = lifstone("check", right, "--steps", 2000, "--coverage", "--json").json()
    assert data["coverage"]["percent"]["line"] == 100.0
    # The refractory count never goes beyond 3, as the core's four bits could.
    assert any("pause[3]:0->1" in line for line in data["coverage"]["missed"])


def test_the_page_escapes(lifstone: Lifstone, right: Path, tmp_path: Path) -> None:
    odd = right.parent / "<b>.v"
    (right.parent / "sprout.v").rename(odd)
    right.write_text(right.read_text("utf-8").replace("sprout.v", "<b>.v"), encoding="utf-8")
    page = tmp_path / "c.html"
    assert lifstone("check", right, "--steps", 2000, "--report", page).code == 0
    assert "<b>" not in page.read_text(encoding="utf-8")
    assert "&lt;b&gt;.v" in page.read_text(encoding="utf-8")


BAD = [
    ('format = "lifstone core 1"', "format = 2", "format = 2: allowed is 'lifstone core 1'"),
    ('spike = "fire"', "", "ports.spike = 'missing': allowed is the name of a port"),
    ('spike = "fire"', 'spike = "ck"', "ports = 'ck': allowed is each port named once"),
    ("latency = 1", "latency = -1", "timing.latency = -1: allowed is 0 to 1024"),
    ("latency = 1", "delay = 1", "timing.delay = 1: allowed is one of latency, interval"),
    ('"low"', '"down"', "ports.reset_active = 'down': allowed is high, low"),
    ('enable = "stb"', "", "ports.enable = ''"),
    ("steps = 10000", "steps = 5", "stimulus.steps = 5: allowed is 100 to 10000000"),
    ("seed = 1", "seed = 1.5", "stimulus.seed = 1.5: allowed is a whole number"),
    ("threshold = 600", "threshold = 4000", "contract.threshold[0] = 4000: allowed is <= 2046"),
    ("threshold = 600", "threshold = [1, 2]", "contract.threshold = [1, 2]: allowed is a number"),
    ('reset = "set"', 'reset = "zero"', "contract.reset = 'zero': allowed is set, subtract"),
    ("{ shift = 4 }", "{ by = 4 }", "contract.decay_mem = {'by': 4}: allowed is { shift = S }"),
    ("{ shift = 4 }", "{ shift = 40 }", "contract.decay.shift = 40: allowed is 1 to 31"),
    ('"sprout"', '"--cc"', "core.top = '--cc': allowed is the name of a module"),
    ("hold = 3", "wait = 3", "contract.wait = 3: allowed is one of n, width"),
    ("width = 12", "", "contract.width = 'missing': allowed is 2 to 32 bits"),
    ("hold = 3", "n = 2", "ports.index = '': allowed is a port: the contract has 2 neurons"),
    ('["sprout.v"]', '"sprout.v"', "core.sources = 'sprout.v': allowed is a list of file names"),
    ('["sprout.v"]', "[]", "core.sources = 'none': allowed is at least one file"),
    ("width = 12", 'model = "gone.nir"', "contract.fraction = 4: allowed is with a model"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_bad_input(old: str, new: str, message: str, right: Path, lifstone: Lifstone) -> None:
    text = right.read_text(encoding="utf-8")
    assert old in text
    changed = text.replace(old, new, 1)
    if old.startswith("enable"):
        changed = changed.replace("latency = 1", "latency = 1\ninterval = 2")
    right.write_text(changed, encoding="utf-8")
    said = lifstone("check", right)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


VALUES = (
    "-1", "0", "3", "40", "2147483648", "99999999999999999999", "1.5", "nan", "inf", "true", '""',
    '"x"', '"../../x"', "[]", "[1, 2]", "{}", "{ shift = 2 }", "{ coefficient = 3, fraction = 4 }",
    "1979-05-27", '["", 1]',
)  # fmt: skip


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_any_value_is_taken_or_refused(data: st.DataObject) -> None:
    lines = (CORES / "sprout.toml").read_text(encoding="utf-8").splitlines()
    fields = [k for k, line in enumerate(lines) if " = " in line]
    for k in data.draw(st.lists(st.sampled_from(fields), min_size=1, max_size=3)):
        lines[k] = f"{lines[k].partition(' = ')[0]} = {data.draw(st.sampled_from(VALUES))}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "core.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        shutil.copy(CORES / "sprout.v", folder)
        said = ""
        try:
            core, plan = read_core(path)
        except InvalidValue as error:
            said = str(error)
        else:
            assert plan.steps >= 100
            assert core.contract.n >= 1
        assert "\n" not in said


def test_a_missing_source(right: Path) -> None:
    (right.parent / "sprout.v").unlink()
    with pytest.raises(InvalidValue, match=r"core.sources = .*sprout.v.*existing files"):
        read_core(right)


def test_the_contract_of_a_model(chain: Path) -> None:
    path = chain.parent / "core.toml"
    text = (CORES / "sprout.toml").read_text(encoding="utf-8")
    head, _, tail = text.partition("[contract]")
    rest = tail[tail.index("[stimulus]") :]
    named = f'[contract]\nmodel = "{chain.name}"\nneuron = "p:2"\nwidths = {{ state = 14 }}\n\n'
    path.write_text(head + named + rest, encoding="utf-8")
    shutil.copy(CORES / "sprout.v", chain.parent)
    core, _ = read_core(path)
    whole = contract_of(read_nir(chain).network, Widths(state=14)).contract.populations["p"]
    assert (core.contract.n, core.contract.width) == (1, 14)
    assert core.contract.decay_mem is not None
    assert whole.decay_mem is not None
    assert core.contract.decay_mem.coefficient is not None
    assert whole.decay_mem.coefficient is not None
    assert core.contract.decay_mem.coefficient[0] == whole.decay_mem.coefficient[2]
    path.write_text(path.read_text("utf-8").replace("p:2", "p:3"), encoding="utf-8")
    with pytest.raises(InvalidValue, match=r"contract.neuron = 'p:3'"):
        read_core(path)


PLUGIN_TEST = """
import pytest

@pytest.mark.parametrize("core", ["right.toml", "sprout.toml"])
def test_core(lifstone_verify, core):
    verdict = lifstone_verify(core, steps=2000)
    assert verdict.agrees, verdict
"""


def test_the_plugin_tells_a_right_core_from_a_broken_one(broken: Path) -> None:
    folder = broken.parent
    shutil.copy(CORES / "sprout.v", folder / "right.v")
    text = broken.read_text(encoding="utf-8").replace("sprout.v", "right.v")
    (folder / "right.toml").write_text(text, encoding="utf-8")
    (folder / "test_core.py").write_text(PLUGIN_TEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lifstone.pytest_plugin", "test_core.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAILED test_core.py::test_core[sprout.toml]" in run.stdout
    assert "it compares with >= where the contract says >" in run.stdout
    assert "1 failed, 1 passed" in run.stdout


def test_the_plugin_is_registered() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        points = tomllib.load(file)["project"]["entry-points"]["pytest11"]
    assert list(points.values()) == ["lifstone.pytest_plugin"]


@pytest.fixture
def action() -> dict[str, Any]:
    data = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def run_action(action: dict[str, Any], folder: Path, **inputs: str) -> tuple[int, str]:
    """The script of the action's step ``lifstone``, with its inputs as the runner gives them."""
    (step,) = [s for s in action["runs"]["steps"] if s.get("id") == "lifstone"]
    given = {name: str(i.get("default", "")) for name, i in action["inputs"].items()} | inputs
    env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    env |= {k: v for k, v in os.environ.items() if k in ("HOME", "XDG_CACHE_HOME")}
    for name, value in step["env"].items():
        assert value.startswith("${{ inputs."), value
        env[name] = given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
    env["GITHUB_STEP_SUMMARY"] = str(folder / "summary.md")
    run = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


def test_the_action_checks_a_core(action: dict[str, Any], broken: Path) -> None:
    code, said = run_action(action, broken.parent, core="sprout.toml")
    assert code == 1, said
    for name in ("core.xml", "core.html"):
        assert (broken.parent / "lifstone-out" / name).is_file()
    assert "deviates at step" in (broken.parent / "summary.md").read_text(encoding="utf-8")


def test_the_action_verifies_a_model(action: dict[str, Any], chain: Path) -> None:
    code, said = run_action(
        action, chain.parent, model="chain.nir", arguments="--bodies network --steps 20"
    )
    assert code == 0, said
    assert (chain.parent / "lifstone-out" / "model.xml").is_file()


def test_the_action_wants_something(action: dict[str, Any], tmp_path: Path) -> None:
    code, said = run_action(action, tmp_path)
    assert code == 2
    assert "core or model" in said


def test_the_action_keeps_its_results_and_runs_no_input(action: dict[str, Any]) -> None:
    steps = action["runs"]["steps"]
    assert action["runs"]["using"] == "composite"
    upload = next(s for s in steps if "upload-artifact" in s.get("uses", ""))
    assert "always()" in upload["if"]
    assert all("${{" not in s.get("run", "") for s in steps)
    assert all(s["shell"] == "bash" for s in steps if "run" in s)
