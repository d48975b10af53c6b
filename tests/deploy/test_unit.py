"""``deploy/perse.service``, judged by systemd's own tools where they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

UNIT = REPOSITORY / "deploy" / "perse.service"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here"
)
MOST_EXPOSED = 1.5  # of 10, as systemd-analyze counts


def analyse(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)  # noqa: PLW1510, S607
    return done.stdout + done.stderr


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    unit = tmp_path / "perse.service"
    unit.write_text(UNIT.read_text().replace("/opt/perse/bin/perse", "/bin/true"))
    assert analyse("verify", "--man=no", str(unit)) == ""
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=somewhat"))
    assert "Failed to parse" in analyse("verify", "--man=no", str(unit))


@needs_systemd
def test_systemd_finds_little_to_attack() -> None:
    said = analyse("security", "--offline=true", "--no-pager", str(UNIT))
    (exposure,) = re.findall(r"Overall exposure level for perse.service: ([\d.]+)", said)
    assert float(exposure) <= MOST_EXPOSED


def test_the_server_writes_below_its_data_folder_only() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"ProtectSystem=strict", "StateDirectory=perse", "NoNewPrivileges=yes"} <= set(lines)
    assert not [line for line in lines if line.startswith("ReadWritePaths")]
    assert "Environment=PERSE_DATA_DIR=%S/perse" in lines
