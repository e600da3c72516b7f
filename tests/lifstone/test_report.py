"""The HTML report as text: all its parts, nothing from outside, every name escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lifstone import verify, write_report
from lifstone.figures import Axis, Curve, Pair
from lifstone.golden import Connection, Lif, Network
from lifstone.hdl.build import BuildReport
from lifstone.plots import MAX_MARKS, Overlay, overlays, raster_figure
from lifstone.resources import board_grid
from lifstone.verdicts import Verification
from tests.lifstone.conftest import Lifstone
from tests.sim.nir_files import ends, lif, linear, write

EVIL = '<script>alert("1")</script>$\\foo$'
VOID = {"meta", "link", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """Tags, text and what a page asks of other places."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
                self.links.append(value or "")
            if key == "id":
                self.ids.append(value or "")
            if key.startswith("on"):
                self.links.append(f"{key}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, tag
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def network(name: str = "p", n_in: int = 4) -> Network:
    return Network(
        1e-3,
        {"x": n_in},
        {name: Lif(tau_mem=[10e-3, 20e-3, 30e-3], t_ref=2e-3)},
        (Connection("x", name, np.full((3, n_in), 4.0)),),
        (name,),
    )


@pytest.fixture(scope="module")
def result() -> Verification:
    return verify(network(), bodies=("golden", "network"), steps=120, rate=0.3)


@pytest.fixture(scope="module")
def text(result: Verification, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report whose title is a program's, not ours."""
    path = tmp_path_factory.mktemp("report") / "r.html"
    write_report(result, path, title=EVIL)
    return path.read_text(encoding="utf-8")


def test_all_parts_are_there(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    said = lifstone("report", chain, "--steps", 60, "--seed", 4, "--out", out, "--json")
    assert (said.code, said.json()["report"]) == (0, str(out))
    text = out.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert [h for h in page.headings if not h.startswith("Where ")] == [
        "Verdicts",
        "Membrane potential of p[0] on every body",
        "Spikes",
        "F-I curve of p[0]",
        "Resources",
        "What was run",
        "What was assumed",
        "Run it again",
    ]
    differing = [r for r in said.json()["rows"] if r["difference"] is not None]
    assert len(page.headings) == 8 + len(differing)
    assert page.tags.count("svg") == 2 * (3 + len(differing))
    membrane = text.split("Membrane potential of", 1)[1].split("</figure>")[0]
    for body in ("event-driven", "SPICE", "golden grid", "network layer", "contract", "RTL"):
        assert membrane.count(f">{body}<") == 4, body  # legend and spikes, for desk and phone
    curve = text.split(">F-I curve of", 1)[1].split("</figure>")[0]
    for body in ("closed form", "golden grid", "contract", "SPICE"):
        assert curve.count(f">{body}<") == 2, body
    words = " ".join(page.words)
    assert "Agrees: network, RTL and SPICE do what their references do." in words
    assert f"lifstone report {chain} --out {out} --steps 60 --seed 4" in words
    assert "random, probability 0.2 a line and step, seed 4; 60 steps" in words
    assert "p names no v_reset: 0" in words
    assert re.search(r"lifstone \d+\.\d+\.\d+, Python 3\.\d+\.\d+, numpy ", words)
    assert re.search(r"The RTL took \d+ clocks a step in the mean\.", words)


def test_nothing_comes_from_outside(text: str) -> None:
    page = Page(text)
    assert all(link.startswith("#") or link == "data:," for link in page.links), page.links
    assert "script" not in page.tags
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert {"iframe", "img", "object", "embed"}.isdisjoint(page.tags)
    assert len(page.ids) == len(set(page.ids))
    used = {link[1:] for link in page.links if link.startswith("#")}
    used |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert used <= set(page.ids)


def test_names_are_escaped(lifstone: Lifstone, tmp_path: Path) -> None:
    nodes = {**ends(), "w": linear([[40.0]]), EVIL: lif()}
    # A slash would make a group in the file.
    nodes = {k.replace("/", "\u2044"): v for k, v in nodes.items()}
    name = EVIL.replace("/", "\u2044")
    path = write(tmp_path / "<b>.nir", nodes, [("in", "w"), ("w", name), (name, "out")])
    out = tmp_path / "r.html"
    said = lifstone("report", path, "--bodies", "golden", "--out", out)
    assert (said.code, said.err) == (0, "")
    page = Page(out.read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "b" in page.tags  # the cards' own
    assert not [link for link in page.links if link.startswith("on")]
    words = "".join(page.words)
    assert f"Membrane potential of {name}[0]" in words
    assert "<script>al...>$\\foo$ (1)" in words  # in the raster, which matplotlib writes
    assert "<b>.nir: one model, four bodies" in words


def test_a_title_from_a_program_is_escaped(text: str) -> None:
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL in "".join(page.words)


def test_the_same_run_draws_the_same_figures(result: Verification) -> None:
    assert raster_figure(result) == raster_figure(result)


def test_the_overlay_shows_the_first_spike(result: Verification) -> None:
    place = Overlay.choose(result)
    assert place is not None
    fired = np.flatnonzero(result.case.floats["p"].spikes[:, 0, place.neuron])
    assert place.start <= fired[0] < place.stop <= 120
    assert place.stop - place.start == 80


def test_the_overlay_draws_the_traces_of_each_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[tuple[list[Curve], dict[str, Curve]]] = []

    def keep(_title: str, _axis: Axis, data: list[Curve], spikes: dict[str, Curve]) -> Pair:
        drawn.append((data, spikes))
        return Pair("", "")

    monkeypatch.setattr("lifstone.plots.membrane", keep)
    found = verify(network(), bodies=("network", "rtl", "spice"), steps=40, rate=0.5)
    overlays(found)
    (data, spikes), *_ = drawn
    case, ends = found.case, np.arange(1, 41) * 1.0
    contract = case.quantised.contract.populations["p"]
    volts = contract.volts(case.integers["p"].v[:, 0])[:, 0]
    floats = case.floats["p"].v[:, 0, 0]
    curves = {c.label: c for c in data}
    for name, potential in (
        ("golden grid", floats),
        ("network layer", floats),
        ("contract", volts),
        ("RTL", volts),
    ):
        np.testing.assert_allclose(curves[name].x, ends)
        np.testing.assert_allclose(curves[name].y, potential, rtol=1e-12, atol=1e-12)
    fired = ends[case.integers["p"].spikes[:, 0, 0]]
    assert fired.size > 3
    np.testing.assert_allclose(spikes["contract"].x, fired)
    np.testing.assert_allclose(spikes["RTL"].x, fired)
    exact, analog = (spikes[k].x for k in ("event-driven", "SPICE"))
    np.testing.assert_allclose(analog, exact, atol=1e-2)
    assert (np.diff(curves["SPICE"].x) > 0).all()
    at_spike = np.interp(exact - 1e-3, curves["event-driven"].x, curves["event-driven"].y)
    assert at_spike.max() <= 1.0


def test_a_long_raster_ends_where_a_page_is_full() -> None:
    busy = verify(network(n_in=64), bodies=("network",), steps=400, rate=0.9)
    drawn = raster_figure(busy)
    steps = int(re.findall(r"The first (\d+) of 400 steps", drawn.caption)[0])
    total = busy.case.stimulus.spikes["x"][:steps].sum()
    total += busy.case.integers["p"].spikes[:steps].sum()
    assert 0.9 * MAX_MARKS < total <= MAX_MARKS
    assert len(drawn.figure.wide) < 1_000_000


def test_a_network_without_spikes_or_input(tmp_path: Path) -> None:
    readout = Network(
        1e-3,
        {},
        {"out": Lif(tau_mem=10e-3, v_th=np.inf, n=2)},
        (),
        ("out",),
        {"out": np.array([0.1, 0.2])},
    )
    found = verify(readout, bodies=("golden", "network", "spice"), steps=20)
    assert found.conforms
    write_report(found, tmp_path / "r.html")
    words = " ".join(Page((tmp_path / "r.html").read_text(encoding="utf-8")).words)
    assert "SPICE was skipped: no spiking neuron was chosen." in words
    assert "F-I curve" not in words


@pytest.mark.parametrize(
    "neuron",
    [
        {"r": 0.0},
        {"r": -1.0},
        {"tau_syn": 5e-3, "w_in": 0.0},
        {"tau_syn": 5e-3, "w_in": 2.0},
        {"tau_mem": np.inf, "r": 100.0},
    ],
    ids=str,
)
def test_neurons_of_every_kind(tmp_path: Path, neuron: dict[str, float]) -> None:
    connection = Connection("x", "p", [[30.0 * np.sign(neuron.get("r", 1.0) or 1.0)]])
    lif = Lif(**{"tau_mem": 10e-3, **neuron})
    found = verify(
        Network(1e-3, {"x": 1}, {"p": lif}, (connection,), ("p",)),
        bodies=("golden", "network", *(["spice"] if "tau_mem" in neuron else [])),
        steps=20,
    )
    write_report(found, tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.open == []
    driven = neuron.get("r", 1.0) * neuron.get("w_in", 1.0) != 0
    assert ("F-I curve of p[0]" in page.headings) is driven
    assert "Membrane potential of p[0] on every body" in page.headings


def test_resources_of_a_board(tmp_path: Path) -> None:
    bits = tmp_path / "net.bin"
    bits.write_bytes(b"x" * 1234)
    used, there = {"logic cells": 913}, {"logic cells": 5280}
    built = BuildReport(
        "icebreaker", "iCE40UP5K", bits, used, there, 9e6, 12e6, {}, {"pyosys": "1"}, "iceprog"
    )
    grid = board_grid(built, [("Verilog lines", "10")])
    rows = dict(tuple(row) for row in grid.rows)
    assert rows["logic cells"] == "913 of 5,280"
    assert rows["bitstream"] == "net.bin, 1,234 bytes"
    assert rows["Verilog lines"] == "10"
    assert grid.note == "It does NOT meet the board's clock. Tools: pyosys 1."


def test_a_board_in_the_report(
    lifstone: Lifstone, chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []

    def build(_contract: object, board: str, out: Path, **_: object) -> BuildReport:
        folders.append(out)
        bits = out / "net.bin"
        bits.write_bytes(b"x")
        return BuildReport(board, "chip", bits, {"cells": 1}, {"cells": 2}, 2e7, 1e7, {}, {}, "")

    monkeypatch.setattr("lifstone.hdl.build.build", build)
    out = tmp_path / "r.html"
    said = lifstone("report", chain, "--bodies", "golden", "--board", "ulx3s", "--out", out)
    assert said.code == 0
    words = " ".join(Page(out.read_text(encoding="utf-8")).words)
    assert "1 of 2" in words
    assert "It meets the board's clock." in words
    assert not folders[0].exists()
