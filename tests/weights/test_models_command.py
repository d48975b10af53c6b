from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perse.cli.models import app
from perse.errors import CatalogInvalid, WeightsUnavailable

CONTENT = b"weights of a network"
CATALOG = f"""
[models.tiny]
role = "face_detector"
adapter = "yunet"
file = "tiny.onnx"
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
size_bytes = {len(CONTENT)}
input = "anything"
source = {{ kind = "url", url = "https://nowhere.invalid/tiny.onnx" }}
licence = {{ weights = "CC0" }}
[packs.tiny_pack]
summary = "One network."
default_fmr = 1e-3
default_voice_fmr = 1e-2
quality = {{ underexposure = 1.0, overexposure = 1.0, sharpness = 0.0, colour = 1.0, rotation = 9 }}
roles = {{ face_detector = "tiny" }}
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own.toml").write_text(CATALOG)
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tiny.onnx").write_bytes(CONTENT)
    monkeypatch.setenv("PERSE_CATALOG", str(tmp_path / "own.toml"))
    monkeypatch.setenv("PERSE_MODEL_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("PERSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PERSE_OFFLINE", "1")
    monkeypatch.setenv("PERSE_PACK", "tiny_pack")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_list_shows_every_network_and_whether_it_is_here() -> None:
    listed = run("list")
    assert listed.exit_code == 0
    line = next(line for line in listed.stdout.splitlines() if line.split()[0] == "tiny")
    assert line.split() == ["tiny", "face_detector", "tiny_pack", "missing", "0.0", "CC0"]
    assert "campplus" in listed.stdout


def test_list_as_json_says_everything() -> None:
    lines = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    tiny = next(line for line in lines if line["name"] == "tiny")
    assert tiny["licence"]["weights"] == "CC0"
    assert tiny["packs"] == ["tiny_pack"]
    assert tiny["state"] == "missing"
    assert all(len(line["sha256"]) == 64 for line in lines)


def test_fetch_then_verify(surroundings: Path) -> None:
    assert run("verify").exit_code == 1
    fetched = run("fetch")
    assert fetched.exit_code == 0
    path = surroundings / "data" / "weights" / "tiny.onnx"
    assert fetched.stdout.strip() == f"tiny: {path}"
    assert run("verify").stdout.strip() == "tiny: ready"
    path.write_bytes(CONTENT.upper())
    damaged = run("verify", "--pack", "tiny_pack")
    assert damaged.exit_code == 1
    assert "run `perse models fetch`" in damaged.stdout
    assert run("fetch", "tiny").exit_code == 0
    assert run("verify", "tiny").exit_code == 0


def test_what_cannot_be_had_is_said() -> None:
    assert isinstance(run("fetch", "yunet_n").exception, WeightsUnavailable)
    assert isinstance(run("fetch", "--pack", "premium").exception, CatalogInvalid)
    assert isinstance(run("verify", "premium").exception, CatalogInvalid)
