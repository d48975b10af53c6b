"""The wheel as somebody installs it: it holds everything that perse needs to serve."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

import perse
from tests.conftest import REPOSITORY


def build(source: Path, target: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(REPOSITORY, folder)
    return folder


def wheel_in(folder: Path) -> Path:
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel. Its dependencies are lent by this process's
    environment, as a folder of packages: what that one's own perse hangs on, a .pth file, is not
    read there. That the lock is all of the dependencies, .ci/locks shows."""
    environment = tmp_path_factory.mktemp("installed")
    venv.create(environment, symlinks=True)
    programs = environment / "bin"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(programs / "python"),
        "install",
        "--no-deps",
    ]
    quiet = ["--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *quiet, str(wheel_in(built))], check=True, capture_output=True)
    packages = run(programs / "python", "-c", "import sysconfig as s; print(s.get_path('purelib'))")
    Path(packages.strip(), "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return programs


def run(program: Path, *words: str) -> str:
    done = subprocess.run(
        [str(program), *words], capture_output=True, text=True, check=True, cwd=program.parent
    )
    return done.stdout


def test_every_file_of_the_package_is_in_the_wheel(built: Path) -> None:
    package = REPOSITORY / "src"
    there = {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = set(zipfile.ZipFile(wheel_in(built)).namelist())
    assert {name for name in packed if name.startswith("perse/")} == there
    assert {"perse/py.typed", "perse/weights/catalogue.toml"} <= there


def test_the_source_package_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as package:
        package.extractall(tmp_path, filter="data")
    build(next(tmp_path.iterdir()), tmp_path / "again")
    assert wheel_in(tmp_path / "again").read_bytes() == wheel_in(built).read_bytes()


def test_the_wheel_is_what_runs(installed: Path) -> None:
    place = run(installed / "python", "-c", "import perse; print(perse.__file__)")
    assert Path(place).is_relative_to(installed.parent)
    assert run(installed / "perse", "--version") == f"perse {perse.__version__}\n"


def test_it_serves(installed: Path, tmp_path: Path, pack_folders: dict[str, Path]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights").symlink_to(pack_folders["standard"] / "weights")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PERSE_", "PYTHON"))}
    environment |= {"PERSE_OFFLINE": "true", "COLUMNS": "200"}
    log = tmp_path / "log"
    command = [str(installed / "perse"), "serve", "--port", "0", "--data-dir", "data"]
    with (
        log.open("w") as said,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=said) as process,
    ):
        try:
            address = ready_at(log, process)
            for path in (
                "/health/ready",
                "/",
                "/console/main.js",
                "/swagger/",
                "/openapi.json",
                "/version",
            ):
                assert httpx.get(address + path).status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0, log.read_text()


def ready_at(log: Path, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        if "ready at " in log.read_text():
            return log.read_text().split("ready at ")[1].split()[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
