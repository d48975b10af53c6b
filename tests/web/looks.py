"""How a page looks, to people and to those who read it with other senses."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Page

# The narrowest phone, a tablet, a desk.
WIDTHS_PX = (320, 768, 1920)
_HEIGHT_PX = 900
_AXE = files("axe_playwright_python") / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def barriers(page: Page) -> list[str]:
    """What axe-core finds, also in open shadow roots: one line each, with the element."""
    if not page.evaluate("() => 'axe' in globalThis"):
        page.evaluate(_AXE.read_text("utf-8"))
    found = page.evaluate(
        "async (tags) => (await axe.run(document,"
        " {runOnly: tags, resultTypes: ['violations']})).violations",
        _RULES,
    )
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


def looked_at(page: Page, folder: Path, name: str) -> list[Path]:
    """Screenshots ``NAME-WIDTH.png`` of the whole page at each width; the width stays the last.

    Fails where the page is wider than the screen. With ``PERSE_SCREENSHOTS=FOLDER`` they are kept
    there.
    """
    folder = Path(os.environ.get("PERSE_SCREENSHOTS", folder))
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for width_px in WIDTHS_PX:
        page.set_viewport_size({"width": width_px, "height": _HEIGHT_PX})
        needed_px = page.evaluate("() => document.documentElement.scrollWidth")
        assert needed_px <= width_px, f"{name} needs {needed_px} px of {width_px}"
        taken.append(folder / f"{name}-{width_px}.png")
        page.screenshot(path=taken[-1], full_page=True)
    return taken
