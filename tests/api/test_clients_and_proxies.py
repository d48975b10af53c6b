"""Real programs between a user and us: Java's own client, and nginx as it is often configured."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.fakes.faces import picture
from tests.served import Served

JAVA = shutil.which("java")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

# Every path but one, and an upgrade offered with every request, whether the client did or not.
CONFIGURATION = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
    scgi_temp_path t5;
    upstream perse {{ server 127.0.0.1:{served_port}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 20m;
        proxy_request_buffering off;
        proxy_http_version 1.1;
        proxy_set_header Upgrade {upgrade};
        proxy_set_header Connection "upgrade";
        location / {{ proxy_pass http://perse; }}
        location /metrics {{ return 403; }}
    }}
}}
"""


@pytest.mark.skipif(JAVA is None and not NOTHING_MAY_BE_SKIPPED, reason="there is no java here")
def test_javas_client_logs_in(served: Served) -> None:
    assert JAVA is not None
    ran = subprocess.run(
        [JAVA, Path(__file__).with_name("Login.java"), served.url, served.services.api_key],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ran.stdout.split() == ["200", "200", "200"]


@dataclass(frozen=True)
class Proxied:
    served: Served
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def counted(self, route: str) -> bool:
        """True if the server itself was asked for that route."""
        return f'route="{route}"' in httpx.get(f"{self.served.url}/metrics").text


@pytest.fixture(scope="module", params=["websocket", "$http_upgrade"])
def proxied(
    request: pytest.FixtureRequest, served: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    with nginx(served, request.param, tmp_path_factory.mktemp("nginx")) as proxy:
        yield proxy


@contextmanager
def nginx(served: Served, upgrade: str, folder: Path) -> Iterator[Proxied]:
    assert NGINX is not None
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(served_port=served.port, port=port, upgrade=upgrade)
    )
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(configuration)]) as process:
        try:
            _await(port, process)
            yield Proxied(served, port)
        finally:
            process.terminate()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx does not listen")


needs_nginx = pytest.mark.skipif(
    NGINX is None and not NOTHING_MAY_BE_SKIPPED, reason="there is no nginx here"
)


@needs_nginx
@pytest.mark.parametrize("offer", [{}, {"Upgrade": "websocket", "Connection": "Upgrade"}])
def test_every_call_passes_a_proxy_that_offers_upgrades(
    proxied: Proxied, offer: dict[str, str]
) -> None:
    services = proxied.served.services
    with httpx.Client(base_url=f"http://127.0.0.1:{proxied.port}", headers=offer) as client:
        login = client.post("/v0/login", json={"privateKey": services.api_key})
        assert login.status_code == 200
        client.headers["Authorization"] = f"Bearer {login.json()['token']}"
        for size in (100, 70_000, 600_000):
            files = {"image_file": picture(size=size)}
            assert client.post("/v0/face/detect", files=files).status_code == 200
        assert client.get("/v0/face/enrollment/list").status_code == 200
        assert client.delete("/v0/face/enrollment/nobody").status_code == 422
        assert client.get("/metrics").status_code == 403


@needs_nginx
@pytest.mark.parametrize("framing", ["Content-Length: {length}", "Transfer-Encoding: chunked"])
def test_no_request_passes_the_proxy_in_the_body_of_another(proxied: Proxied, framing: str) -> None:
    hidden = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n"
    body = hidden
    if "chunked" in framing:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    fields = framing.format(length=len(hidden))
    head = (
        f"POST /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{fields}\r\n"
    )
    with proxied.connect() as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 405 ")
    with httpx.Client(base_url=f"http://127.0.0.1:{proxied.port}") as client:
        assert "pack" in client.get("/version").json()
    assert not proxied.counted("/.well-known/jwks.json")
