"""A real browser without a screen, whose camera and microphone are files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import NOTHING_MAY_BE_SKIPPED

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(
    PROGRAM is None and not NOTHING_MAY_BE_SKIPPED,
    reason="there is no chromium here (on Debian: apt install chromium)",
)
# Nothing but this machine can be reached, whatever a page or the browser itself asks for.
_ALONE = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@dataclass(frozen=True)
class Session:
    """A started browser, and the event loop on which Playwright speaks to it.

    That loop counts as running for as long as the browser is there, and no other may run in its
    thread. So it counts only for those tests that use the browser: ``with session.active():``.
    """

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def active(self) -> Iterator[Browser]:
        asyncio._set_running_loop(self.loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@contextmanager
def browser_session(*flags: str) -> Iterator[Session]:
    """Starts Chromium, which takes a second: share it."""
    assert PROGRAM is not None, "chromium is not installed (on Debian: apt install chromium)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=[*_ALONE, *flags])
        session = Session(browser, asyncio.get_running_loop())
        asyncio._set_running_loop(None)
        try:
            yield session
        finally:
            asyncio._set_running_loop(session.loop)
            browser.close()


def camera_and_microphone(video: Path, sound: Path) -> tuple[str, ...]:
    """Flags: whoever asks sees and hears these files, and the person at the screen agrees."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        f"--use-file-for-fake-audio-capture={sound}",
    )
