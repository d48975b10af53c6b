"""What of libraries' talk reaches the log: in a process of its own, because logs are its."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import io, logging, sys, warnings
import structlog
from PIL import Image, PngImagePlugin
from perse.api.telemetry.logs import configure_logs

configure_logs(sys.argv[1])
noted = PngImagePlugin.PngInfo()
noted.add_text("Author", "anna")
file = io.BytesIO()
Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=noted)
for name in ("PIL.PngImagePlugin", "python_multipart", "httpx", "sqlalchemy.engine", "new"):
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    for level in ("debug", "info", "warning", "error"):
        getattr(logger, level)(f"{level} of {name}")
Image.open(file).load()
warnings.warn("a chunk of anna's")
for level in ("debug", "info", "warning", "error"):
    getattr(structlog.get_logger("perse"), level)(f"{level} of ours")
"""


def _lines(level: str) -> list[dict[str, str]]:
    logged = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, level],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    return [json.loads(line) for line in logged.splitlines()]


@pytest.mark.parametrize(
    ("level", "ours"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_libraries_reach_the_log_with_errors_only_at_every_level(level: str, ours: int) -> None:
    lines = _lines(level)
    said = [line["event"] for line in lines]
    assert "anna" not in str(lines)
    assert [words for words in said if words.endswith("of ours")] == [
        f"{name} of ours" for name in ("debug", "info", "warning", "error")[-ours:]
    ]
    others = [words for words in said if not words.endswith("of ours")]
    assert len(others) == 5
    assert all(words.startswith("error of ") for words in others)
