"""The lines of the client's pages do what stands beside them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.fakes.faces import picture
from tests.fakes.voices import recording
from tests.served import Served

PAGES = ("clients/python/README.md", "docs/api.md")
FILES = {
    "selfie.jpg": picture(1),
    "now.jpg": picture(1),
    "voice.wav": recording(1),
    "now.wav": recording(1),
}


PROGRAMS = [
    pytest.param(program, id=page)
    for page in PAGES
    for program in re.findall(
        r"```python\n(.*?)```", (REPOSITORY / page).read_text("utf-8"), re.DOTALL
    )
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_what_is_said(
    program: str, served: Served, api_key: str, tmp_path: Path
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    text = program.replace("http://127.0.0.1:8080", served.url).replace("YOUR-API-KEY", api_key)
    command = [sys.executable, "-W", "error", "-c", text]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    said = re.findall(r"print\(.*\)  # (.*)", program)
    assert said
    assert ran.stdout.splitlines() == said


def test_every_page_has_a_program() -> None:
    assert {program.id for program in PROGRAMS} == set(PAGES)
