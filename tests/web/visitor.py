"""Somebody who looks at the console."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.web.scenery import PORTRAITS


@dataclass(frozen=True)
class Visitor:
    """Signed in with an API key, in front of ``page``."""

    page: Page
    url: str

    @classmethod
    def arriving(cls, page: Page, url: str, key: str) -> Visitor:
        page.goto(f"{url}/")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Enter").click()
        page.get_by_role("navigation").wait_for()
        return cls(page, url)

    def go_to(self, screen: str) -> None:
        """By its name in the navigation."""
        self.page.get_by_role("navigation").get_by_role("link", name=screen, exact=True).click()
        self.page.get_by_role("heading", level=1, name=screen).wait_for()

    def agree(self) -> None:
        """The people who are seen and heard do."""
        self.page.get_by_label("has agreed").check()

    def choose(self, label: str, file: Path | str) -> None:
        """A file, for an input of pictures or recordings; a portrait by its name."""
        path = PORTRAITS / f"{file}.jpg" if isinstance(file, str) else file
        self.page.get_by_label(f"{label}: Choose a file").set_input_files(path)

    def says(self, words: str) -> Locator:
        """Waits until the page says so."""
        found = self.page.get_by_text(words).first
        found.wait_for()
        return found

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    @property
    def screens(self) -> list[str]:
        links = self.page.get_by_role("navigation").get_by_role("link")
        return [link.strip() for link in links.all_text_contents()]
