"""Links of the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lifstone.golden.systems import KEYS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, _ in LINK.findall(text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_system_has_its_page_and_figure() -> None:
    gallery = (ROOT / "docs" / "systems" / "README.md").read_text(encoding="utf-8")
    for key in KEYS:
        page = ROOT / "docs" / "systems" / f"{key}.md"
        assert f"../figures/{key}.svg" in page.read_text(encoding="utf-8")
        assert (ROOT / "docs" / "figures" / f"{key}.svg").is_file()
        assert f'<a id="{key}"></a>' in gallery
    assert "**fails**" not in gallery
