"""A body that deviates: exit 1 with step, neuron and reason, in every form of output."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from lifstone import verdicts
from tests.lifstone.conftest import Lifstone

RTL = ("--bodies", "rtl", "--steps", 60)


@pytest.fixture
def edited(lifstone: Lifstone, chain: Path, tmp_path: Path) -> Path:
    """A design in which one weight was changed by hand."""
    out = tmp_path / "rtl"
    assert lifstone("generate", chain, "--out", out, "--trace").code == 0
    change_a_weight(out)
    return out


def change_a_weight(folder: Path) -> None:
    """Change the first word that initialises the weight memory."""
    path = folder / "lifstone_net.v"
    before = path.read_text()
    words = (folder / "lifstone_net_p_weight.hex").read_text().split()
    value = int(words[0], 16)
    number = re.compile(rf"(\[0\] = 8'(?:h{value:02x}|b{value:08b}|d{value});)")
    assert len(number.findall(before)) == 1, "the generated memory looks different"
    path.write_text(number.sub(f"[0] = 8'd{value - 3};", before))


def test_the_design_itself_is_exact(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    assert lifstone("generate", chain, "--out", out, "--trace").code == 0
    said = lifstone("verify", chain, *RTL, "--design", out, "--json")
    assert (said.code, said.json()["rows"][0]["status"]) == (0, "exact")


def test_step_neuron_and_reason(lifstone: Lifstone, chain: Path, edited: Path) -> None:
    said = lifstone("verify", chain, *RTL, "--design", edited)
    assert (said.code, said.err) == (1, "")
    (line,) = (t for t in said.out.splitlines() if t.startswith("rtl against contract: "))
    found = re.fullmatch(
        r"rtl against contract: step (\d+), neuron p\[0\]: v is (-?\d+) instead of (-?\d+), "
        r"because from u = -?\d+ it received in\[0\] weight \d+.*",
        line,
    )
    assert found, line
    assert int(found[3]) - int(found[2]) > 0
    assert f"RTL deviates from contract at step {found[1]}, neuron p[0]." in said.out
    assert "Agrees" not in said.out


def test_the_place_is_that_of_the_first_spike_on_the_changed_weight(
    lifstone: Lifstone, chain: Path, edited: Path, tmp_path: Path
) -> None:
    spikes = np.zeros((40, 2, 4), dtype=np.uint8)
    spikes[:, 0, 1:] = 1  # the first sample never uses the first row
    spikes[7, 1, 0] = 1
    np.savez(tmp_path / "s.npz", **{"in": spikes})
    chosen = ("--bodies", "rtl", "--design", edited, "--stimulus", tmp_path / "s.npz", "--json")
    said = lifstone("verify", chain, *chosen)
    (row,) = said.json()["rows"]
    where = row["difference"]
    assert said.code == 1
    assert row["status"] == "deviates"
    assert (where["sample"], where["step"], where["population"]) == (1, 7, "p")
    assert (where["neuron"], where["quantity"]) == (0, "v")
    assert "from u = 0 it received in[0] weight" in row["reason"]


def test_junit_and_report_of_a_deviation(
    lifstone: Lifstone, chain: Path, edited: Path, tmp_path: Path
) -> None:
    junit, report = tmp_path / "new" / "v.xml", tmp_path / "v.html"
    chosen = ("--bodies", "network,rtl", "--steps", 60, "--design", edited)
    said = lifstone("verify", chain, *chosen, "--junit", junit, "--report", report)
    assert said.code == 1
    suite = ElementTree.fromstring(junit.read_text())
    counts = {k: int(suite.attrib[k]) for k in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 3, "failures": 1, "errors": 0, "skipped": 0}
    (failure,) = suite.iter("failure")
    assert re.search(r"deviates at step \d+, neuron p\[0\]: v is", failure.attrib["message"])
    html = report.read_text()
    assert '<div class="outcome bad">' in html
    assert "Where RTL parts from contract: p[0]" in html


def test_a_design_that_does_not_compile_deviates(
    lifstone: Lifstone, chain: Path, edited: Path
) -> None:
    path = edited / "lifstone_net.v"
    path.write_text(path.read_text().replace("endmodule", "endmodul", 1))
    said = lifstone("verify", chain, *RTL, "--design", edited, "--json")
    (row,) = said.json()["rows"]
    assert (said.code, row["status"], row["difference"]) == (1, "deviates", None)
    assert row["reason"].startswith("the design does not compile: verilator_bin failed")
    assert "\n" not in row["reason"]


def test_a_design_without_trace_is_judged_by_its_spikes(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "rtl", tmp_path / "r.html"
    assert lifstone("generate", chain, "--out", out).code == 0
    chosen = ("--design", out, *RTL)
    said = lifstone("report", chain, *chosen, "--out", report, "--json")
    (row,) = said.json()["rows"]
    assert (said.code, row["status"], row["compared"]) == (0, "exact", 60 * 3)
    # The potentials of such a design are unknown: spikes are drawn, potentials are not.
    overlay = report.read_text().split("Membrane potential of", 1)[1].split("</figure>")[0]
    assert overlay.count(">RTL<") == 2  # a row of spikes, for desk and phone; no legend entry


def test_fidelity_fails_only_with_strict(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    junit = tmp_path / "v.xml"
    coarse = ("--state-bits", 8, "--weight-bits", 4, "--bodies", "golden,network", "--steps", 400)
    said = lifstone("verify", chain, *coarse, "--junit", junit)
    assert said.code == 0
    assert re.search(r"^contract +golden +differs", said.out, re.MULTILINE)
    assert "Spikes were moved by" in said.out
    suite = ElementTree.fromstring(junit.read_text())
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "0")
    said = lifstone("verify", chain, *coarse, "--junit", junit, "--strict", "--json")
    assert said.code == 1
    assert said.json()["agrees"] is False
    rows: list[dict[str, Any]] = json.loads(said.out)["rows"]
    deviating = sum(r["status"] == "deviates" for r in rows)
    assert int(ElementTree.fromstring(junit.read_text()).attrib["failures"]) == deviating > 0
    report = ("report", chain, *coarse, "--out", tmp_path / "r.html")
    said = lifstone(*report, "--strict")
    assert (said.code, said.out) == (1, f"deviates: written to {tmp_path / 'r.html'}\n")


def test_a_network_layer_that_is_wrong(
    lifstone: Lifstone, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = verdicts._simulate

    def wrong(net: Any, case: Any) -> Any:
        out = simulate(net, case)
        out["p"].v[5, 0, 2] += 1
        return out

    monkeypatch.setattr(verdicts, "_simulate", wrong)
    said = lifstone("verify", chain, "--bodies", "network", "--steps", 20, "--json")
    assert said.code == 1
    for row in said.json()["rows"]:
        where = row["difference"]
        assert (where["step"], where["neuron"], where["quantity"]) == (5, 2, "v")


def test_spice_beyond_its_tolerance(lifstone: Lifstone, chain: Path) -> None:
    said = lifstone("verify", chain, "--bodies", "spice", "--steps", 60, "--tolerance", 1e-13)
    assert said.code == 1
    assert "SPICE deviates from event-driven at step " in said.out
    assert "because the analog potential came within" in said.out
    assert "beyond the limit of 100 fs" in said.out
