"""Starting and ending as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from perse.api.server.server import serve
from perse.errors import AddressUnusable
from tests.fakes.services import FakeServices, app_over

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
from perse.api.telemetry.logs import configure_logs
from perse.api.server.server import serve
from tests.fakes.services import FakeServices, app_over
configure_logs("info")
app = app_over(FakeServices())
serve(app, host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True))
print("ended well", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_good_order(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/health/ready").status_code == 200
        assert _largest_core(process.pid) == ["0", "0"]
        process.send_signal(number)
        rest, logged = process.communicate(timeout=20)
    assert rest == "ended well\n"
    assert process.returncode == 0
    lines = logged.splitlines()
    assert len(lines) == 1
    assert '"route": "/health/ready"' in lines[0]


def _largest_core(pid: int) -> list[str]:
    """Soft and hard limit in bytes; what they must be where only Linux shows them."""
    limits = Path(f"/proc/{pid}/limits")
    if sys.platform != "linux":
        return ["0", "0"]
    line = next(li for li in limits.read_text().splitlines() if li.startswith("Max core file"))
    return line.split()[4:6]


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnusable, match=f"port {port} of 127.0.0.1 .* --port"):
            serve(app_over(FakeServices()), host="127.0.0.1", port=port, on_ready=print)


def test_an_unknown_host_is_one_too() -> None:
    with pytest.raises(AddressUnusable, match=r"nowhere\.invalid"):
        serve(app_over(FakeServices()), host="nowhere.invalid", port=0, on_ready=print)
