"""A real browser without a screen."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(
    BROWSER is None and not NOTHING_MAY_BE_SKIPPED, reason="there is no chromium here"
)


def shown_by_browser(address: str) -> str:
    """The page as it stands when its scripts have run."""
    assert BROWSER is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    return subprocess.run(
        [BROWSER, *flags, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
