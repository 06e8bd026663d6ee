"""The findings of axe-core on an open page, narrow and wide, in light and dark."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

_AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_CHOOSE: Final = Path(__file__).with_name("colours.js").read_text(encoding="utf-8")
_RUN: Final = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target}`));
}"""
NARROW, WIDE = 320, 1280
LOOKS: Final = ((NARROW, "light"), (WIDE, "dark"))
"""Each width once and each scheme once."""
EVERY_LOOK: Final = (*LOOKS, (NARROW, "dark"), (WIDE, "light"))
"""For one page of several that have the same frame and the same style."""


def findings(page: Page, *, looks: tuple[tuple[int, str], ...] = LOOKS) -> list[str]:
    """Return what axe-core finds wrong with the page as it is, in each of *looks*."""
    size = page.viewport_size
    page.evaluate(_AXE)
    found = []
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(_CHOOSE)
        found += [f"{width} {scheme}: {finding}" for finding in page.evaluate(_RUN)]
    page.emulate_media(color_scheme=None)
    page.set_viewport_size(size)
    return found
