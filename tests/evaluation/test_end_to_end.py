"""As a user would: pictures in folders, the real networks, a report and a calibration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perse.cli.application import app

_FILES = 60


@pytest.fixture
def pictures(shared: Path, tmp_path: Path) -> Path:
    """People with several pictures each."""
    several = (p for p in sorted((shared / "data" / "faces_dev").iterdir()) if p.is_dir())
    files = [file for p in several if len(found := sorted(p.glob("*.jpg"))) > 1 for file in found]
    for file in files[:_FILES]:
        (tmp_path / "faces" / file.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / file.parent.name / file.name).symlink_to(file)
    return tmp_path / "faces"


@pytest.mark.shared
@pytest.mark.usefixtures("network_files")
def test_pictures_become_a_report_and_a_calibration_that_is_served(
    pictures: Path,
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PERSE_PACK", "standard")
    monkeypatch.setenv("PERSE_MODEL_MIRROR", str(shared / "models"))
    run, report = CliRunner(), tmp_path / "report.html"

    arguments = ["evaluate", "face", str(pictures), "--json", "--report", str(report)]
    evaluated = run.invoke(app, arguments, catch_exceptions=False)
    assert evaluated.exit_code == 0, evaluated.output
    result = json.loads(evaluated.stdout)
    assert result["files"] == _FILES
    assert result["failure_to_acquire"]["share"] <= 0.05
    assert result["equal_error_rate"] < 0.1
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")

    calibrated = run.invoke(app, ["calibrate", "face", str(pictures), "--fmr", "1e-2"])
    assert calibrated.exit_code == 0, calibrated.output
    points_id = calibrated.stdout.strip()
    a, b = sorted(
        next(p for p in sorted(pictures.iterdir()) if len(list(p.iterdir())) > 1).iterdir()
    )[:2]
    compared = run.invoke(app, ["compare", str(a), str(b), "--json"], catch_exceptions=False)
    answer = json.loads(compared.stdout)
    assert answer["operating_points"]["similarity"] == points_id
    assert answer["default_thresholds"]["similarity"] == pytest.approx(0.6)
