"""The line that the first start shows, pasted into a shell."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from perse.api.server.addresses import url_of
from perse.cli.progress import console
from perse.cli.setup import first_request, show_first_request
from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.fakes.faces import picture
from tests.served import serving


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("192.0.2.7", "http://192.0.2.7:80"),
        ("localhost", "http://localhost:80"),
        ("perse.example", "http://perse.example:80"),
        ("::1", "http://[::1]:80"),
        ("fd00::1", "http://[fd00::1]:80"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - a name only
        ("", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("0:0:0:0:0:0:0:0", "http://[::1]:80"),
    ],
)
def test_an_address_is_one_that_can_be_called(host: str, url: str) -> None:
    assert url_of(host, 80) == url


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_line_works_wherever_the_server_listens(tmp_path: Path, host: str, shell: str) -> None:
    if host == "::1" and not (_has_ipv6() or NOTHING_MAY_BE_SKIPPED):
        pytest.skip("there is no IPv6 here")
    if not (shutil.which("curl") or NOTHING_MAY_BE_SKIPPED):
        pytest.skip("there is no curl here")
    (tmp_path / "selfie.jpg").write_bytes(picture())
    with serving(host=host) as served:
        line = first_request(served.url, served.services.api_key)
        answer = subprocess.run(
            [shell, "-c", line], cwd=tmp_path, capture_output=True, check=True, timeout=30
        )
    assert json.loads(answer.stdout)["total_faces"] == 1


@pytest.mark.parametrize("url", ["http://[fd00::1]:80", "http://[fe80::1%25eth0]:80"])
def test_it_is_shown_whole(url: str) -> None:
    with console.capture() as shown:
        show_first_request(url, "00000000-0000-4000-8000-000000000000")
    assert first_request(url, "00000000-0000-4000-8000-000000000000") in shown.get()
