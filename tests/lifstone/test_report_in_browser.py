"""The HTML report in a headless browser: no error, no overflow, readable in light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone import verify, write_report
from lifstone.figures import COLOURS
from lifstone.golden import Connection, Lif, Network, Widths

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"desk": (1200, 900), "tablet": (820, 1100), "phone": (390, 844)}
LONG = "a_population_with_a_name_that_is_far_longer_than_a_phone_is_wide_" * 2

TEXTS = """() => {
  const luminance = c => { const f = x => (x /= 255) <= 0.04045 ? x / 12.92
      : Math.pow((x + 0.055) / 1.055, 2.4);
    return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
  const parse = s => (s.match(/[0-9.]+/g) || []).map(Number);
  const behind = e => { for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const out = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) {
    const e = n.parentElement, text = n.textContent.trim();
    const box = e.getBoundingClientRect();
    if (!text || !box.width) continue;
    const style = getComputedStyle(e), svg = e.closest('svg');
    const ink = luminance(parse(svg ? style.fill : style.color)), paper = luminance(behind(e));
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    out.push({text, size: parseFloat(style.fontSize) * scale, left: box.left, right: box.right,
      top: box.top, bottom: box.bottom,
      figure: svg ? [...document.querySelectorAll('svg')].indexOf(svg) : -1,
      contrast: (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)});
  }
  return out;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a long name, a difference to zoom at, and figures of every kind."""
    model = Network(
        1e-3,
        {"x": 12},
        {
            LONG: Lif(tau_mem=np.linspace(5e-3, 30e-3, 24), t_ref=2e-3),
            "out": Lif(tau_mem=10e-3, tau_syn=5e-3, n=10),
            "one": Lif(tau_mem=10e-3),
            "other": Lif(tau_mem=10e-3),
        },
        (
            Connection("x", LONG, np.random.default_rng(1).normal(2.0, 2.0, (24, 12))),
            Connection("x", "one", np.full((1, 12), 1.5)),
            Connection("x", "other", np.full((1, 12), 2.5)),
            Connection(LONG, "out", np.random.default_rng(2).normal(1.0, 1.0, (10, 24))),
        ),
        ("out",),
    )
    coarse = Widths(state=10, weight=5)
    bodies, chosen = ("golden", "network", "spice"), [(LONG, 0), ("one", 0)]
    result = verify(model, widths=coarse, bodies=bodies, neurons=chosen, steps=100)
    assert not result.faithful
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(result, path, title=f"{LONG}.nir: one model, four bodies")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Shown:
    """A page as one screen shows it, and everything it complained of."""

    def __init__(self, browser: Any, path: Path, screen: str, scheme: str) -> None:
        width, height = SCREENS[screen]
        viewport = {"width": width, "height": height}
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(m.text))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def texts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(TEXTS)
        return found


@pytest.fixture(params=[(s, c) for s in SCREENS for c in ("light", "dark")], ids="-".join)
def shown(request: pytest.FixtureRequest, browser: Any, report: Path) -> Iterator[Shown]:
    with Shown(browser, report, *request.param) as page:
        yield page


def test_loads_readable_without_complaint(shown: Shown, report: Path) -> None:
    assert shown.complaints == []
    assert [url for url in shown.asked if not url.startswith("data:")] == [report.as_uri()]
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert shown.page.evaluate(overflow) == 0
    texts = shown.texts()
    assert len(texts) > 100
    faint = {t["text"]: t["contrast"] for t in texts if t["contrast"] < 4.5}
    assert faint == {}
    small = {t["text"]: t["size"] for t in texts if t["size"] < 8.5}
    assert small == {}


def test_figures_fit_and_their_labels_keep_apart(shown: Shown) -> None:
    width = shown.page.viewport_size["width"]
    labels = [t for t in shown.texts() if t["figure"] >= 0]
    figures = {t["figure"] for t in labels}
    wide = shown.page.evaluate(
        "[...document.querySelectorAll('.wide')].filter(e => e.offsetWidth).length"
    )
    assert len(figures) >= 4
    assert wide == (0 if width < 736 else len(figures))
    for label in labels:
        if LONG not in label["text"]:
            assert label["left"] >= 0, label
            assert label["right"] <= width, label
    for k, a in enumerate(labels):
        for b in labels[k + 1 :]:
            if a["figure"] == b["figure"]:
                across = min(a["right"], b["right"]) - max(a["left"], b["left"])
                down = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
                assert across < 2 or down < 4, (a, b)


def test_dark_mode_turns_paper_and_ink(browser: Any, report: Path) -> None:
    def colours(scheme: str) -> list[str]:
        with Shown(browser, report, "desk", scheme) as page:
            style = "getComputedStyle(document.querySelector('{}')).{}"
            asked = (("body", "backgroundColor"), ("body", "color"), ("svg text", "fill"))
            return [page.page.evaluate(style.format(*a)) for a in asked]

    light, dark = colours("light"), colours("dark")
    assert light[0] == "rgb(255, 255, 255)"
    assert all(a != b for a, b in zip(light, dark, strict=True))
    assert dark[1] == dark[2]


def test_on_a_phone_the_rows_of_the_verdict_table_stack(browser: Any, report: Path) -> None:
    cells = """[...document.querySelectorAll('.verdicts tr:not(.group) td')]
        .filter(e => e.offsetWidth).map(e => e.getBoundingClientRect().left)"""
    with Shown(browser, report, "phone", "light") as page:
        assert len(set(page.page.evaluate(cells))) == 1
    with Shown(browser, report, "desk", "light") as page:
        assert len(set(page.page.evaluate(cells))) == 6


@pytest.mark.parametrize("body", COLOURS)
def test_lines_show_on_white_and_on_black(browser: Any, report: Path, body: str) -> None:
    def luminance(rgb: list[int]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in (v / 255 for v in rgb)]  # fmt: skip
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    line = luminance([int(COLOURS[body][k : k + 2], 16) for k in (1, 3, 5)])
    for scheme in ("light", "dark"):
        with Shown(browser, report, "desk", scheme) as page:
            text = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        paper = luminance([int(v) for v in text[4:-1].split(",")])
        assert (max(line, paper) + 0.05) / (min(line, paper) + 0.05) >= 3
