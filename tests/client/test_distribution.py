"""The client as somebody installs it: it needs httpx and nothing of perse."""

from __future__ import annotations

import importlib.metadata
import subprocess
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

import perse
import perse_client
from tests.conftest import REPOSITORY
from tests.journeys.test_distribution import build, run, wheel_in

SOURCE = REPOSITORY / "clients" / "python"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(SOURCE, folder)
    return folder


def test_every_file_of_the_package_is_in_the_wheel(built: Path) -> None:
    package = SOURCE / "src"
    there = {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = set(zipfile.ZipFile(wheel_in(built)).namelist())
    assert {name for name in packed if name.startswith("perse_client/")} == there
    assert "perse_client/py.typed" in there
    assert any(name.endswith("/licenses/LICENSE") for name in packed)


def test_the_source_package_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as package:
        package.extractall(tmp_path, filter="data")
    build(next(tmp_path.iterdir()), tmp_path / "again")
    assert wheel_in(tmp_path / "again").read_bytes() == wheel_in(built).read_bytes()


def test_it_runs_where_nothing_of_perse_is(built: Path, tmp_path: Path) -> None:
    """httpx is lent by the folder in which it lies here, without the rest of that folder."""
    venv.create(tmp_path, symlinks=True)
    python = tmp_path / "bin" / "python"
    where = run(python, "-c", "import sysconfig as s; print(s.get_path('purelib'))")
    packages = Path(where.strip())
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        wheel.extractall(packages)  # noqa: S202 - our own wheel
    for name in ("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "typing_extensions.py"):
        (packages / name).symlink_to(Path(httpx.__file__).parents[1] / name)
    said = run(python, "-W", "error", "-c", PROGRAM)
    assert said == "Client('http://perse.test')\nUnreachable\n"
    with pytest.raises(subprocess.CalledProcessError):
        run(python, "-c", "import perse")


PROGRAM = """
import perse_client
import httpx

def nobody(request):
    raise httpx.ConnectError("nobody")

once = perse_client.Patience(tries=1)
with perse_client.Client(
    "http://perse.test", "key", patience=once, transport=httpx.MockTransport(nobody)
) as client:
    print(client)
    try:
        client.log_in()
    except perse_client.TryLater as error:
        print(type(error).__name__)
"""


def test_it_needs_httpx_alone_and_is_licensed_as_perse_is() -> None:
    told = importlib.metadata.metadata("perse-client")
    assert told.get_all("Requires-Dist") == ["httpx<1,>=0.28"]
    assert told["License-Expression"] == importlib.metadata.metadata("perse")["License-Expression"]
    assert (SOURCE / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
    assert perse_client.__version__ == told["Version"] == perse.__version__
